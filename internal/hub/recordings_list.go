package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"greenroom/provider"
	"greenroom/store"
)

const (
	// listTime bounds one page of a platform's list.
	listTime = 30 * time.Second
	// refreshTime bounds how long a user waits for a list of new recordings.
	refreshTime = 20 * time.Second
	// lateListing is how long after its start a recording may appear in the platform's list: some platforms list only finished
	// ones.
	lateListing = 24 * time.Hour
	// throughEvery is how often [listMark.Through] is written.
	throughEvery = time.Hour
)

// listMark is the part of a platform's list of recordings that was read. Lists are long, slow to read, and change during reading:
// the newest pages are read often, until they reach the known ones; older pages are read once, and reading continues where an
// earlier process stopped.
type listMark struct {
	// Through is when the newest pages were last read, zero for never: everything before it and above Cursor is known.
	Through time.Time `json:"through"`
	// Whole reports that the list was read to its end. Otherwise Cursor is the cursor of the next older page.
	Whole  bool   `json:"whole,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

func listKey(account string) string { return "recordings-list\x00" + account }

func readMark(tx *store.Tx, a *account) (m listMark, err error) {
	if raw := tx.Value(listKey(a.Name)); raw != nil {
		err = json.Unmarshal(raw, &m)
	}
	return m, err
}

func putMark(tx *store.Tx, a *account, m listMark) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.PutValue(listKey(a.Name), raw)
}

// listing admits one reader of an account's list at a time.
func (a *account) listing(ctx context.Context) (done func(), err error) {
	select {
	case a.lists <- struct{}{}:
		return func() { <-a.lists }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// page reads one page of an account's list.
func (h *Hub) page(ctx context.Context, a *account, l provider.RecordingLister, room, cursor string) (provider.RecordingPage, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	page, err := l.Recordings(ctx, room, cursor)
	h.noteCall(a, err)
	return page, err
}

// listNewest stores an account's new recordings: it reads the list from its beginning until a page reaches the known ones. The first
// time it reads one page; [Hub.listOlder] reads the others.
func (h *Hub) listNewest(ctx context.Context, a *account, l provider.RecordingLister) error {
	done, err := a.listing(ctx)
	if err != nil {
		return err
	}
	defer done()
	began := h.clock.Now()
	a.mu.Lock()
	a.listedAt = began
	a.mu.Unlock()
	was, err := store.Read(ctx, h.store, func(tx *store.Tx) (listMark, error) { return readMark(tx, a) })
	if err != nil {
		return err
	}
	moved := false // the stored mark is above the earlier one
	for cursor, seen := "", map[string]bool{}; ; {
		page, err := h.page(ctx, a, l, "", cursor)
		if err != nil {
			return err
		}
		end := was
		end.Through = began
		switch {
		case page.Next == "":
			end.Whole, end.Cursor = true, ""
		case was.Through.IsZero():
			end.Cursor = page.Next
		case seen[page.Next]:
			return fmt.Errorf("the list of recordings of %s doesn't end", a.Name)
		case reaches(page, was.Through.Add(-lateListing)):
		default:
			// Everything below is unread until this reading is complete.
			if err := h.observeRecordings(ctx, a, page.Recordings, &listMark{Through: was.Through, Cursor: page.Next}); err != nil {
				return err
			}
			moved, cursor, seen[page.Next] = true, page.Next, true
			continue
		}
		mark := &end
		if !moved && end.Whole == was.Whole && end.Cursor == was.Cursor && began.Sub(was.Through) < throughEvery {
			mark = nil
		}
		return h.observeRecordings(ctx, a, page.Recordings, mark)
	}
}

// reaches reports whether a page holds a recording that began before at.
func reaches(page provider.RecordingPage, at time.Time) bool {
	return slices.ContainsFunc(page.Recordings, func(r provider.Recording) bool {
		return !r.StartedAt.IsZero() && r.StartedAt.Before(at)
	})
}

// listOlder reads the next page of an account's older recordings. It reports whether there are more.
func (h *Hub) listOlder(ctx context.Context, a *account, l provider.RecordingLister) (more bool, err error) {
	done, err := a.listing(ctx)
	if err != nil {
		return true, err
	}
	defer done()
	mark, err := store.Read(ctx, h.store, func(tx *store.Tx) (listMark, error) { return readMark(tx, a) })
	if err != nil {
		return true, err
	}
	if mark.Whole || mark.Through.IsZero() {
		return false, nil
	}
	page, err := h.page(ctx, a, l, "", mark.Cursor)
	switch {
	case mark.Cursor != "" && (errors.Is(err, provider.NotFound) || errors.Is(err, provider.Invalid)):
		// The recording at the cursor was deleted: read the list from its beginning.
		mark.Cursor = ""
		return true, h.store.Update(ctx, func(tx *store.Tx) error { return putMark(tx, a, mark) })
	case err != nil:
		return true, err
	}
	mark.Whole, mark.Cursor = page.Next == "", page.Next
	return !mark.Whole, h.observeRecordings(ctx, a, page.Recordings, &mark)
}

// refreshRecordings lists the recordings of all accounts now, as their pollers would, and as many older ones as time allows. Refusals
// of platforms are recorded with the poller; the error is only the caller's context.
func (h *Hub) refreshRecordings(ctx context.Context) error {
	asked, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, a := range h.order {
		if l, ok := a.Provider.(provider.RecordingLister); ok {
			h.crash.GoIn(&wg, "newest recordings of "+a.Name, func() {
				err := h.listNewest(asked, a, l)
				more := err == nil
				for more && err == nil {
					more, err = h.listOlder(asked, a, l)
				}
				if more && errors.Is(asked.Err(), context.DeadlineExceeded) {
					err = nil // the older ones took too long: the next reading continues
				}
				if ctx.Err() == nil {
					h.notePoller(recordingsPoller, a, err)
				}
			})
		}
	}
	wg.Wait()
	return ctx.Err()
}

// behind reports for each account whether it has older recordings that have not been listed yet.
func (h *Hub) behind(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		for _, a := range h.order {
			m, err := readMark(tx, a)
			if err != nil {
				return err
			}
			out[a.Name] = !m.Whole && !m.Through.IsZero()
		}
		return nil
	})
	return out, err
}

// lookForRecordings lists one room's newest recordings now.
func (h *Hub) lookForRecordings(ctx context.Context, a *account, room string) {
	l, ok := a.Provider.(provider.RecordingLister)
	if !ok {
		return
	}
	page, err := h.page(ctx, a, l, room, "")
	if err == nil {
		err = h.observeRecordings(ctx, a, page.Recordings, nil)
	}
	if err != nil && ctx.Err() == nil {
		h.notePoller(recordingsPoller, a, err)
	}
}
