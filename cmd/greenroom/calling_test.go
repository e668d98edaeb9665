package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A reload applies the notifications of the new configuration. One that can't be used changes nothing.
func TestAReloadAppliesTheNotifications(t *testing.T) {
	b := newBench(t, false, "")
	path := filepath.Join(b.getenv("XDG_CONFIG_HOME"), "greenroom", "config.toml")
	write := func(text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("bell = [\"waiting\"]\n")
	o := &listenOptions{program: b.program}
	c, err := o.configFor(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	var calls listenCalls
	calls.settings.Store(&c.Notify)
	reload := func() { o.reload(t.Context(), b.backend, c, &calls, slog.New(slog.DiscardHandler)) }
	write("bell = [\"first-guest\"]\n[[notify]]\non = \"waiting\"\nrun = [\"true\"]\n[[notify]]\non = \"kind:recording.ready\"\nrun = [\"true\"]\n")
	reload()
	if bell := calls.settings.Load().Bell; !slices.Equal(bell, []string{"first-guest"}) {
		t.Errorf("the bell rings for %q", bell)
	}
	rules := *calls.rules.Load()
	if len(rules) != 2 || !slices.Equal(rules[0].Words, []string{"waiting"}) || rules[1].Filter.String() != "kind:recording.ready" {
		t.Errorf("%+v", rules)
	}
	write("[[notify]]\non = \"wating\"\nrun = [\"true\"]\n")
	if reload(); len(*calls.rules.Load()) != 2 {
		t.Error("an invalid configuration was applied")
	}
}
