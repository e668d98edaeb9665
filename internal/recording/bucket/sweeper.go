package bucket

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
)

const (
	// firstSweep is the time from the start to the first listing: other tasks are more urgent.
	firstSweep = 10 * time.Second
	// sweepAgain is the first pause after a sweep that failed, sweepAgainMost the longest.
	sweepAgain     = time.Minute
	sweepAgainMost = time.Hour
	// sweepBatch is the number of objects that are reported together.
	sweepBatch = 1000
)

// sweepOf is one folder of a bucket to list, with its accounts.
type sweepOf struct {
	accounts []Account
	every    time.Duration
	// turn holds a token while it is being listed.
	turn chan struct{}
}

func (w *Watcher) addSweep(a Account) {
	i := slices.IndexFunc(w.sweeps, func(s *sweepOf) bool { return s.accounts[0].shares(a) && s.accounts[0].Folder == a.Folder })
	if i < 0 {
		i = len(w.sweeps)
		w.sweeps = append(w.sweeps, &sweepOf{turn: make(chan struct{}, 1)})
	}
	s := w.sweeps[i]
	s.accounts = append(s.accounts, a)
	if a.Sweep > 0 && (s.every == 0 || a.Sweep < s.every) {
		s.every = a.Sweep
	}
}

// sweepOn sweeps repeatedly until ctx ends.
func (w *Watcher) sweepOn(ctx context.Context, s *sweepOf, tell recording.FoundHandler, report recording.ReaderReport) {
	faults := &backoff.ExponentialBackOff{InitialInterval: sweepAgain, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: sweepAgainMost}
	faults.Reset()
	w.wait(ctx, firstSweep)
	for ctx.Err() == nil {
		next := s.every
		if err := w.sweep(ctx, s, tell, report); err != nil {
			next = min(faults.NextBackOff(), s.every)
		} else {
			faults.Reset()
		}
		w.wait(ctx, next)
	}
}

// Sweep lists the buckets of all accounts once, and reports every recording in them, including known ones. Failures go to report; the
// only error is ctx's cause.
func (w *Watcher) Sweep(ctx context.Context, tell recording.FoundHandler, report recording.ReaderReport) error {
	for _, s := range w.sweeps {
		_ = w.sweep(ctx, s, tell, report) // reported
	}
	return context.Cause(ctx)
}

// sweep lists one bucket, or a folder of it. Recordings that were reported before a failure stay known.
func (w *Watcher) sweep(ctx context.Context, s *sweepOf, tell recording.FoundHandler, report recording.ReaderReport) (err error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	first := s.accounts[0]
	defer func() {
		if ctx.Err() != nil {
			return
		}
		for _, a := range s.accounts {
			report(a.Name, SweepReader, err)
		}
		if err != nil {
			w.o.Log.Warn("a bucket could not be searched", "bucket", first.Bucket, "err", err)
		}
	}()
	api, err := source.NewS3Client(ctx, first.Access)
	if err != nil {
		return line(err)
	}
	accounts := w.sharing(s.accounts)
	var batch []Object
	var refused error
	flush := func() bool {
		refused = dispatch(ctx, accounts, batch, tell)
		batch = batch[:0]
		return refused == nil
	}
	err = Sweep(ctx, api, first.Bucket, prefix(first.Folder), func(o Object) bool {
		batch = append(batch, o)
		return len(batch) < sweepBatch || flush()
	})
	if err != nil {
		return line(fmt.Errorf("%s (this needs s3:ListBucket, see docs/recordings.md)", words(err)))
	}
	if refused == nil {
		flush()
	}
	if refused != nil {
		return line(refused)
	}
	return nil
}

// prefix returns the common prefix of the keys in a folder.
func prefix(folder string) string {
	if folder == "" {
		return ""
	}
	return folder + "/"
}
