package apptest

import (
	"context"

	"greenroom/internal/app"
	"greenroom/provider"
)

// PlatformRooms lists nothing: there is no platform.
func (m *Memory) PlatformRooms(ctx context.Context, _ app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	return []app.PlatformRoom{}, nil
}

// AdoptRoom finds nothing to adopt.
func (m *Memory) AdoptRoom(_ context.Context, a app.Adoption) (app.RoomView, error) {
	return app.RoomView{}, notFound("room on the platform", a.PlatformRoom)
}

// change is [Memory.Change] for the answer without people.
func (m *Memory) change(ctx context.Context, method, ref string, f func(*app.MeetingDetail)) (app.Meeting, error) {
	d, err := m.Change(ctx, method, ref, f)
	return d.Meeting, err
}

// StartRecording marks a meeting as being recorded.
func (m *Memory) StartRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return m.change(ctx, "StartRecording", r.Meeting, func(d *app.MeetingDetail) { d.Recording = app.IsRecording })
}

// StopRecording takes the mark away.
func (m *Memory) StopRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return m.change(ctx, "StopRecording", r.Meeting, func(d *app.MeetingDetail) { d.Recording, d.RecordingSince = app.NotRecording, app.Time{} })
}

// Mute mutes no one: people don't join here.
func (m *Memory) Mute(ctx context.Context, q app.Muting) (app.Muted, error) {
	_, err := m.change(ctx, "Mute", q.Meeting, func(*app.MeetingDetail) {})
	if err == nil {
		err = notFound("participant", q.Session)
	}
	return app.Muted{}, err
}

// Eject removes no one: people don't join here.
func (m *Memory) Eject(ctx context.Context, e app.Ejection) (app.MeetingDetail, error) {
	if _, err := m.change(ctx, "Eject", e.Meeting, func(*app.MeetingDetail) {}); err != nil {
		return app.MeetingDetail{}, err
	}
	return app.MeetingDetail{}, notFound("participant", e.Session)
}

// Consent keeps the answer.
func (m *Memory) Consent(ctx context.Context, c app.ConsentAnswer) (app.Meeting, error) {
	return m.change(ctx, "Consent", c.Meeting, func(d *app.MeetingDetail) {
		d.Consent = app.ConsentDeclined
		if c.Given {
			d.Consent = app.ConsentGiven
		}
	})
}

// Diagnose finds nothing wrong.
func (m *Memory) Diagnose(ctx context.Context, _ app.DiagnosisQuery) ([]app.Diagnosis, error) {
	return []app.Diagnosis{{Checks: []provider.Check{{Name: "memory", OK: true, Detail: "there is nothing that could fail"}}}}, nil
}

// EditPage invents an address.
func (m *Memory) EditPage(ctx context.Context, c app.PageChange) (app.PageLink, error) {
	r, err := m.Room(ctx, app.RoomRef{Ref: c.Room})
	if err != nil || c.Off {
		return app.PageLink{PageReach: app.PageOff}, err
	}
	return app.PageLink{PageURL: "http://127.0.0.1:7070/r/" + r.Name + "-memory", PageReach: app.PageLocal}, nil
}

// Page finds none: no one reaches it.
func (m *Memory) Page(context.Context, app.PageRef) (app.PageView, error) {
	return app.PageView{}, notFound("page", "")
}

// EnterPage finds none.
func (m *Memory) EnterPage(context.Context, app.PageEntry) (app.PageEntered, error) {
	return app.PageEntered{}, notFound("page", "")
}
