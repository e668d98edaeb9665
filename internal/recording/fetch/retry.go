package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/plain"
	"greenroom/internal/recording"
)

const (
	// backoffFirst is the longest wait before the first retry; it doubles up to backoffMost.
	backoffFirst = 500 * time.Millisecond
	backoffMost  = 15 * time.Second
	reasonMost   = 200
)

// errStalled is the cancellation cause of a silent connection.
var errStalled = errors.New("the source has sent nothing for a while")

// repeats spaces the repetitions of one request.
type repeats struct {
	f     *fetch
	waits *backoff.ExponentialBackOff
	odd   int
}

// retry returns repeats that wait a random part of a time that doubles ("full jitter").
func (f *fetch) retry() *repeats {
	b := &backoff.ExponentialBackOff{
		InitialInterval: backoffFirst / 2, RandomizationFactor: 1, Multiplier: 2, MaxInterval: backoffMost / 2,
	}
	b.Reset()
	return &repeats{f: f, waits: b}
}

// reset returns to short waits, after a success.
func (r *repeats) reset() {
	r.waits.Reset()
	r.odd = 0
}

// after waits until the request that failed with err can be repeated. If repeating it is useless, it returns the error.
func (r *repeats) after(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, recording.ErrOdd) {
		r.odd++
	}
	if final(err) || r.odd >= oddMost {
		return err
	}
	f := r.f
	if idle := f.meter.idle(); idle >= f.d.opt.Patience {
		return fmt.Errorf("nothing has arrived for %s: %w", idle.Round(time.Second), err)
	}
	wait := r.waits.NextBackOff()
	if t, ok := errors.AsType[*recording.Temporary](err); ok && t.After > 0 {
		wait += min(t.After, f.d.opt.Patience)
	}
	f.meter.trouble(reason(err))
	f.d.opt.Log.Debug("a request is repeated", "name", f.task.Name, "in", wait, "error", err)
	return f.sleep(ctx, wait)
}

// sleep waits for d. If ctx ends first, it returns ctx's cause.
func (f *fetch) sleep(ctx context.Context, d time.Duration) error {
	timer := f.d.opt.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.Chan():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// final reports whether repeating the request is useless.
func final(err error) bool {
	_, local := errors.AsType[*diskError](err)
	_, again := errors.AsType[*restart](err)
	return local || again || slices.ContainsFunc([]error{
		recording.ErrChanged, recording.ErrGone, recording.ErrDenied, recording.ErrNotYet, recording.ErrRefusedAddress,
	}, func(e error) bool { return errors.Is(err, e) })
}

// reason returns an error as one line for people.
func reason(err error) string {
	text := strings.TrimSpace(plain.Text(strings.ReplaceAll(err.Error(), "\n", " ")))
	if short := plain.Cut(text, reasonMost); short != text {
		return short + "…"
	}
	return text
}

// watch cancels a request that receives nothing for too long.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  clockwork.Timer
	stall  time.Duration
}

// watch returns a watch of a request under ctx.
func (f *fetch) watch(ctx context.Context) *watch {
	w := &watch{stall: f.d.opt.Stall}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = f.d.opt.Clock.AfterFunc(w.stall, func() { w.cancel(errStalled) })
	return w
}

// pause stops the watch during our own delays, resume restarts it with the full time.
func (w *watch) pause()  { w.timer.Stop() }
func (w *watch) resume() { w.timer.Reset(w.stall) }

// end ends the watch and returns the error with its real cause.
func (w *watch) end(err error) error {
	w.timer.Stop()
	if err != nil && errors.Is(context.Cause(w.ctx), errStalled) {
		err = fmt.Errorf("%w for %s", errStalled, w.stall)
	}
	w.cancel(nil)
	return err
}
