package hub

import (
	"context"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/downloads"
	"greenroom/internal/roster"
	"greenroom/store"
)

// autoKey returns the key of the time since which an account downloads automatically.
func autoKey(account string) string { return "auto-download\x00" + account }

// noteAuto stores since when each account downloads automatically. Earlier recordings are downloaded only on request; otherwise the
// first start would download all of them.
func (h *Hub) noteAuto(ctx context.Context) error {
	return h.store.Update(ctx, func(tx *store.Tx) error {
		for _, a := range h.order {
			key := autoKey(a.Name)
			had := tx.Value(key) != nil
			switch {
			case a.AutoDownload && !had:
				if err := tx.PutValue(key, []byte(h.now().Format(time.RFC3339Nano))); err != nil {
					return err
				}
			case !a.AutoDownload && had:
				if err := tx.DeleteValue(key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// autoDownload queues the download of a recording that has become ready, if its account or room downloads automatically. The caller
// writes r.
func (a *account) autoDownload(tx *store.Tx, m *roster.Meeting, r *app.Recording, at time.Time) error {
	if r.Download != nil || !r.DeletedAt.IsZero() || !r.IgnoredAt.IsZero() || len(r.Files) == 0 {
		return nil
	}
	since, err := a.autoSince(tx, m)
	ended := r.StartedAt.Add(r.Length())
	if err != nil || since.IsZero() || ended.Before(since) {
		return err
	}
	return downloads.PutJob(tx, r, store.DownloadJob{
		Account: r.Account, ID: r.ID, Auto: true, AskedAt: at.UTC(), DeleteAfter: a.DeleteAfter,
	})
}

// autoSince returns since when recordings of a meeting are downloaded automatically, zero if they aren't.
func (a *account) autoSince(tx *store.Tx, m *roster.Meeting) (time.Time, error) {
	var since time.Time
	if raw := tx.Value(autoKey(a.Name)); a.AutoDownload && raw != nil {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, string(raw)); err != nil {
			return since, err
		}
	}
	if m == nil {
		return since, nil
	}
	room, _, err := store.Found(tx.Room(m.RoomID))
	if room.AutoDownload && (since.IsZero() || room.AutoSince.Before(since)) {
		since = room.AutoSince.Time
	}
	return since, err
}
