package hub

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
	"greenroom/store"
)

// configure sets the forwards of the configuration, and stops those that are no longer in it. Their positions stay, so that they
// resume when they are back.
func (f *forwards) configure() {
	listed := map[string]bool{}
	for _, spec := range f.h.opt.Forwards {
		spec.Source = app.ForwardByFile
		listed[spec.Name] = true
		if _, err := f.h.SetForward(f.h.ctx, spec); err != nil {
			f.h.log.Error("a forward in the configuration can't be used", "forward", spec.Name, "err", err)
		}
	}
	f.changing.Lock()
	defer f.changing.Unlock()
	err := f.h.store.Update(f.h.ctx, func(tx *store.Tx) error {
		for _, j := range tx.Forwards() {
			if j.Damaged != nil || j.Source != app.ForwardByFile || j.Unlisted == !listed[j.Name] {
				continue
			}
			j.Unlisted = !listed[j.Name]
			if err := tx.PutForward(j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && f.h.ctx.Err() == nil {
		f.h.log.Error("the forwards in the configuration could not be compared", "err", err)
	}
}

// check checks the settings of a forward, and applies them to the job.
func (f *forwards) check(tx *store.Tx, job *store.ForwardJob, spec app.ForwardSpec) error {
	if _, err := app.ForwardURL(spec.URL); err != nil {
		return invalid(err.Error(), "the forward's URL can't be used")
	}
	if spec.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(spec.CA)) {
		return invalid("--ca names a file with certificates in PEM", "the forward's certificates can't be used")
	}
	if spec.CA != "" && spec.Insecure {
		return invalid("use either --ca or --insecure", "the forward can't be insecure and also check certificates")
	}
	if spec.Resign != "" && spec.Resign != job.Resign {
		if err := f.h.canSign(tx, spec.Resign); err != nil {
			return err
		}
	}
	if job.Filter != spec.Filter || job.Selects == "" {
		parsed, err := filter.Parse(spec.Filter, filter.Options{Now: f.h.now().Local()})
		if err != nil {
			return invalid("", "%v", err)
		}
		job.Selects = store.Selection(parsed)
	}
	job.URL, job.Source, job.Filter = spec.URL, spec.Source, spec.Filter
	job.Resign, job.CA, job.Insecure = spec.Resign, spec.CA, spec.Insecure
	return nil
}

// sameSettings reports whether two jobs have the same settings.
func sameSettings(a, b store.ForwardJob) bool {
	return a.URL == b.URL && a.Source == b.Source && a.Filter == b.Filter && a.Selects == b.Selects && a.Resign == b.Resign &&
		a.CA == b.CA && a.Insecure == b.Insecure && a.Paused == b.Paused && a.Unlisted == b.Unlisted
}

// canForward fails if this process doesn't forward.
func (h *Hub) canForward() error {
	if h.opt.Forwarder == nil {
		return app.Errorf(provider.Unsupported, "", "the process that owns the store can't forward")
	}
	return nil
}

// SetForward creates or changes a forward; see [app.Backend].
func (h *Hub) SetForward(ctx context.Context, spec app.ForwardSpec) (app.Forward, error) {
	if err := h.canForward(); err != nil {
		return app.Forward{}, err
	}
	f := &h.forwards
	f.changing.Lock()
	defer f.changing.Unlock()
	var had, job store.ForwardJob
	read := func(tx *store.Tx) (err error) {
		if had, err = forwardFor(tx, spec); err != nil {
			return err
		}
		job = had
		job.Unlisted = false
		return f.check(tx, &job, spec)
	}
	if err := h.store.View(ctx, read); err != nil {
		return app.Forward{}, err
	}
	if !sameSettings(had, job) { // a renewal writes nothing
		if had.URL != "" {
			f.stop(job.Name)
		}
		if err := h.store.Update(ctx, func(tx *store.Tx) error {
			if err := read(tx); err != nil {
				return err
			}
			return tx.PutForward(job)
		}); err != nil {
			return app.Forward{}, err
		}
	}
	f.lease(job, spec)
	return f.read(ctx, job.Name)
}

// lease starts or stops a forward's sender. f.changing is held.
func (f *forwards) lease(job store.ForwardJob, spec app.ForwardSpec) {
	h := f.h
	switch {
	case spec.Source == app.ForwardByRun && spec.Lease <= 0 || stopped(job):
		f.stop(job.Name)
	case h.started.Load() && h.ctx.Err() == nil:
		s := f.start(job.Name)
		if s.lease != nil {
			s.lease.Stop()
		}
		s.leases++
		if lease := s.leases; spec.Source == app.ForwardByRun {
			s.lease = h.clock.AfterFunc(min(spec.Lease, maxLease), func() {
				defer h.crash.Recover("end of a forward's lease")
				f.expire(job.Name, s, lease)
			})
		}
	}
}

// AddForward creates a forward; see [app.Backend].
func (h *Hub) AddForward(ctx context.Context, spec app.ForwardSpec) (app.Forward, error) {
	if err := h.canForward(); err != nil {
		return app.Forward{}, err
	}
	if err := app.CheckForwardName(spec.Name); err != nil {
		return app.Forward{}, invalid(err.Error(), "a forward can't be named %q", spec.Name)
	}
	spec.Source = app.ForwardByCommand
	f := &h.forwards
	f.changing.Lock()
	defer f.changing.Unlock()
	var job store.ForwardJob
	if err := h.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Forward(spec.Name); !errors.Is(err, store.ErrNotFound) {
			return app.Errorf(provider.Conflict, "change it: greenroom forward edit "+spec.Name, "forward %q already exists", spec.Name)
		}
		job = newForward(tx, spec.Name, spec.From)
		if err := f.check(tx, &job, spec); err != nil {
			return err
		}
		return tx.PutForward(job)
	}); err != nil {
		return app.Forward{}, err
	}
	f.lease(job, spec)
	return f.read(ctx, job.Name)
}

// EditForward changes, pauses or resumes a forward; see [app.Backend].
func (h *Hub) EditForward(ctx context.Context, p app.ForwardPatch) (app.Forward, error) {
	if err := h.canForward(); err != nil {
		return app.Forward{}, err
	}
	f := &h.forwards
	f.changing.Lock()
	defer f.changing.Unlock()
	var job store.ForwardJob
	edit := func(tx *store.Tx) (err error) {
		if job, err = tx.Forward(p.Name); err != nil {
			return noForward(p.Name, err)
		}
		settings := p.URL != nil || p.Filter != nil || p.Resign != nil || p.CA != nil || p.Insecure != nil
		if settings && job.Source == app.ForwardByFile && !job.Unlisted {
			return ofTheFile(p.Name)
		}
		if p.Paused != nil {
			job.Paused = *p.Paused
			if job.Unlisted && !job.Paused {
				job.Unlisted, job.Source = false, app.ForwardByCommand
			}
		}
		if p.From != nil {
			job.Position = max(*p.From, 1) - 1
			job.Trying, job.Tries, job.Failing = 0, 0, 0
		}
		spec := app.ForwardSpec{
			URL: job.URL, Source: job.Source, Filter: job.Filter, Resign: job.Resign, CA: job.CA, Insecure: job.Insecure,
		}
		app.Set(&spec.URL, p.URL)
		app.Set(&spec.Filter, p.Filter)
		app.Set(&spec.Resign, p.Resign)
		app.Set(&spec.CA, p.CA)
		app.Set(&spec.Insecure, p.Insecure)
		switch {
		case p.CA != nil && *p.CA != "" && p.Insecure == nil:
			spec.Insecure = false
		case p.Insecure != nil && *p.Insecure && p.CA == nil:
			spec.CA = ""
		}
		was := job.Selects
		err = f.check(tx, &job, spec)
		if job.Selects != was { // the event at hand may not be selected any more
			job.Trying, job.Tries, job.Failing = 0, 0, 0
		}
		return err
	}
	if err := h.store.View(ctx, edit); err != nil {
		return app.Forward{}, err
	}
	runs := f.running(p.Name)
	f.stop(p.Name) // its position is stored now
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		if err := edit(tx); err != nil {
			return err
		}
		return tx.PutForward(job)
	})
	if !stopped(job) && h.started.Load() && h.ctx.Err() == nil && (runs || job.Source != app.ForwardByRun) {
		f.start(p.Name) // of a run: its next renewal gives it a lease
	}
	if err != nil {
		return app.Forward{}, err
	}
	return f.read(ctx, p.Name)
}

