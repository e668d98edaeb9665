package hub

import (
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/downloads"
	"greenroom/provider"
	"greenroom/store"
)

// newDownloads returns the queue of downloads in the open store.
func newDownloads(h *Hub) *downloads.Queue {
	return downloads.New(downloads.Options{
		Config: h.opt.Downloads, Store: h.store, Clock: h.clock, Log: h.log, Crash: h.crash, Context: h.ctx, Hub: origin{h}, Go: h.goes,
		Publish: h.bus.publish, Lock: h.locks.lock,
	})
}

// DeleteRecording deletes a recording on its platform; see [app.Backend].
func (h *Hub) DeleteRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return h.downloads.DeleteRecording(ctx, ref)
}

// publish publishes the changes of a commit, in the order of commits, and adds the progress of downloads to recordings.
func (h *Hub) publish(changes []app.Change) {
	arrived := false
	for i, c := range changes {
		arrived = arrived || c.Kind == app.DeliveryChange
		if c.Kind == app.RoomChange {
			h.links.forget()
		}
		h.complete(c)
		if c.Kind == app.RecordingChange && c.Recording != nil && !c.Deleted {
			h.downloads.Changed(*c.Recording)
			r := h.downloads.Overlay(*c.Recording)
			changes[i].Recording = &r
		}
	}
	if arrived {
		h.forwards.arrived()
	}
	h.bus.publish(changes)
}

// origin is the hub for package downloads.
type origin struct{ *Hub }

var _ downloads.Hub = origin{}

// Stored implements [downloads.Hub], as do the methods below.
func (o origin) Stored(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return o.storedRecording(ctx, ref)
}

func (o origin) Write(ctx context.Context, f func(tx *store.Tx) error) error {
	return writeError(o.store.Update(ctx, f))
}

func (o origin) CanDownload(r app.Recording) error {
	a, err := o.accountOf(r.Account)
	if err == nil && reasons(a)[provider.AbilityDownload] != "" {
		err = cannot(a, provider.AbilityDownload)
	}
	return err
}

func (o origin) Refresh(ctx context.Context, r app.Recording) (app.Recording, error) {
	a, err := o.accountOf(r.Account)
	if err != nil {
		return r, err
	}
	f, finds := a.Provider.(provider.RecordingFinder)
	l, lists := a.Provider.(provider.RecordingLister)
	a.mu.Lock()
	fresh := o.clock.Since(a.listedAt) < downloads.ProcessingAgain-time.Second
	a.mu.Unlock()
	switch {
	case finds && !r.FromBucket:
		// The recording may be far down a long list. Some platforms find a recording by its id only when it is ready.
		err = ignore(o.readRecording(ctx, a, f, r.ID), provider.NotFound)
	case lists && !fresh:
		err = o.listNewest(ctx, a, l)
	}
	if err != nil {
		return r, err
	}
	return store.Read(ctx, o.store, func(tx *store.Tx) (app.Recording, error) { return tx.Recording(r.Account, r.ID) })
}

func (o origin) Listed(ctx context.Context, r app.Recording) bool {
	return o.find(ctx, r) == nil
}

// find reads a recording from its platform.
func (o origin) find(ctx context.Context, r app.Recording) error {
	a, err := o.accountOf(r.Account)
	if err != nil {
		return err
	}
	f, ok := a.Provider.(provider.RecordingFinder)
	if !ok {
		return provider.Unsupported
	}
	return o.readRecording(ctx, a, f, r.ID)
}

// Gone reports true if the platform has no such recording, or if it was only known from objects, which are gone.
func (o origin) Gone(ref app.RecordingRef) bool {
	r, err := o.storedRecording(o.ctx, ref)
	if err != nil || !r.DeletedAt.IsZero() {
		return false
	}
	if r.FromBucket {
		return true
	}
	ctx, cancel := context.WithTimeout(o.ctx, listTime)
	defer cancel()
	return errors.Is(o.find(ctx, r), provider.NotFound)
}

func (o origin) DeleteCopy(ctx context.Context, r app.Recording) error {
	if r.FromBucket {
		return app.Errorf(provider.Unsupported, "delete it in your bucket",
			"%s doesn't list recording %s: it was found in your bucket", r.Platform, r.ID)
	}
	a, err := o.accountOf(r.Account)
	if err != nil {
		return err
	}
	del, ok := a.Provider.(provider.RecordingDeleter)
	if !ok {
		return cannot(a, provider.AbilityDeleteRecording)
	}
	if r.Status == app.RecordingRunning {
		return app.Errorf(provider.Conflict, "stop the recording first", "recording %s is still running", r.ID)
	}
	err = del.DeleteRecording(ctx, r.ID)
	o.noteCall(a, err)
	return err
}
