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
	lists map[string][]roster.Meeting // by account
}

// unended lists the open and live meetings of an account, oldest first. The list is shared: it must not be changed.
func (h *Hub) unended(ctx context.Context, a *account) ([]roster.Meeting, error) {
	c := &h.open
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := h.store.Commits(); !c.valid || at != c.at {
		var all []roster.Meeting
		if err := h.store.ViewIdly(ctx, func(tx *store.Tx) (err error) { all, err = tx.Unended(); return err }); err != nil {
			return nil, err
		}
		c.lists, c.at, c.valid = make(map[string][]roster.Meeting), at, true
		for _, m := range all {
			c.lists[m.Account] = append(c.lists[m.Account], m)
		}
	}
	return c.lists[a.Name], nil
}
