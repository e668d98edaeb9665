package sandbox

import (
	"cmp"
	"time"

	"greenroom/provider"
)

type wherebyEvent struct {
	ID         string `json:"id"`
	APIVersion string `json:"apiVersion"`
	CreatedAt  string `json:"createdAt"`
	Type       string `json:"type"`
	Data       any    `json:"data"`
}

// emitWhereby sends an event in Whereby's envelope (B6).
func (w *World) emitWhereby(kind string, data any, at time.Time) {
	id := w.word(32, lowerHex)
	body := compact(wherebyEvent{id, "1.0", iso(at), kind, data})
	w.emit(provider.Whereby, kind, id, body, func() (string, []byte) { return id, body }, at)
}

// wherebyPlace has the fields of every event in a room.
func (w *World) wherebyPlace(r *room) map[string]any {
	return map[string]any{"meetingId": r.id, "roomName": "/" + r.name, "subdomain": w.opt.WherebySubdomain}
}

func (w *World) wherebyClient(s *stay) map[string]any {
	d := w.wherebyPlace(s.room)
	d["displayName"] = s.person.Name
	d["participantId"] = s.id
	if session := cmp.Or(s.session, s.room.session); session != nil {
		d["roomSessionId"] = session.id
	}
	if s.person.Metadata != "" {
		d["metadata"] = s.person.Metadata
	}
	if s.person.ExternalID != "" {
		d["externalId"] = s.person.ExternalID
	}
	return d
}

// wherebyCounted adds the absolute numbers after the event, bots included.
func (w *World) wherebyCounted(s *stay) map[string]any {
	d := w.wherebyClient(s)
	byRole := map[string]int{}
	here := s.room.here()
	for _, o := range here {
		byRole[o.person.role()]++
	}
	d["roleName"] = s.person.role()
	d["numClients"] = len(here)
	d["numClientsByRoleName"] = byRole
	d["isDialIn"] = false
	return d
}

func (w *World) announceWherebyJoined(s *stay, at time.Time) {
	w.emitWhereby("room.client.joined", w.wherebyCounted(s), at)
	if r := s.room; !r.session.announced && r.people() >= 2 {
		r.session.announced = true
		d := w.wherebyPlace(r)
		d["roomSessionId"] = r.session.id
		w.emitWhereby("room.session.started", d, at)
	}
}

// announceSessionEnded sends session.ended when fewer than two people stayed for the grace. The session itself lasts while anyone
// is there, and is announced again when a second person arrives.
func (w *World) announceSessionEnded(r *room, at time.Time) {
	back := r.people() >= 2 || at.Sub(r.session.lastLeft) < w.opt.Grace
	if r.platform != provider.Whereby || !r.session.announced || back {
		return
	}
	r.session.announced = false
	d := w.wherebyPlace(r)
	d["roomSessionId"] = r.session.id
	w.emitWhereby("room.session.ended", d, at)
}

// settleWhereby applies Whereby's delivery rules to an attempt (B6): 5xx and no answer are retried twice with a short
// backoff, everything else is final.
func settleWhereby(m *message, status int, err error) time.Duration {
	if (err == nil && status < 500) || m.tries > 2 {
		return 0
	}
	return time.Duration(m.tries) * time.Second
}
