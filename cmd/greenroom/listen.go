package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/inlet"
	"greenroom/internal/notify"
	"greenroom/internal/plain"
	"greenroom/tunnel"
)

type listenOptions struct {
	*program
	addr, tunnel string
	forwardTo    []string
	service

	printing sync.Mutex // events and the tunnel's status come from different goroutines
}

func (p *program) listenCommand() *cobra.Command {
	o := &listenOptions{program: p}
	cmd := &cobra.Command{
		Use: "listen", Short: "Receive webhooks without the screen, one line per event", Args: exactly(), RunE: p.do(o.run),
		Long: "Receive webhooks without the screen and print one line per event. Each event is verified and saved before it is\n" +
			"answered. Platforms post to /hooks/ACCOUNT; " + webhookPaths() + " also work, for the platform's default account.\n" +
			"Platforms reach the listener through a tunnel: the configured one, or --tunnel. SIGINT and SIGTERM stop it cleanly.",
		Example: "greenroom listen --json | jq .kind\ngreenroom listen --forward-to http://localhost:3000/webhooks",
	}
	cmd.Flags().StringVar(&o.addr, "addr", "", "listen on this HOST:PORT (default: 127.0.0.1:7070, or the next free port)")
	cmd.Flags().StringVar(&o.tunnel, "tunnel", "", "tunnel that makes the listener public: "+strings.Join(config.TunnelDrivers(), ", ")+
		" (default: from the configuration)")
	parsedList(cmd.Flags(), &o.forwardTo, "forward-to", target,
		"also post verified events to this URL, unchanged; resumes where an earlier run stopped (repeatable)")
	p.jsonFlag(cmd, "print one JSON object per line")
	o.service.add(cmd.Flags())
	words(cmd, "tunnel", config.TunnelDrivers()...)
	return cmd
}

// linesAtOnce is how many bytes of lines wait at most before they are written, and one line more.
const linesAtOnce = 64 << 10

// errNoAccount means that no webhook could arrive.
var errNoAccount = &app.Error{Kind: app.NotConfigured, Text: "none of the accounts can be used, so there is nothing to listen for"}

// fatal is an error that ends listening: a panic, or an output that can't be written.
type fatal struct{ error }

func (o *listenOptions) run(ctx context.Context, _ []string) (err error) {
	c, err := o.configFor(ctx, o.addr, o.tunnel)
	if err != nil {
		return err
	}
	if err := o.canOpen(c.Tunnel); err != nil {
		return err
	}
	o.notes(c.Notices)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	log := serviceLog(o.stderr, o.level, o.logJSON)
	defer catchLibraries(log)()
	operators, err := o.service.listen()
	if err != nil {
		return err
	}
	if operators != nil {
		defer operators.Close()
	}
	group := crashGroup(log, func(r crash.Report) { fail(fatal{r}) })
	listener, tunnels := newInlet(c, o.program, log, group, o.tunnelPrinter(fail))
	a := listenerAccess(listener, false, log, group)
	a.warn = func(w string) { o.words(plain.Text(w)) }
	var calls listenCalls
	calls.settings.Store(&c.Notify)
	a = calls.with(a)
	b, closer, err := o.open(ctx, c, o.version, a)
	if err != nil {
		return folderError(c, err)
	}
	if err := somethingToListenFor(ctx, c, b); err != nil {
		return errors.Join(err, closer())
	}
	var background sync.WaitGroup
	forwards := &inlet.Forwards{Backend: b, URLs: o.forwardTo, Print: o.notes}
	defer func() {
		// First no new webhooks, then no readers, then the store.
		notifySystemd(log, daemon.SdNotifyStopping)
		closed := listener.Close()
		forwards.End()
		var broken fatal
		died := errors.As(context.Cause(ctx), &broken)
		fail(nil)
		background.Wait()
		if closed = errors.Join(closed, closer()); err == nil {
			err = closed
		}
		if err == nil && died {
			err = broken.error
		}
	}()
	start := func(name string, f func()) {
		background.Add(1)
		group.Go(name, func() {
			defer background.Done()
			f()
		})
	}
	if !o.outTTY { // the hangup of a terminal ends the program
		configured := *c
		defer o.stops.onHangup(ctx, start, func() { o.reload(ctx, b, &configured, &calls, log) })()
	}
	forwards.Start = start
	began := time.Now()
	limit := inlet.RejectedLimit{Elapsed: func() time.Duration { return time.Since(began) }}
	var lines bytes.Buffer // events that came together are written together
	printer := *o.program
	printer.stdout = &lines
	write := func() error {
		o.printing.Lock()
		defer o.printing.Unlock()
		_, err := lines.WriteTo(o.stdout)
		return err
	}
	f := follower{
		backend: b, idle: write,
		print: func(d app.Delivery) error {
			if lines.Len() > linesAtOnce {
				if err := write(); err != nil {
					return err
				}
			}
			if printed, first := limit.Allow(d); !printed && !o.json {
				if first {
					if err := write(); err != nil {
						return err
					}
					o.words("Some rejected requests are not printed. To list them: greenroom event list --verdict rejected")
				}
				return nil
			}
			return printer.printEvent(d)
		},
		called: func(call app.Call) {
			_ = write() // or idle returns the error
			o.called(*calls.settings.Load(), call)
		},
		ready: func() error {
			if err := forwards.Begin(ctx); err != nil {
				return err
			}
			l, err := listener.Open(b)
			if err != nil {
				return err
			}
			o.service.serve(ctx, b, operators, log, start)
			notifySystemd(log, daemon.SdNotifyReady)
			if err := o.listening(ctx, c, listener, operators, b); err != nil {
				return err
			}
			opened := tunnels.Open(b, l)
			group.Go("tunnel to come", func() {
				select {
				case err := <-opened:
					if err != nil {
						fail(fatal{err})
					}
				case <-ctx.Done():
				}
			})
			return nil
		},
	}
	if err := f.run(ctx); err != nil {
		return err
	}
	if !o.json {
		o.words(fmt.Sprintf("Stopped at %s.", o.now().Format(time.TimeOnly)))
	}
	return nil
}

