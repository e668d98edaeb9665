package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/spf13/pflag"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
)

func TestLogFlags(t *testing.T) {
	var out bytes.Buffer
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--log-level", "INFO"}, "level=INFO msg=hello"},
		{[]string{"--log-level=debug", "--log-json"}, `"level":"INFO","msg":"hello"`},
		{[]string{"--log-level", "warn"}, ""},
		{nil, ""},
	} {
		out.Reset()
		var s service
		fl := pflag.NewFlagSet("", pflag.ContinueOnError)
		if s.add(fl); fl.Parse(c.args) != nil {
			t.Fatal(c.args)
		}
		serviceLog(&out, s.level, s.logJSON).Info("hello")
		if !strings.Contains(out.String(), c.want) || c.want == "" && out.Len() > 0 {
			t.Errorf("%q has no %q", out.String(), c.want)
		}
	}
	if _, err := parseLevel("loud"); err == nil {
		t.Error("an unknown level is accepted")
	}
}

// notifications listens as systemd does.
func notifications(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skip("no datagram sockets here: ", err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	got := make(chan string, 100)
	go func() {
		defer close(got)
		for b := make([]byte, 1000); ; {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			got <- string(b[:n])
		}
	}()
	return got
}

// dead is a Backend whose store does not answer.
type dead struct{ *apptest.Memory }

func (dead) Status(ctx context.Context, _ app.StatusQuery) (app.Status, error) {
	<-ctx.Done()
	return app.Status{}, ctx.Err()
}

func TestWatchdogIsServedOnlyWhileTheStoreAnswers(t *testing.T) {
	got := notifications(t)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchdog(ctx, apptest.NewMemory(1), time.Millisecond, log)
	}()
	for range 3 {
		if s := <-got; s != daemon.SdNotifyWatchdog {
			t.Errorf("notified %q", s)
		}
	}
	cancel()
	<-done
	notifySystemd(log, "DEAD=1")
	for s := range got {
		if s == "DEAD=1" {
			break
		}
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	out.Reset()
	watchdog(ctx, dead{apptest.NewMemory(1)}, time.Millisecond, log)
	notifySystemd(log, "LAST=1")
	if s := <-got; s != "LAST=1" {
		t.Errorf("notified %q although the store does not answer", s)
	}
	if !strings.Contains(out.String(), "the store does not answer") {
		t.Errorf("logged %q", out.String())
	}
}
