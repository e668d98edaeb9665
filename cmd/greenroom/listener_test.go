package main

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/config"
	"greenroom/internal/crash"
)

func TestAListenerThatHadToMoveSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	var log strings.Builder
	d := &door{
		cfg: &config.Config{Listen: addr, BodyLimit: 1 << 20}, log: slog.New(slog.NewTextHandler(&log, nil)), crash: new(crash.Group),
	}
	d.attempt(&fake{Memory: apptest.NewMemory(8)})
	defer func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	s := d.status()
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
		{"a stranger", "another program", app.ListenerStatus{}},
		{"we are the owner", "another program", s},
		{"the owner listens elsewhere", "another program", app.ListenerStatus{URL: "http://127.0.0.1:1"}},
		{"the owner", "another Greenroom on the same data", app.ListenerStatus{URL: "http://" + addr}},
	} {
		if got := d.moved(test.owner); !strings.Contains(got, test.want) || !strings.Contains(got, addr) {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

func TestAListenerInItsPlaceSaysNothing(t *testing.T) {
	d := &door{cfg: &config.Config{Listen: "127.0.0.1:0", BodyLimit: 1 << 20}, log: slog.New(slog.DiscardHandler), crash: new(crash.Group)}
	if got := d.moved(app.ListenerStatus{}); got != "" {
		t.Errorf("before it listens: %q", got)
	}
	d.attempt(&fake{Memory: apptest.NewMemory(8)})
	if got := d.moved(app.ListenerStatus{}); got != "" {
		t.Errorf("%q", got)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}
