package sandbox

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"greenroom/provider"
)

// emitDaily sends an event in Daily's envelope (A10). event_ts is the time of sending and has a fraction.
func (w *World) emitDaily(kind, id string, payload any, at time.Time) {
	sent := at.Add(time.Duration(100+w.rng.IntN(900)) * time.Millisecond)
	version := "1.0.0"
	if strings.HasPrefix(kind, "transcript.") {
		version = "1.1.0"
	}
	body := func(id string) []byte {
		return compact(dailyEvent{version, kind, id, payload, seconds(sent)})
	}
	w.emit(provider.Daily, kind, id, body(id), func() (string, []byte) {
		// Duplicates come with the same id or with another one (A10).
		if w.rng.IntN(2) == 0 {
			return id, body(id)
		}
		other := fmt.Sprintf("%d-%s", 1+w.rng.IntN(4000), id)
		return other, body(other)
	}, at)
}

type dailyEvent struct {
	Version string  `json:"version"`
	Type    string  `json:"type"`
	ID      string  `json:"id"`
	Payload any     `json:"payload"`
	EventTS float64 `json:"event_ts"`
}

// dailyPerson is the payload of participant and waiting-participant events.
func dailyPerson(s *stay) map[string]any {
	p := map[string]any{
		"room": s.room.name, "session_id": s.id, "user_id": cmp.Or(s.person.UserID, s.id), "joined_at": seconds(s.joinedAt),
		"owner": s.person.Owner, "will_eject_at": unlessZero(s.ejectAt, seconds),
		"permissions": map[string]any{"hasPresence": true, "canSend": true, "canAdmin": s.person.Owner},
	}
	if s.person.Name != "" {
		p["user_name"] = s.person.Name
	}
	return p
}

func (w *World) announceMeetingStarted(r *room, at time.Time) {
	if r.platform != provider.Daily {
		return
	}
	w.emitDaily("meeting.started", fmt.Sprintf("met-sta-%s-%d", r.session.id, at.Unix()), map[string]any{
		"start_ts": seconds(at), "meeting_id": r.session.id, "room": r.name,
	}, at)
}

func (w *World) announceMeetingEnded(r *room, s *session, at time.Time) {
	if r.platform != provider.Daily {
		return
	}
	w.emitDaily("meeting.ended", fmt.Sprintf("met-end-%s-%d", s.id, at.Unix()), map[string]any{
		"start_ts": seconds(s.startedAt), "end_ts": seconds(s.endedAt), "meeting_id": s.id, "room": r.name,
	}, at)
}

func (w *World) announceJoined(s *stay, at time.Time) {
	switch s.room.platform {
	case provider.Whereby:
		w.announceWherebyJoined(s, at)
		return
	case provider.LiveKit:
		w.announceLiveKit("participant_joined", s.room, s, nil, at)
		return
	}
	w.emitDaily("participant.joined", fmt.Sprintf("ptcpt-join-%s-%d", s.id, at.UnixMilli()), dailyPerson(s), at)
}

func (w *World) announceLeft(s *stay, at time.Time) {
	switch s.room.platform {
	case provider.Whereby:
		w.emitWhereby("room.client.left", w.wherebyCounted(s), at)
		return
	case provider.LiveKit:
		w.announceLiveKit("participant_left", s.room, s, nil, at)
		return
	}
	p := dailyPerson(s)
	p["duration"] = s.leftAt.Sub(s.joinedAt).Seconds()
	w.emitDaily("participant.left", fmt.Sprintf("ptcpt-left-%s-%d", s.id, at.UnixMilli()), p, at)
}

func (w *World) announceKnocked(s *stay, at time.Time) {
	if s.room.platform == provider.Whereby {
		w.emitWhereby("room.client.knocked", w.wherebyClient(s), at)
		return
	}
	w.emitDaily("waiting-participant.joined", fmt.Sprintf("w-ptcpt-join-%s-%d", s.id, at.UnixMilli()), dailyPerson(s), at)
}

func (w *World) announceKnockLeft(s *stay, at time.Time) {
	if s.room.platform == provider.Whereby {
		w.emitWhereby("room.client.knockCancelled", w.wherebyClient(s), at)
		return
	}
	p := dailyPerson(s)
	p["duration"] = at.Sub(s.joinedAt).Seconds()
	w.emitDaily("waiting-participant.left", fmt.Sprintf("w-ptcpt-left-%s-%d", s.id, at.UnixMilli()), p, at)
}

// settleDaily applies Daily's delivery rules to an attempt (A8): only 200 is a success; with the circuit breaker each message has
// one try, and the third failure in a row fails the webhook; exponential has five tries. It returns the wait before the next try,
// 0 for none.
func (w *World) settleDaily(h *hook, m *message, status int) time.Duration {
	if status == 200 {
		h.failures = 0
		return 0
	}
	h.failures++
	switch {
	case h.retry == "exponential" && m.tries < 5:
		return min(time.Duration(1<<(2*m.tries))*4*time.Second, 15*time.Minute)
	case h.retry != "exponential" && h.failures >= 3:
		h.failed = true
		h.queue = nil
		delete(w.held, h)
	}
	return 0
}
