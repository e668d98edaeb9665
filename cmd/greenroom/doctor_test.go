package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestDoctorSaysWhatToDo(t *testing.T) {
	b := newBench(t, false, "")
	o := &doctorOptions{program: b.program}
	s := app.Status{
		Version:  "1.2",
		Listener: app.ListenerStatus{URL: "http://127.0.0.1:7070", Problem: "127.0.0.1:7070 is taken", Accepted: 5, Rejected: 7},
		Store: app.StoreStatus{
			Path: "/x.db", Bytes: 1 << 30, FreeBytes: 1 << 29 * 3 / 2, Deliveries: 1234567, Owner: 1,
			Since: app.At(b.now().Add(-time.Hour)),
		},
		Pollers: []app.PollerStatus{{Name: "presence", Account: "acme", Error: "rate limited"}},
	}
	found := []app.Diagnosis{
		{Account: "acme\x1b[2J", Platform: provider.Daily, Checks: []provider.Check{
			{Name: "API key", Detail: "unauthenticated", Hint: "set DAILY_API_KEY"},
			{Name: "clock", OK: true, Detail: "agrees"},
		}},
		{Checks: []provider.Check{
			{Name: "listener", Optional: true, Detail: "the port is taken"},
			{Name: "insights", Optional: true, Unknown: true, Detail: "rate limit", Hint: "wait 42s"},
		}},
	}
	if err := o.print(s, found); err != nil {
		t.Fatal(err)
	}
	out := b.out.String()
	for _, want := range []string{
		"acme␛[2J (daily)", "API key", "FAILED", "set DAILY_API_KEY", "the port is taken", "missing", "insights          unknown", "wait 42s", "warning  127.0.0.1:7070 is taken", "5 accepted, 7 rejected",
		"1,234,567", "store compact", "process 1, Greenroom 1.2, for 1:00:00", "rate limited",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	s.Store = app.StoreStatus{Path: "/x.db", Bytes: 1000, FreeBytes: 900}
	b.out.Reset()
	if err := o.print(s, nil); err != nil || strings.Contains(b.out.String(), "compact") {
		t.Errorf("a small store: %v %s", err, b.out.String())
	}
}

func TestWhatFailsAndWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		checks []provider.Check
		health string
	}{
		{nil, "ok"},
		{[]provider.Check{{OK: true}}, "ok"},
		{[]provider.Check{{OK: true}, {Optional: true}}, "ok"},
		{[]provider.Check{{OK: true}, {Optional: true, Unknown: true}}, "ok"},
		{[]provider.Check{{OK: true}, {}}, "failing"},
	} {
		if got := app.Health([]app.Diagnosis{{}, {Checks: test.checks}}); got != test.health {
			t.Errorf("%+v: %s", test.checks, got)
		}
	}
	if exitCode(errors.Join(errUnwell)) != exitFailed {
		t.Error("doctor's exit status")
	}
}