// somethingToListenFor returns an error if there is neither an account nor a catch: no webhook could arrive.
func somethingToListenFor(ctx context.Context, c *config.Config, b app.Backend) error {
	if len(c.Accounts) > 0 {
		return nil
	}
	catches, err := b.Catches(ctx, app.CatchQuery{})
	switch {
	case err != nil:
		return err
	case len(catches) > 0:
		return nil
	case len(c.Unusable) > 0:
		return errors.Join(c.Problems(), errNoAccount)
	}
	return &app.Error{
		Kind: app.NotConfigured, Text: "no account is configured, so there is nothing to listen for",
		Hint: howToListen() + "; or catch webhooks from any service: greenroom catch create NAME",
	}
}

// called rings the terminal's bell for a notification, and prints it unless the output is JSON.
func (o *listenOptions) called(n config.Notify, c app.Call) {
	if o.errTTY {
		o.ring(o.stderr, n, c)
	}
	if !o.json {
		o.words(notify.Sentence(c))
	}
}

// listening prints the URLs that webhooks are posted to on this machine.
func (o *listenOptions) listening(ctx context.Context, c *config.Config, l *inlet.Listener, operators net.Listener, b app.Backend) error {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return err
	}
	url := l.Status().URL
	if why := l.Moved(s.Listener); why != "" {
		o.words("Listening on ", url, " instead: ", plain.Text(why), ".")
	}
	if o.json {
		facts := struct {
			Listening string `json:"listening"`
			Admin     string `json:"admin,omitempty"`
		}{Listening: url}
		if operators != nil {
			facts.Admin = "http://" + operators.Addr().String()
		}
		return o.printJSON(facts)
	}
	o.words("Listening on ", url, ". On this machine webhooks are posted to:")
	for _, a := range c.Accounts {
		o.words("  ", a.Name, "  ", url, "/hooks/", a.Name)
	}
	catches, err := b.Catches(ctx, app.CatchQuery{})
	if err != nil {
		return err
	}
	for _, one := range catches {
		o.words("  ", plain.Text(app.CatchAccount(one.Name)), "  ", url, plain.Text(one.Path))
	}
	for _, a := range s.Accounts {
		if a.Health == "no webhook secret" {
			o.words(plain.Text(fmt.Sprintf("  %s has no webhook secret, so all its webhooks are rejected: %s", a.Name, a.Hint)))
		}
	}
	return nil
}

// tunnelPrinter returns a function that prints the tunnel's status when it changes: one JSON object, or a sentence. A change of
// the round trip or of the time of the next attempt alone is not printed. broken is called when standard output can no longer
// be written.
func (o *listenOptions) tunnelPrinter(broken context.CancelCauseFunc) func(app.TunnelStatus) {
	var last app.TunnelStatus
	return func(s app.TunnelStatus) {
		now := s
		now.RTTMs, now.RetryAt = last.RTTMs, last.RetryAt
		if reflect.DeepEqual(now, last) {
			return
		}
		was := last
		last = s
		if !o.json {
			o.tunnelWords(s, was)
			return
		}
		o.printing.Lock()
		defer o.printing.Unlock()
		if err := o.printJSON(map[string]app.TunnelStatus{"tunnel": s}); err != nil {
			broken(fatal{err})
		}
	}
}

func (o *listenOptions) tunnelWords(s, was app.TunnelStatus) {
	begins := s.State == string(tunnel.Connecting) && s.Reason == "" && was.State == ""
	if !begins && (s.State != was.State || s.Reason != was.Reason || s.URL != was.URL) {
		o.words(plain.Text(tunnelSentence(s)))
	}
	if s.Gap != "" && s.Gap != was.Gap {
		o.words("Lost in transit: ", plain.Text(s.Gap))
	}
	if s.State == string(tunnel.Live) && (was.State != s.State || was.URL != s.URL) {
		for _, name := range slices.Sorted(maps.Keys(s.Hooks)) {
			o.words("  ", name, "  ", plain.Text(s.Hooks[name]))
		}
	}
}
