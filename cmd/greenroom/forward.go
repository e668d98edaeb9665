package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/app"
)

const (
	// A run's forward sends for forwardLease after its last renewal, and is renewed every forwardRenewal.
	forwardLease   = 30 * time.Second
	forwardRenewal = 10 * time.Second
)

// forwardURLs checks the targets of --forward-to.
func forwardURLs(all []string) error {
	for _, s := range all {
		if _, err := app.ForwardURL(s); err != nil {
			return usagef("--forward-to can't be %q: %v", s, err)
		}
	}
	return nil
}

// forwarding is the forwards of one run of `listen`. The owner of the store sends them.
type forwarding struct {
	backend app.Backend
	urls    []string
	say     func(string)
	start   func(name string, f func()) // runs f in a goroutine
}

// begin makes the run's forwards, or resumes those of earlier runs. Nothing that arrives from now on is left out.
func (f *forwarding) begin(ctx context.Context) error {
	if len(f.urls) == 0 {
		return nil
	}
	// The subscription ends with ctx; attempts are published to it from here on.
	changes, err := f.backend.Subscribe(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, to := range f.urls {
		made, err := f.set(ctx, to, forwardLease)
		if err != nil {
			return err
		}
		names = append(names, made.Name)
		if made.Queue > 0 {
			f.say(fmt.Sprintf("Resuming the forward to %s with %d waiting events.", made.URL, made.Queue))
		}
		if made.Dropped > 0 {
			f.say(fmt.Sprintf("Retention has dropped %d events that waited for %s, in all.", made.Dropped, made.URL))
		}
	}
	f.start("forwards", func() { f.follow(changes, names) })
	return nil
}

func (f *forwarding) set(ctx context.Context, to string, lease time.Duration) (app.Forward, error) {
	return f.backend.SetForward(ctx, app.ForwardSpec{URL: to, Source: app.ForwardByRun, Lease: lease})
}

// keep renews the forwards until ctx ends.
func (f *forwarding) keep(ctx context.Context) {
	tick := time.NewTicker(forwardRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, to := range f.urls {
			if _, err := f.set(ctx, to, forwardLease); err != nil && ctx.Err() == nil {
				f.say("A forward could not be renewed: " + err.Error())
			}
		}
	}
}

// end stops the forwards. Requests under way get a moment for their answer.
func (f *forwarding) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, to := range f.urls {
		_, _ = f.set(ctx, to, 0) // without it the lease ends the forward
	}
}

func (f *forwarding) follow(changes <-chan app.Change, names []string) {
	for c := range changes {
		if c.Kind == app.AttemptChange && c.Attempt != nil && slices.Contains(names, c.Attempt.Name) {
			f.say(attemptSentence(*c.Attempt, len(names) > 1))
		}
	}
}

// attemptSentence reports an attempt, with the forward's name where there are several.
func attemptSentence(a app.Attempt, named bool) string {
	to, outcome := "", a.Error
	if named {
		to = " to " + a.Name
	}
	if a.Status != 0 {
		outcome = fmt.Sprintf("%d in %d ms", a.Status, a.Ms)
	}
	switch {
	case a.Final && a.Status != 0 && a.Status < 500:
		return fmt.Sprintf("event %d forwarded%s: %s", a.Seq, to, outcome)
	case a.Final:
		return fmt.Sprintf("event %d was not forwarded%s and is parked: %s", a.Seq, to, outcome)
	}
	return fmt.Sprintf("event %d was not forwarded%s: %s; trying again", a.Seq, to, outcome)
}
