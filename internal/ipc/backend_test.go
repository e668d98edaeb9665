package ipc_test

import (
	"context"
	"errors"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/crash"
	"greenroom/internal/ipc"
)

// TestOverTheSocket runs the suite of every Backend against a client whose owner is another session.
func TestOverTheSocket(t *testing.T) {
	apptest.Run(t, func(t *testing.T) apptest.Harness {
		p := newPlace(t)
		p.open(t, p.options(apptest.NewMemory(4096)))
		attached := p.open(t, p.options(nil))
		if attached.Owner() {
			t.Fatal("two owners")
		}
		return apptest.Harness{Backend: attached, Account: "memory", Meetings: true}
	})
}

// TestInProcess runs the suite against the session of the owner itself.
func TestInProcess(t *testing.T) {
	apptest.Run(t, func(t *testing.T) apptest.Harness {
		p := newPlace(t)
		return apptest.Harness{Backend: p.open(t, p.options(apptest.NewMemory(4096))), Account: "memory", Meetings: true}
	})
}

// place is a data folder and a runtime folder. With real, programs open the real store there.
type place struct {
	data, runtime string
	real          bool
}

func newPlace(t testing.TB) place {
	t.Helper()
	return place{data: t.TempDir(), runtime: shortDir(t)}
}

// options are those of a program that stays and serves b.
func (p place) options(b app.Backend) ipc.Options {
	return ipc.Options{
		DataDir: p.data, RuntimeDir: p.runtime, Version: "1.0", Fingerprint: "f", Stay: true, Crash: new(crash.Group),
		Own: func(context.Context) (ipc.Owned, error) {
			if b == nil {
				return ipc.Owned{}, errors.New("this one must only attach")
			}
			return ipc.Owned{Backend: b, Close: func() error { return nil }}, nil
		},
	}
}

func (p place) open(t testing.TB, o ipc.Options) *ipc.Session {
	t.Helper()
	s, err := ipc.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		o.Crash.Wait()
	})
	return s
}
