//go:build unix

package ipc_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc"
	"greenroom/internal/ipc/lock"
	"greenroom/provider"
)

// TestAFrozenOwner: a stopped process keeps the lock and its connections, and answers nothing. Attached processes become stale,
// their calls fail in time, and everything continues when it wakes.
func TestAFrozenOwner(t *testing.T) {
	p := newPlace(t)
	owner := p.start(t, "stay", "")
	owner.expect(t, "owner=true stale=false")
	clock := clockwork.NewFakeClock()
	o := p.stay()
	o.Clock = clock
	s := p.open(t, o)
	states := s.States(t.Context())
	if st := <-states; st.Stale || st.Owner {
		t.Fatalf("state %+v", st)
	}
	if err := owner.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(owner.cmd.Process.Pid, &ws, syscall.WUNTRACED, nil); err != nil || !ws.Stopped() {
		t.Fatalf("the owner didn't stop: %v", err)
	}
	called := make(chan error, 1)
	go func() {
		_, err := s.Rooms(t.Context(), app.RoomQuery{})
		called <- err
	}()
	if st := advanceUntil(t, clock, states); !st.Stale || st.PID != owner.cmd.Process.Pid {
		t.Errorf("beside a frozen owner: %+v", st)
	}
	if err := advanceUntil(t, clock, called); !errors.Is(err, provider.Unavailable) {
		t.Errorf("a call: %v", err)
	}

	// A command fails and names the owner.
	c := p.stay()
	c.Stay, c.Clock = false, clock
	opened := make(chan error, 1)
	go func() {
		_, err := ipc.Open(t.Context(), c)
		opened <- err
	}()
	if err := advanceUntil(t, clock, opened); !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "doesn't answer") {
		t.Errorf("a command: %v", err)
	}

	if err := owner.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// The fake time races ahead of the process, which may seem frozen again before it has woken.
	for {
		st := advanceUntil(t, clock, states)
		if st.Owner || st.PID != owner.cmd.Process.Pid {
			t.Fatalf("beside an owner that woke: %+v", st)
		}
		if !st.Stale {
			break
		}
	}
}

// TestARemovedSocketComesBack: systems clean up runtime and temporary folders under programs that run.
func TestARemovedSocketComesBack(t *testing.T) {
	p := newPlace(t)
	clock := clockwork.NewFakeClock()
	o := p.options(apptest.NewMemory(1))
	o.Clock = clock
	p.open(t, o)
	h, err := lock.Read(p.data)
	if err != nil {
		t.Fatal(err)
	}
	attached := p.open(t, p.options(nil))
	if err := os.RemoveAll(p.runtime); err != nil {
		t.Fatal(err)
	}
	back := make(chan error)
	go func() {
		defer close(back)
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
			if conn, err := net.Dial("unix", h.Socket); err == nil {
				_ = conn.Close()
				return
			}
		}
		back <- errors.New("it never came back")
	}()
	if err := advanceUntil(t, clock, back); err != nil {
		t.Fatal(err)
	}
	if _, err := attached.Rooms(t.Context(), app.RoomQuery{}); err != nil {
		t.Errorf("who was attached: %v", err)
	}
	if late := p.open(t, p.options(nil)); late.Owner() {
		t.Error("two owners")
	}
}
