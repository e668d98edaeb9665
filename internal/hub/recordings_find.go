package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// Recording finds a recording; see [app.Backend].
func (h *Hub) Recording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := h.storedRecording(ctx, ref)
	if errors.Is(err, provider.NotFound) && !ref.Known {
		r, err = h.platformRecording(ctx, ref, err)
	}
	return h.downloads.Overlay(r), err
}

// storedRecording returns a recording without the progress of its download.
func (h *Hub) storedRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	return store.Read(ctx, h.store, func(tx *store.Tx) (app.Recording, error) { return findRecording(tx, ref) })
}

func findRecording(tx *store.Tx, ref app.RecordingRef) (app.Recording, error) {
	r, err := tx.FindRecording(ref)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return r, app.Errorf(provider.NotFound, "`greenroom recording list` lists them", "there is no recording %q", ref.ID)
	case errors.Is(err, store.ErrAmbiguous):
		return r, app.Errorf(provider.Conflict, "write it as ACCOUNT/ID", "several accounts have a recording %q", ref.ID)
	}
	return r, err
}

// platformRecording asks the platforms for an unknown recording, such as an old one that no list has reached yet. unknown is the
// error if they don't have it either; its hint then names the platforms that could not be asked.
func (h *Hub) platformRecording(ctx context.Context, ref app.RecordingRef, unknown error) (app.Recording, error) {
	asked, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	var mu sync.Mutex
	var silent []string
	var wg sync.WaitGroup
	for _, a := range h.order {
		f, ok := a.Provider.(provider.RecordingFinder)
		id, mine := idOn(a, ref)
		if !ok || !mine {
			continue
		}
		h.crash.GoIn(&wg, "a recording of "+a.Name, func() {
			err := h.readRecording(asked, a, f, id)
			// Invalid means that the id isn't one of the platform's.
			if ignore(ignore(err, provider.NotFound), provider.Invalid) != nil {
				mu.Lock()
				silent = append(silent, fmt.Sprintf("%s could not be asked: %v", a.Name, err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return app.Recording{}, err
	}
	r, err := h.storedRecording(ctx, ref)
	if errors.Is(err, provider.NotFound) && len(silent) > 0 {
		e := *app.AsError(unknown)
		e.Hint = strings.Join(silent, "; ")
		return r, &e
	}
	return r, err
}

// idOn returns the id of a reference on an account, and whether the reference can be to that account.
func idOn(a *account, ref app.RecordingRef) (id string, mine bool) {
	switch account, rest, cut := strings.Cut(ref.ID, "/"); {
	case ref.Account != "":
		return ref.ID, ref.Account == a.Name
	case cut:
		return rest, account == a.Name && rest != ""
	}
	return ref.ID, ref.ID != ""
}

// readRecording asks the platform for one recording, and stores the answer.
func (h *Hub) readRecording(ctx context.Context, a *account, f provider.RecordingFinder, id string) error {
	found, err := f.Recording(ctx, id)
	h.noteCall(a, err)
	if err != nil {
		return err
	}
	return h.observeRecordings(ctx, a, []provider.Recording{found}, nil)
}
