package hub

import (
	"fmt"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

func TestADiagnosisNamesWhatHasFailedForGood(t *testing.T) {
	down := newReceiver(func(uint64) app.Attempt { return app.Attempt{Error: "connection refused"} })
	b := forwarding(t, map[string]*receiver{hooks: down})
	check := func(name string) *provider.Check {
		t.Helper()
		all, err := b.Diagnose(t.Context(), app.DiagnosisQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			for _, c := range d.Checks {
				if d.Account == "" && c.Name == name {
					return &c
				}
			}
		}
		return nil
	}
	for _, name := range []string{"downloads", "on_download", "forward dev"} {
		if c := check(name); c != nil {
			t.Errorf("all is well, and there is %+v", c)
		}
	}
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range 5 {
			r := app.Recording{Account: "daily", ID: fmt.Sprint("r", i), Status: app.RecordingReady, Download: &app.Download{State: app.DownloadFailed}}
			switch i {
			case 3:
				r.IgnoredAt = app.At(t0)
			case 4:
				r.Download = &app.Download{State: app.DownloadDone, Command: &app.DownloadCommand{State: app.CommandFailed}}
			}
			if err := tx.PutRecording(r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if c := check("downloads"); c == nil || c.OK || c.Optional || !strings.HasPrefix(c.Detail, "3 failed: ") || c.Hint == "" {
		t.Errorf("failed downloads: %+v", c)
	}
	if c := check("on_download"); c == nil || c.OK || c.Optional || c.Detail != "1 failed: r4" || c.Hint == "" {
		t.Errorf("failed programs: %+v", c)
	}
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	b.joins(1)
	b.awaitTries("dev", 1)
	if c := check("forward dev"); c == nil || c.OK || !c.Optional || !strings.Contains(c.Detail, "doesn't accept event 1") {
		t.Errorf("a target that is down: %+v", c)
	}
}

func TestFewNamesTheFirstOfMany(t *testing.T) {
	for want, names := range map[string][]string{"a": {"a"}, "a, b, c": {"a", "b", "c"}, "a, b, c and 2 more": {"a", "b", "c", "d", "e"}} {
		if got := few(names); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
