package hub

// anew tells one background reader that webhooks may have been missed, so that what it knows is to be read from the platform
// at once rather than when it is due.
type anew struct{ seen uint64 }

// due says once for each time that [Hub.readAnew] was called that everything is to be read.
func (a *anew) due(h *Hub) bool {
	n := h.missed.Load()
	was := a.seen
	a.seen = n
	return n != was
}

// readAnew has the background readers fill a gap: the tunnel was away, or its URL was another one.
func (h *Hub) readAnew() { h.missed.Add(1) }
