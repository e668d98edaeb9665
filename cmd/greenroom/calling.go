package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/filter"
	"greenroom/internal/hub"
	"greenroom/internal/notify"
	run "greenroom/internal/program"
)

// newCallRules returns the rules of the programs that the configuration runs for notifications.
func newCallRules(c *config.Config) ([]hub.CallRule, error) {
	var rules []hub.CallRule
	for _, p := range c.Notify.Programs {
		rule := hub.CallRule{Run: func(ctx context.Context, call app.Call) error { return runCall(ctx, c, p.Run, call) }}
		words, ok := notify.WordsIn(p.On)
		if rule.Words = words; !ok {
			f, err := filter.Parse(p.On, filter.Options{Now: time.Now()})
			if err != nil {
				return nil, &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("on = %q under [[notify]]: %v", p.On, err), Err: err}
			}
			rule.Words, rule.Filter = nil, f
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// listenCalls holds a listener's settings of notifications. A reload replaces them.
type listenCalls struct {
	settings atomic.Pointer[config.Notify]
	rules    atomic.Pointer[[]hub.CallRule]
	owner    atomic.Pointer[hub.Hub] // nil if another process owns the store
}

// with returns an access that passes the rules of the last reload to the hub, if this process becomes the owner.
func (l *listenCalls) with(a access) access {
	owns := a.owns
	a.owns = func(ctx context.Context, h *hub.Hub) {
		l.owner.Store(h)
		if rules := l.rules.Load(); rules != nil {
			h.SetCalls(*rules)
		}
		owns(ctx, h)
	}
	return a
}

// replace applies the settings of a reloaded configuration.
func (l *listenCalls) replace(n config.Notify, rules []hub.CallRule) {
	l.settings.Store(&n)
	l.rules.Store(&rules)
	if h := l.owner.Load(); h != nil {
		h.SetCalls(rules)
	}
}

// runCall runs a program of [[notify]]. Its output goes to the log file.
func runCall(ctx context.Context, c *config.Config, args []string, call app.Call) error {
	logs, err := openLog(c.DataDir)
	if err != nil {
		return err
	}
	p := run.Program{
		Name: "notify", Args: args, Environ: os.Environ(), Secrets: c.SecretVariables(), Log: newLog(logs, slog.LevelInfo),
		Facts: [][2]string{
			{"EVENT", call.Event}, {"AT", call.At.Format(time.RFC3339)}, {"ROOM", call.Room}, {"MEETING", call.Meeting}, {"ACCOUNT", call.Account},
			{"PLATFORM", string(call.Platform)}, {"PERSON", call.Person}, {"REASON", call.Reason}, {"URL", call.URL},
		},
	}
	return errors.Join(p.Run(ctx), logs.Close())
}

// ring rings the terminal's bell and shows a message on the desktop, if the configuration has the notification's word.
func (p *program) ring(w io.Writer, n config.Notify, c app.Call) {
	out := ""
	if slices.Contains(n.Bell, c.Event) {
		out += notify.Bell
	}
	if slices.Contains(n.Desktop, c.Event) {
		out += notify.Desktop(p.getenv, notify.Sentence(c))
	}
	_, _ = io.WriteString(w, out)
}
