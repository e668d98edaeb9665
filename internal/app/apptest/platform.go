package apptest

import (
	"context"

	"greenroom/internal/app"
	"greenroom/provider"
)

// PlatformRooms lists nothing: there is no platform.
func (m *Memory) PlatformRooms(ctx context.Context, _ app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	return []app.PlatformRoom{}, ctx.Err()
}

// AdoptRoom finds nothing to adopt.
func (m *Memory) AdoptRoom(_ context.Context, a app.Adoption) (app.RoomView, error) {
	return app.RoomView{}, notFound("room on the platform", a.PlatformRoom)
}

// change applies f to a meeting and tells of it.
func (m *Memory) change(ref string, f func(*app.Meeting)) (app.Meeting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.meeting(ref)
	if i < 0 {
		return app.Meeting{}, notFound("meeting", ref)
	}
	f(&m.meetings[i])
	out := m.meetings[i]
	m.publish(app.Change{Kind: app.MeetingChange, Meeting: &out})
	return out, nil
}

// StartRecording marks a meeting as being recorded.
func (m *Memory) StartRecording(_ context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return m.change(r.Meeting, func(m *app.Meeting) { m.Recording = app.IsRecording })
}

// StopRecording takes the mark away.
func (m *Memory) StopRecording(_ context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return m.change(r.Meeting, func(m *app.Meeting) { m.Recording = app.NotRecording })
}

// Eject finds nobody: people don't join here.
func (m *Memory) Eject(_ context.Context, e app.Ejection) (app.MeetingDetail, error) {
	if _, err := m.change(e.Meeting, func(*app.Meeting) {}); err != nil {
		return app.MeetingDetail{}, err
	}
	return app.MeetingDetail{}, notFound("participant", e.Session)
}

// Consent keeps the answer.
func (m *Memory) Consent(_ context.Context, c app.ConsentAnswer) (app.Meeting, error) {
	return m.change(c.Meeting, func(m *app.Meeting) {
		m.Consent = app.ConsentDeclined
		if c.Given {
			m.Consent = app.ConsentGiven
		}
	})
}

// Diagnose finds nothing wrong.
func (m *Memory) Diagnose(ctx context.Context, _ app.DiagnosisQuery) ([]app.Diagnosis, error) {
	return []app.Diagnosis{{Checks: []provider.Check{{Name: "memory", OK: true, Detail: "there is nothing that could fail"}}}}, ctx.Err()
}
