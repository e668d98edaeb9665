package main

import (
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
	"greenroom/internal/plain"
	"greenroom/tunnel"
)

type listenOptions struct {
	*program
	addr, tunnel string
	forwardTo    []string
	json         bool
	service

	printing sync.Mutex // events and the tunnel's status come from different goroutines
}

func (p *program) listenCommand() *cobra.Command {
	o := &listenOptions{program: p}
	cmd := &cobra.Command{
		Use: "listen", Short: "Receive webhooks without the screen, a line per event", Args: exactly(), RunE: p.do(o.run),
		Long: "Receive webhooks without the screen, and print a line per event. Each event is verified and saved before it is\n" +
			"answered. Platforms post to /hooks/ACCOUNT; " + webhookPaths() + " lead to the platform's default account.\n" +
			"Platforms reach the listener through a tunnel: the configured one, or --tunnel. SIGINT and SIGTERM end it cleanly.",
		Example: "greenroom listen --json | jq .kind\ngreenroom listen --forward-to http://localhost:3000/webhooks",
	}
	cmd.Flags().StringVar(&o.addr, "addr", "", "listen on this HOST:PORT (default: 127.0.0.1:7070, or the next free port)")
	cmd.Flags().StringVar(&o.tunnel, "tunnel", "", "tunnel that makes the listener public: "+strings.Join(config.TunnelDrivers(), ", ")+
		" (default: from the configuration)")
	cmd.Flags().StringArrayVar(&o.forwardTo, "forward-to", nil,
		"post verified events on to this URL, exactly as they came; resumes where an earlier run stopped (repeatable)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object per line")
	o.service.add(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("tunnel", cobra.FixedCompletions(config.TunnelDrivers(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// errNoAccount ends a listener that nothing could arrive for.
var errNoAccount = &app.Error{Kind: app.NotConfigured, Text: "no account can be used, so there is nothing to listen for"}

// fatal is why listening ended: a panic, or an output that can't be written.
type fatal struct{ error }

func (o *listenOptions) run(ctx context.Context, _ []string) (err error) {
	if err := forwardURLs(o.forwardTo); err != nil {
		return err
	}
	c, err := o.configFor(ctx, o.addr, o.tunnel)
	if err != nil {
		return err
	}
	if err := o.canOpen(c.Tunnel); err != nil {
		return err
	}
	for _, n := range c.Notices {
		o.words(plain.Text(n))
	}
	if len(c.Accounts) == 0 && len(c.Unusable) > 0 {
		return errors.Join(c.Problems(), errNoAccount)
	}
	if len(c.Accounts) == 0 {
		return &app.Error{
			Kind: app.NotConfigured, Text: "no account is configured, so there is nothing to listen for",
			Hint: howToListen(),
		}
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	log, err := o.service.log(o.stderr)
	if err != nil {
		return err
	}
	defer catchLibraries(log)()
	operators, err := o.service.listen()
	if err != nil {
		return err
	}
	if operators != nil {
		defer operators.Close()
	}
	group := crashGroup(log, func(r crash.Report) { fail(fatal{r}) })
	d := &door{cfg: c, log: log, crash: group, passage: newPassage(c, o.program, log, group)}
	d.passage.told = o.tellTunnel(fail)
	a := d.access(false)
	a.warn = func(w string) { o.words(plain.Text(w)) }
	b, closer, err := o.open(ctx, c, o.version, a)
	if err != nil {
		return folderError(c, err)
	}
	var background sync.WaitGroup
	var forwards *forwarding
	defer func() {
		// First no new webhooks, then no readers, then the store.
		notify(log, daemon.SdNotifyStopping)
		closed := d.close()
		forwards.end()
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
		defer o.stops.onHangup(ctx, start, func() { o.reload(ctx, b, &configured, log) })()
	}
	forwards = &forwarding{backend: b, urls: o.forwardTo, say: func(s string) { o.words(plain.Text(s)) }, start: start}
	began := time.Now()
	pace := rejectedPace{since: func() time.Duration { return time.Since(began) }}
	f := follower{
		backend: b,
		print: func(d app.Delivery) error {
			o.printing.Lock()
			defer o.printing.Unlock()
			if printed, first := pace.pass(d); !printed && !o.json {
				if first {
					o.words("More requests are rejected than are printed: greenroom event list --verdict rejected")
				}
				return nil
			}
			return o.printEvent(d, o.json)
		},
		ready: func() error {
			if err := forwards.begin(ctx); err != nil {
				return err
			}
			start("renewal of forwards", func() { forwards.keep(ctx) })
			l, err := d.open(b)
			if err != nil {
				return err
			}
			o.service.serve(ctx, b, operators, log, start)
			notify(log, daemon.SdNotifyReady)
			if err := o.listening(ctx, d, l.URL(), operators, b); err != nil {
				return err
			}
			opened := d.passage.open(b, l)
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

// listening says where webhooks arrive on this machine.
func (o *listenOptions) listening(ctx context.Context, d *door, url string, operators net.Listener, b app.Backend) error {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return err
	}
	if d.status().Problem != "" {
		o.words("Listening on ", url, " instead: ", plain.Text(d.moved(s.Listener)), ".")
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
	for _, a := range d.cfg.Accounts {
		o.words("  ", a.Name, "  ", url, "/hooks/", a.Name)
	}
	for _, a := range s.Accounts {
		if a.Health == "no webhook secret" {
			o.words(plain.Text(fmt.Sprintf("  %s has no webhook secret, and everything is refused until there is one: %s", a.Name, a.Hint)))
		}
	}
	return nil
}

// tellTunnel makes what prints the tunnel's status whenever it changes: one JSON object, or a sentence. The round trip alone
// is no change, nor is the time of the next attempt. broken is told of an output that takes nothing any more.
func (o *listenOptions) tellTunnel(broken context.CancelCauseFunc) func(app.TunnelStatus) {
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
		o.words("Lost on the way: ", plain.Text(s.Gap))
	}
	if s.State == string(tunnel.Live) && (was.State != s.State || was.URL != s.URL) {
		for _, name := range slices.Sorted(maps.Keys(s.Hooks)) {
			o.words("  ", name, "  ", plain.Text(s.Hooks[name]))
		}
	}
}
