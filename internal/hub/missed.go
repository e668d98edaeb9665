package hub

// missed shows a background reader that webhooks may have been missed, so that it reads everything from the platform at once.
type missed struct{ seen uint64 }

// due reports true once per call of [Hub.readAgain].
func (m *missed) due(h *Hub) bool {
	was := m.seen
	m.seen = h.missed.Load()
	return m.seen != was
}

// readAgain makes the background readers read everything, since the tunnel was away or had another URL.
func (h *Hub) readAgain() { h.missed.Add(1) }
