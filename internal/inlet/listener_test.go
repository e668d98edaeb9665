package inlet

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/web"
)

func TestAListenerThatHadToMoveSaysWhy(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	addr := other.Addr().String()
	var log strings.Builder
	l := NewListener(web.Options{Addr: addr, Log: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	l.TryOpen(apptest.NewMemory(8))
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	s := l.Status()
	if s.URL == "" || s.URL == "http://"+addr {
		t.Fatalf("it listens on %q", s.URL)
	}
	if !strings.Contains(log.String(), "moved to "+s.URL) || !strings.Contains(log.String(), addr) {
		t.Errorf("the log: %s", log.String())
	}
	for _, test := range []struct {
		name, want string
		owner      app.ListenerStatus
	}{
		{"another program", "another program", app.ListenerStatus{}},
		{"we are the owner", "another program", s},
		{"the owner listens elsewhere", "another program", app.ListenerStatus{URL: "http://127.0.0.1:1"}},
		{"the owner", "another Greenroom with the same data", app.ListenerStatus{URL: "http://" + addr}},
	} {
		if got := l.Moved(test.owner); !strings.Contains(got, test.want) || !strings.Contains(got, addr) {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

func TestAListenerInItsPlaceSaysNothing(t *testing.T) {
	l := NewListener(web.Options{Addr: "127.0.0.1:0"}, nil)
	if got := l.Moved(app.ListenerStatus{}); got != "" {
		t.Errorf("before it listens: %q", got)
	}
	l.TryOpen(apptest.NewMemory(8))
	if got := l.Moved(app.ListenerStatus{}); got != "" {
		t.Errorf("%q", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestTheStatusHasThisListener if the owner of the store has none, with the reason if it could not listen.
func TestTheStatusHasThisListener(t *testing.T) {
	b := apptest.NewMemory(8)
	l := NewListener(web.Options{Addr: "127.0.0.1:0"}, nil)
	status := func() app.ListenerStatus {
		t.Helper()
		s, err := l.Backend(b).Status(t.Context(), app.StatusQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Listener
	}
	owners := status()
	if _, err := l.Open(b); err != nil {
		t.Fatal(err)
	}
	if got := status(); owners.URL != "" && got != owners || owners.URL == "" && got.URL != l.Status().URL {
		t.Errorf("%+v, the owner's is %+v", got, owners)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	bad := NewListener(web.Options{Addr: "nowhere"}, nil)
	bad.TryOpen(b)
	if s := bad.Status(); s.URL != "" || !strings.Contains(s.Problem, "nowhere") {
		t.Errorf("%+v", s)
	}
}
