package tuitest

import (
	"context"

	"greenroom/internal/app"
	"greenroom/provider"
)

// PlatformRooms answers Found, as far as it is the account's, after Slow.
func (b *Backend) PlatformRooms(ctx context.Context, q app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	if err := b.answer(ctx, "PlatformRooms", q.Account); err != nil {
		return nil, err
	}
	b.Lock()
	defer b.Unlock()
	out := []app.PlatformRoom{}
	for _, r := range b.Found {
		if q.Account == "" || r.Account == q.Account {
			out = append(out, r)
		}
	}
	return out, nil
}

// answer counts a call that asks the platform itself, waits as long as that takes, and fails as the account does.
func (b *Backend) answer(ctx context.Context, method, account string) error {
	b.Lock()
	err := b.enter(method)
	if err == nil {
		err = b.Failing[account]
	}
	slow := b.Slow
	b.Unlock()
	if slow > 0 {
		select {
		case <-b.Clock.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// AdoptRoom makes a room of one of Found, with its meeting.
func (b *Backend) AdoptRoom(_ context.Context, a app.Adoption) (app.RoomView, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("AdoptRoom"); err != nil {
		return app.RoomView{}, err
	}
	for i := range b.Found {
		f := &b.Found[i]
		if f.Account != a.Account || f.PlatformRoom != a.PlatformRoom {
			continue
		}
		b.n++
		name := a.Name
		if name == "" {
			name = f.PlatformRoom
		}
		if b.room(name) >= 0 {
			return app.RoomView{}, &app.Error{Kind: provider.Conflict, Text: "there is a room of that name on another account",
				Hint: "choose another name"}
		}
		r := app.Room{ID: "room-adopted-" + f.PlatformRoom, RoomSettings: app.RoomSettings{Name: name, Account: f.Account}, Adopted: true, CreatedAt: app.At(b.Clock.Now())}
		m := app.Meeting{ID: "meeting-adopted-" + f.PlatformRoom, Room: name, RoomID: r.ID, Account: f.Account, Platform: f.Platform,
			PlatformID: f.PlatformID, PlatformRoom: f.PlatformRoom, GuestURL: f.GuestURL, Status: app.Open, EndsAt: f.EndsAt,
			StartsAt: app.At(b.Clock.Now()), Recording: app.NotRecording, Adopted: true}
		f.Known, f.Meeting, f.Room = true, m.ID, name
		b.rooms = append(b.rooms, r)
		b.meetings = append(b.meetings, app.MeetingDetail{Meeting: m})
		b.publish(app.Change{Kind: app.RoomChange, Room: &r})
		b.publish(app.Change{Kind: app.MeetingChange, Meeting: &m})
		return b.view(r), nil
	}
	return app.RoomView{}, notFound("room on the platform", a.PlatformRoom)
}

// change applies f to a meeting and tells of it.
func (b *Backend) change(method, ref string, f func(*app.MeetingDetail)) (app.MeetingDetail, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter(method); err != nil {
		return app.MeetingDetail{}, err
	}
	m := b.meeting(ref)
	if m == nil {
		return app.MeetingDetail{}, notFound("meeting", ref)
	}
	f(m)
	out := m.Meeting
	b.publish(app.Change{Kind: app.MeetingChange, Meeting: &out})
	d := *m
	d.Participants = append([]app.Stay{}, m.Participants...)
	return d, nil
}

// StartRecording makes a meeting's recording start.
func (b *Backend) StartRecording(_ context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	d, err := b.change("StartRecording", r.Meeting, func(m *app.MeetingDetail) { m.Recording = app.StartingRecording })
	return d.Meeting, err
}

// StopRecording makes it stop.
func (b *Backend) StopRecording(_ context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	d, err := b.change("StopRecording", r.Meeting, func(m *app.MeetingDetail) {
		m.Recording, m.RecordingSince = app.NotRecording, app.Time{}
	})
	return d.Meeting, err
}

// Eject makes somebody leave.
func (b *Backend) Eject(_ context.Context, e app.Ejection) (app.MeetingDetail, error) {
	return b.change("Eject", e.Meeting, func(m *app.MeetingDetail) {
		b.Ejected = append(b.Ejected, e)
		for i := range m.Participants {
			if s := &m.Participants[i]; s.Session == e.Session && s.Present() {
				s.LeftAt, s.Reason = app.At(b.Clock.Now()), "ejected"
				m.Here--
			}
		}
	})
}

// Consent keeps the answer.
func (b *Backend) Consent(_ context.Context, c app.ConsentAnswer) (app.Meeting, error) {
	d, err := b.change("Consent", c.Meeting, func(m *app.MeetingDetail) {
		m.Consent, m.ConsentAt = app.ConsentDeclined, app.At(b.Clock.Now())
		if c.Given {
			m.Consent = app.ConsentGiven
		}
	})
	return d.Meeting, err
}

// Diagnose answers Diagnoses, after Slow.
func (b *Backend) Diagnose(ctx context.Context, q app.DiagnosisQuery) ([]app.Diagnosis, error) {
	if err := b.answer(ctx, "Diagnose", q.Account); err != nil {
		return nil, err
	}
	b.Lock()
	defer b.Unlock()
	return append([]app.Diagnosis{}, b.Diagnoses...), nil
}
