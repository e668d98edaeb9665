package hub

import (
	"context"
	"sync"

	"greenroom/internal/roster"
	"greenroom/store"
)

// unendedCache is the list of open and live meetings for the background readers, which ask every second. The list is read again only
// after a write.
type unendedCache struct {
	mu    sync.Mutex
	at    uint64 // the store's count of commits, before the list was read
	valid bool
	list  []roster.Meeting
}

// unended lists the open and live meetings of an account, oldest first. The list is shared: it must not be changed.
func (h *Hub) unended(ctx context.Context, a *account) ([]roster.Meeting, error) {
	c := &h.open
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := h.store.Commits(); !c.valid || at != c.at {
		list, err := store.Read(ctx, h.store, (*store.Tx).Unended)
		if err != nil {
			return nil, err
		}
		c.list, c.at, c.valid = list, at, true
	}
	var out []roster.Meeting
	for _, m := range c.list {
		if m.Account == a.Name {
			out = append(out, m)
		}
	}
	return out, nil
}
