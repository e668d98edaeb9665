// Package crash starts the goroutines of the program and recovers their panics, so that a panic doesn't kill the process with the terminal still
// raw.
package crash

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Report is one panic.
type Report struct {
	// Name is the purpose of the goroutine.
	Name  string
	Value any
	Stack []byte
}

// Error returns the panic without its stack.
func (r Report) Error() string { return fmt.Sprintf("panic in %s: %v", r.Name, r.Value) }

// Group starts goroutines and waits for them. Its zero value doesn't recover panics. With OnPanic, a panic only ends its goroutine.
type Group struct {
	// OnPanic is called in the panicking goroutine. It must be set before the first Go.
	OnPanic func(Report)

	wg sync.WaitGroup
}

// Go runs f in a goroutine of the given name. A nil group behaves as the zero value.
func (g *Group) Go(name string, f func()) {
	if g == nil {
		go f()
		return
	}
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		defer g.Recover(name)
		f()
	}()
}

// GoIn is Go for a goroutine that also counts in a wait group.
func (g *Group) GoIn(wg *sync.WaitGroup, name string, f func()) {
	wg.Add(1)
	g.Go(name, func() {
		defer wg.Done()
		f()
	})
}

// Recover is deferred in goroutines that a library started, such as those of an HTTP server.
func (g *Group) Recover(name string) {
	if g == nil || g.OnPanic == nil {
		return
	}
	if v := recover(); v != nil {
		g.OnPanic(Report{Name: name, Value: v, Stack: debug.Stack()})
	}
}

// Wait waits until all goroutines have ended.
func (g *Group) Wait() { g.wg.Wait() }
