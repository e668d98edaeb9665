package store

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// ErrDamaged is in the errors of a file that can't be read as a store, whenever that is found.
var ErrDamaged = errors.New("store: the file is damaged")

// damageError says which file is damaged, how, and what to do.
type damageError struct {
	path, detail string
	// stuck says that the library was left with its locks held.
	stuck bool
}

func (e *damageError) Error() string {
	return fmt.Sprintf("the store %s is damaged (%s): restore a backup with `greenroom store restore FILE`", e.path, e.detail)
}

func (e *damageError) Is(target error) bool { return target == ErrDamaged }

func damaged(path, detail string) error { return &damageError{path: path, detail: detail} }

func stuck(err error) bool {
	var d *damageError
	return errors.As(err, &d) && d.stuck
}

// guarded runs f, which reads a mapped file. The library panics where a page isn't what it must be, and reading beyond the
// file's end or a bad sector is a fault: both become an error. Panics of other code pass.
func guarded(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	done := false
	defer func() {
		if done {
			return
		}
		if ours, stuck := ofTheFile(); ours {
			err = &damageError{path: path, detail: reason(recover()), stuck: stuck}
		}
	}()
	err = f()
	done = true
	return err
}

func reason(v any) string {
	if _, fault := v.(interface{ Addr() uintptr }); fault {
		return "a part of it is missing or can't be read"
	}
	text, _, _ := strings.Cut(fmt.Sprint(v), "\n")
	return strings.TrimPrefix(text, "assertion failed: ")
}

// ofTheFile reports whether the panic under way is the library's or a fault, and whether it left a lock of the library held.
func ofTheFile() (ours, stuck bool) {
	var pcs [128]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking, first := false, true
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		switch name := frame.Function; {
		case name == "runtime.gopanic":
			panicking = true
		case panicking && name == "runtime.panicmemAddr":
			ours = true // a fault at an address other than nil
		case !panicking || strings.HasPrefix(name, "runtime."):
		default:
			ours = ours || first && strings.HasPrefix(name, library)
			stuck = stuck || strings.HasPrefix(name, library+".(*DB).begin") || name == library+".(*Tx).rollback"
			first = false
		}
	}
	return ours, ours && stuck
}

const library = "go.etcd.io/bbolt"