// RemoveForward removes a forward; see [app.Backend].
func (h *Hub) RemoveForward(ctx context.Context, ref app.ForwardRef) (gone app.Forward, err error) {
	f := &h.forwards
	f.changing.Lock()
	defer f.changing.Unlock()
	if gone, err = f.read(ctx, ref.Name); err != nil {
		return app.Forward{}, noForward(ref.Name, err)
	}
	if gone.Source == app.ForwardByRun && f.running(ref.Name) {
		return gone, app.Errorf(provider.Conflict, "stop that first", "the forward %q belongs to a running listen --forward-to", ref.Name)
	}
	runs := f.running(ref.Name)
	f.stop(ref.Name) // its position is stored now
	defer func() {
		if err != nil && runs {
			f.start(ref.Name)
		}
	}()
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		job, err := tx.Forward(ref.Name)
		if err == nil && job.Source == app.ForwardByFile && !job.Unlisted {
			return ofTheFile(ref.Name)
		}
		if errors.Is(err, store.ErrNotFound) {
			return noForward(ref.Name, err)
		}
		if err := tx.DeleteForward(ref.Name); err != nil || job.Damaged != nil || job.Name == "" {
			return err // one with a damaged record can't come back
		}
		return h.discard(tx, trashed{Kind: app.DeletedForward, Forward: &job})
	})
	return gone, err
}

// running reports whether a forward's sender runs.
func (f *forwards) running(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.senders[name] != nil
}

func noForward(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound("there is no forward %q", name)
	}
	return err
}

func ofTheFile(name string) error {
	return app.Errorf(provider.Conflict, "change it there; commands can only pause and resume it", "the forward %q is in the configuration", name)
}

// forwardFor returns the forward that a spec names, or a new one. Forwards of runs are found by their URL.
func forwardFor(tx *store.Tx, spec app.ForwardSpec) (store.ForwardJob, error) {
	if spec.Name != "" {
		job, known, err := store.Found(tx.Forward(spec.Name))
		if !known && err == nil {
			job = newForward(tx, spec.Name, spec.From)
		}
		return job, err
	}
	exists := map[string]bool{}
	for _, j := range tx.Forwards() {
		if j.Source == app.ForwardByRun && j.URL == spec.URL {
			return j, nil
		}
		exists[j.Name] = true
	}
	// A name must be valid text, for JSON and screens.
	base := "forward"
	if u, err := url.Parse(spec.URL); err == nil {
		base = strings.ToValidUTF8(u.Host, "\uFFFD") + u.EscapedPath()
	}
	base = strings.ToValidUTF8(base[:min(len(base), 100)], "")
	name := base
	for n := 2; exists[name]; n++ {
		name = base + "#" + strconv.Itoa(n)
	}
	return newForward(tx, name, spec.From), nil
}

func newForward(tx *store.Tx, name string, from uint64) store.ForwardJob {
	job := store.ForwardJob{Name: name, Position: tx.LastSeq()}
	if from > 0 {
		job.Position = from - 1
	}
	return job
}
