package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/plain"
)

type listenOptions struct {
	*program
	addr, tunnel, forwardTo string
	json                    bool
}

func (p *program) listenCommand() *cobra.Command {
	o := &listenOptions{program: p}
	cmd := &cobra.Command{
		Use: "listen", Short: "Receive webhooks without the screen, a line per event", Args: exactly(), RunE: p.do(o.run),
		Long: "Receive webhooks without the screen, and print a line per event. Each is verified, and on disk before it is\n" +
			"answered. Platforms post to /hooks/ACCOUNT; /v1/daily/webhook and /v1/whereby lead to the platform's account.\n" +
			"SIGINT and SIGTERM end it cleanly.",
		Example: "greenroom listen --json | jq .kind\ngreenroom listen --forward-to http://localhost:3000/webhooks",
	}
	cmd.Flags().StringVar(&o.addr, "addr", "", "listen on this HOST:PORT (default 127.0.0.1:7070, or the next free port)")
	cmd.Flags().StringVar(&o.tunnel, "tunnel", "none", "how it is reached from outside; this build has none")
	cmd.Flags().StringVar(&o.forwardTo, "forward-to", "", "post verified events on to this URL, exactly as they came")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object per line")
	return cmd
}

// fatal is why listening ended by itself: a panic, or a forwarder that could not go on.
type fatal struct{ error }

func (o *listenOptions) run(ctx context.Context, _ []string) (err error) {
	if o.tunnel != "none" {
		return usagef("--tunnel can't be %q: tunnels are not in this build yet, there is only none", o.tunnel)
	}
	var to *url.URL
	if o.forwardTo != "" {
		if to, err = forwardURL(o.forwardTo); err != nil {
			return err
		}
	}
	c, err := o.config(ctx, o.addr)
	if err != nil {
		return err
	}
	for _, n := range c.Notices {
		o.words(plain.Text(n))
	}
	if len(c.Accounts) == 0 {
		return &app.Error{
			Kind: app.NotConfigured, Text: "no account is configured, so there is nothing to listen for",
			Hint: "set DAILY_API_KEY and DAILY_WEBHOOK_SECRET, or WHEREBY_API_KEY and WHEREBY_WEBHOOK_SECRET",
		}
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	log := newLog(o.stderr, slog.LevelWarn)
	group := crashGroup(log, func(r crash.Report) { fail(fatal{r}) })
	d := &door{cfg: c, log: log, crash: group}
	a := d.access(false)
	a.warn = func(w string) { o.words(plain.Text(w)) }
	b, closer, err := o.open(ctx, c, o.version, a)
	if err != nil {
		return folderError(c, err)
	}
	var forwarding sync.WaitGroup
	defer func() {
		// First no new webhooks, then nobody who reads, then the store.
		closed := d.close()
		var broken fatal
		died := errors.As(context.Cause(ctx), &broken)
		fail(nil)
		forwarding.Wait()
		if closed = errors.Join(closed, closer()); err == nil {
			err = closed
		}
		if err == nil && died {
			err = broken.error
		}
	}()
	forwards := make(chan struct{})
	if to == nil {
		close(forwards)
	} else {
		forwarding.Add(1)
		group.Go("forward", func() {
			defer forwarding.Done()
			tell := func(s string) { o.words(plain.Text(s)) }
			if err := newForwarder(b, to, o.now, tell).run(ctx, func() { close(forwards) }); err != nil {
				fail(fatal{fmt.Errorf("forward: %w", err)})
			}
		})
	}
	f := follower{
		backend: b,
		print:   func(d app.Delivery) error { return o.printEvent(d, o.json) },
		ready: func() error {
			select {
			case <-forwards:
			case <-ctx.Done():
				return ctx.Err()
			}
			l, err := d.open(b)
			if err != nil {
				return err
			}
			if l.Moved() != "" {
				var owner app.ListenerStatus
				if s, err := b.Status(ctx, app.StatusQuery{}); err == nil {
					owner = s.Listener
				}
				o.words("Listening on ", l.URL(), " instead: ", plain.Text(d.moved(owner)), ".")
			}
			if o.json {
				return o.printJSON(map[string]string{"listening": l.URL()})
			}
			o.words("Listening on ", l.URL(), ". On this machine webhooks are posted to:")
			for _, a := range c.Accounts {
				o.words("  ", a.Name, "  ", l.URL(), "/hooks/", a.Name)
				if a.WebhookSecret == "" {
					o.words("  ", a.Name, " has no webhook secret: everything is refused until one is set")
				}
			}
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
