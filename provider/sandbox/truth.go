package sandbox

import (
	"cmp"
	"time"

	"greenroom/internal/stable"
	"greenroom/provider"
)

// StayState is one person's presence in the world, ended or not: the truth that a program under test must find out.
type StayState struct {
	Platform provider.Platform `json:"platform"`
	Room     string            `json:"room"`
	Session  string            `json:"session"`
	Name     string            `json:"name"`
	Bot      bool              `json:"bot"`
	JoinedAt time.Time         `json:"joined_at"`
	// LeftAt is zero while they are there.
	LeftAt time.Time `json:"left_at"`
}

// Stays lists every stay in rooms that the world remembers, in the order of joining.
func (w *World) Stays() []StayState {
	w.lock()
	defer w.unlock()
	out := []StayState{}
	for s := range w.stays("") {
		out = append(out, StayState{s.room.platform, s.room.name, s.id, s.person.Name, s.person.bot(), s.joinedAt, s.leftAt})
	}
	stable.Sort(out, func(a, b StayState) int {
		return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.Session, b.Session))
	})
	return out
}

// RecordedState is a recording in the world.
type RecordedState struct {
	Platform  provider.Platform `json:"platform"`
	Room      string            `json:"room"`
	ID        string            `json:"id"`
	Instance  string            `json:"instance"`
	Kind      string            `json:"kind"`
	State     string            `json:"state"`
	StartedAt time.Time         `json:"started_at"`
	// EndedAt is zero while it runs.
	EndedAt time.Time `json:"ended_at"`
}

// Recorded lists every recording that was not deleted, newest first.
func (w *World) Recorded() []RecordedState {
	w.lock()
	defer w.unlock()
	out := []RecordedState{}
	for _, rec := range w.recordingsOf("") {
		out = append(out, RecordedState{
			rec.room.platform, rec.room.name, rec.id, rec.instance, rec.kind, string(rec.state), rec.startedAt, rec.endedAt,
		})
	}
	return out
}
