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
	"greenroom/provider"
	"greenroom/store"
)

type doctorOptions struct {
	*program
	account string
}

func (p *program) doctorCommand() *cobra.Command {
	o := &doctorOptions{program: p}
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check accounts, listener and store, with fixes", Args: exactly(), RunE: p.do(o.run),
		Long: "Check each account on its platform (key, plan, permissions, bucket, webhook, clock), the listener and the store,\n" +
			"and show how to fix what is wrong. The exit status is 1 if a check failed. \"missing\" is something optional, such as " +
			"webhooks\nwhile presence is polled; \"unknown\" can't be checked now, for example because of a rate limit. " +
			"Neither changes the status.",
	}
	cmd.Flags().StringVar(&o.account, "account", "", "check only this account")
	return p.jsonFlag(cmd, "print the status and the diagnosis as a JSON object")
}

// errUnwell is the error of failed checks.
var errUnwell = errors.New("some checks failed")

// report is doctor's JSON: the status and the results of the checks.
type report struct {
	app.Status
	// Health is ok or failing, like the exit status.
	Health    string          `json:"status"`
	Diagnosis []app.Diagnosis `json:"diagnosis"`
}

func (o *doctorOptions) run(ctx context.Context, _ []string) error {
	err := o.reading(ctx, func(b app.Backend) error {
		found, err := b.Diagnose(ctx, app.DiagnosisQuery{Account: o.account})
		if err != nil {
			return err
		}
		s, err := b.Status(ctx, app.StatusQuery{})
		if err != nil {
			return err
		}
		return o.tell(s, found)
	})
	switch {
	case errors.Is(err, errUnwritable):
		return o.tell(app.Status{Version: o.version}, diagnosis("data folder", err))
	case errors.Is(err, store.ErrDamaged):
		return o.tell(app.Status{Version: o.version}, diagnosis("store", err))
	}
	return err
}

// tell prints the diagnosis. The error is errUnwell if a check failed.
func (o *doctorOptions) tell(s app.Status, found []app.Diagnosis) (err error) {
	health := app.Health(found)
	if o.json {
		s.Accounts, s.Pollers = list(s.Accounts), list(s.Pollers)
		for i := range found {
			found[i].Checks = list(found[i].Checks)
		}
		err = o.printJSON(report{s, health, list(found)})
	} else {
		err = o.print(s, found)
	}
	if err == nil && health != "ok" {
		err = errUnwell
	}
	return err
}

// mark returns the state of a check.
func mark(c provider.Check) string {
	switch {
	case c.OK:
		return "ok"
	case c.Unknown:
		return "unknown"
	case c.Optional:
		return "missing"
	}
	return "FAILED"
}

func (o *doctorOptions) print(s app.Status, found []app.Diagnosis) error {
	t := newTable("ABOUT", "CHECK", "STATE", "")
	for _, d := range found {
		about := "greenroom"
		if d.Account != "" {
			about = fmt.Sprintf("%s (%s)", d.Account, d.Platform)
		}
		for _, c := range d.Checks {
			t.add(about, c.Name, mark(c), c.Detail)
			if c.Hint != "" {
				t.add("", "", "", "→ "+c.Hint)
			}
			about = ""
		}
	}
	o.addStatus(t, s)
	return o.printTable(t)
}

// addStatus adds rows for the listener, the tunnel, the store and the pollers.
func (o *doctorOptions) addStatus(t *table, s app.Status) {
	if s.Listener.URL != "" {
		t.add("listener", "answers", "", fmt.Sprintf("%d accepted, %d rejected, %d too busy", s.Listener.Accepted, s.Listener.Rejected, s.Listener.Busy))
		if s.Listener.Problem != "" {
			t.add("", "address", "warning", s.Listener.Problem)
		}
	}
	if s.Tunnel.State != "" && s.Tunnel.State != "closed" {
		addTunnel(t, s.Tunnel)
	}
	if s.Store.Path == "" {
		return // nothing could be opened
	}
	t.add("store", "file", humanize.IBytes(uint64(max(s.Store.Bytes, 0))), fmt.Sprintf("%s: %s events, schema %d",
		s.Store.Path, humanize.Comma(int64(s.Store.Deliveries)), s.Store.Schema))
	switch s.Store.Owner {
	case 0:
	case os.Getpid():
		t.add("", "owner", "", "this command, Greenroom "+s.Version)
	default:
		t.add("", "owner", "", fmt.Sprintf("process %d, Greenroom %s, for %s", s.Store.Owner, s.Version, length(o.now().Sub(s.Store.Since.Time).Round(time.Second))))
	}
	if s.Store.CompactionDue() {
		t.add("", "compaction", "due", fmt.Sprintf("%s of it can be freed", humanize.IBytes(uint64(s.Store.FreeBytes))))
		t.add("", "", "", "→ free it with `greenroom store compact`")
	}
	about := "pollers"
	for _, p := range s.Pollers {
		state := "ok"
		if p.Error != "" {
			state = "failing"
		}
		t.add(about, p.Name+" of "+p.Account, state, p.Error)
		about = ""
	}
}

// addTunnel adds rows for an open tunnel.
func addTunnel(t *table, s app.TunnelStatus) {
	waiting := noStoreAndForward
	if s.StoreAndForward {
		waiting = fmt.Sprintf("%d waiting at the relay", s.Spool)
	}
	if s.RTTMs > 0 {
		waiting = fmt.Sprintf("%s there and back, %s", roundTrip(s.RTTMs), waiting)
	}
	t.add("tunnel", s.Driver, s.State, waiting)
	if s.Gap != "" {
		t.add("", "lost", "warning", s.Gap)
	}
}
