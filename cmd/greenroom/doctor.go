package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
)

type doctorOptions struct {
	*program
	json bool
}

func (p *program) doctorCommand() *cobra.Command {
	o := &doctorOptions{program: p}
	cmd := &cobra.Command{Use: "doctor", Short: "Say how everything is, and what to do about what isn't", Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the status as a JSON object")
	return cmd
}

// errUnwell makes doctor's exit status tell what its lines say.
var errUnwell = errors.New("an account is failing")

func (o *doctorOptions) run(ctx context.Context, _ []string) error {
	return o.with(ctx, func(b app.Backend) error {
		s, err := b.Status(ctx, app.StatusQuery{})
		if err != nil {
			return err
		}
		if o.json {
			s.Accounts, s.Pollers = list(s.Accounts), list(s.Pollers)
			return o.printJSON(s)
		}
		return o.print(s)
	})
}

func (o *doctorOptions) print(s app.Status) error {
	if len(s.Accounts) == 0 {
		o.words("No account is configured: set DAILY_API_KEY or WHEREBY_API_KEY, or see `greenroom config path`.")
	}
	var failing bool
	t := newTable("", "STATE", "")
	for _, a := range s.Accounts {
		t.add("account "+a.Name, a.Health, a.Detail)
		if a.Hint != "" {
			t.add("", "", a.Hint)
		}
		if a.Webhook != "" {
			t.add("", "", "webhooks to "+a.Webhook)
		}
		failing = failing || a.Health == "failing"
	}
	switch {
	case s.Listener.URL != "":
		t.add("listener", "listening", fmt.Sprintf("%s: %d accepted, %d rejected, %d too busy", s.Listener.URL, s.Listener.Accepted, s.Listener.Rejected, s.Listener.Busy))
	case s.Listener.Problem != "":
		t.add("listener", "not listening", s.Listener.Problem)
	default:
		t.add("listener", "not listening", "webhooks arrive while the screen or `greenroom listen` runs")
	}
	if s.Tunnel.State != "" {
		t.add("tunnel", s.Tunnel.State, s.Tunnel.Driver+" "+s.Tunnel.URL+" "+s.Tunnel.Reason)
	}
	t.add("store", humanize.IBytes(uint64(max(s.Store.Bytes, 0))), fmt.Sprintf("%s: %s events, schema %d", s.Store.Path, humanize.Comma(int64(s.Store.Deliveries)), s.Store.Schema))
	if s.Store.Owner != 0 && s.Store.Owner != os.Getpid() {
		t.add("", "", fmt.Sprintf("held by process %d, Greenroom %s, for %s", s.Store.Owner, s.Version, length(o.now().Sub(s.Store.Since.Time).Round(time.Second))))
	}
	if s.Store.CompactionDue() {
		t.add("", "", fmt.Sprintf("%s of it is free: give it back with `greenroom store compact`", humanize.IBytes(uint64(s.Store.FreeBytes))))
	}
	for _, p := range s.Pollers {
		state := "ok"
		if p.Error != "" {
			state = "failing"
		}
		t.add(p.Name+" "+p.Account, state, p.Error)
	}
	if err := t.write(o.stdout); err != nil {
		return err
	}
	if failing {
		return errUnwell
	}
	return nil
}
