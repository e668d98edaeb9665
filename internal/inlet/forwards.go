package inlet

import (
	"context"
	"fmt"
	"time"

	"greenroom/internal/app"
)

const (
	// A run's forward is renewed every forwardRenewal, and sends until forwardLease after the last renewal.
	forwardLease   = 30 * time.Second
	forwardRenewal = 10 * time.Second
	// stopTime limits the end of the forwards, including requests under way.
	stopTime = 2 * time.Second
)

// Forwards are the forwards of one run of the program, identified by their URLs. It also prints the attempts of all forwards. The owner
// of the store sends the events.
type Forwards struct {
	Backend app.Backend
	URLs    []string
	// Print is called with lines for the user.
	Print func(lines []string)
	// Start runs f in a goroutine.
	Start func(name string, f func())
}

// Begin creates the forwards, or resumes those of earlier runs. Every event that arrives after it is forwarded. It renews the
// forwards, and prints the attempts of all forwards, until ctx ends.
func (f *Forwards) Begin(ctx context.Context) error {
	// Subscribe first, so that no attempt is missed.
	changes, err := f.Backend.Subscribe(ctx)
	if err != nil {
		return err
	}
	for _, to := range f.URLs {
		made, err := f.set(ctx, to, forwardLease)
		if err != nil {
			return err
		}
		if made.State == app.ForwardPaused {
			f.Print([]string{fmt.Sprintf("The forward to %s is paused. Resume it: greenroom forward resume %s", made.URL, made.Name)})
		}
		if made.Queue > 0 {
			f.Print([]string{fmt.Sprintf("Resuming the forward to %s with %d waiting events.", made.URL, made.Queue)})
		}
		if made.Dropped > 0 {
			f.Print([]string{fmt.Sprintf("Retention has dropped %d events that were waiting for %s.", made.Dropped, made.URL)})
		}
	}
	f.Start("forwards", func() { f.follow(ctx, changes) })
	if len(f.URLs) > 0 {
		f.Start("renewal of forwards", func() { f.renew(ctx) })
	}
	return nil
}

func (f *Forwards) set(ctx context.Context, to string, lease time.Duration) (app.Forward, error) {
	return f.Backend.SetForward(ctx, app.ForwardSpec{URL: to, Source: app.ForwardByRun, Lease: lease})
}

func (f *Forwards) renew(ctx context.Context) {
	tick := time.NewTicker(forwardRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, to := range f.URLs {
			if _, err := f.set(ctx, to, forwardLease); err != nil && ctx.Err() == nil {
				f.Print([]string{"A forward could not be renewed: " + err.Error()})
			}
		}
	}
}

// End stops the forwards.
func (f *Forwards) End() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	for _, to := range f.URLs {
		_, _ = f.set(ctx, to, 0) // if this fails the lease ends the forward
	}
}

// follow prints the attempts of all forwards, with their names if there are several.
func (f *Forwards) follow(ctx context.Context, changes <-chan app.Change) {
	named := len(f.URLs) != 1
	if all, err := f.Backend.Forwards(ctx, app.ForwardQuery{}); err == nil {
		named = named || len(all) > 1
	}
	var lines []string
	for c := range changes {
		if c.Kind == app.AttemptChange && c.Attempt != nil {
			lines = append(lines, attemptLine(*c.Attempt, named))
		}
		if len(lines) > 0 && (len(changes) == 0 || len(lines) == app.ChangesAtOnce) { // attempts of several forwards end together
			f.Print(lines)
			lines = lines[:0]
		}
	}
}

// attemptLine describes an attempt, with the forward's name if there are several forwards.
func attemptLine(a app.Attempt, named bool) string {
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
