package tuitest

import (
	"cmp"
	"context"
	"slices"

	"greenroom/internal/app"
	"greenroom/provider"
)

// PlatformRooms answers the account's part of Found, after Slow.
func (b *Backend) PlatformRooms(ctx context.Context, q app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	if err := b.ask(ctx, "PlatformRooms", q.Account); err != nil {
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

// ask counts a call that asks a platform, takes the time of that, and fails as the account does.
func (b *Backend) ask(ctx context.Context, method, account string) error {
	err := b.call(method)
	b.Lock()
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
func (b *Backend) AdoptRoom(ctx context.Context, a app.Adoption) (app.RoomView, error) {
	b.Lock()
	i := slices.IndexFunc(b.Found, func(f app.PlatformRoom) bool { return f.Account == a.Account && f.PlatformRoom == a.PlatformRoom })
	var f app.PlatformRoom
	if i >= 0 {
		f = b.Found[i]
	}
	b.Unlock()
	if i < 0 {
		return app.RoomView{}, &app.Error{Kind: provider.NotFound, Text: "there is no such room on the platform"}
	}
	now := app.At(b.Clock.Now())
	name := cmp.Or(a.Name, f.PlatformRoom)
	r := app.Room{ID: "room-adopted-" + f.PlatformRoom, RoomSettings: app.RoomSettings{Name: name, Account: f.Account}, Adopted: true, CreatedAt: now}
	m := app.Meeting{ID: "meeting-adopted-" + f.PlatformRoom, Room: name, RoomID: r.ID, Account: f.Account, Platform: f.Platform,
		PlatformID: f.PlatformID, PlatformRoom: f.PlatformRoom, GuestURL: f.GuestURL, Status: app.Open, EndsAt: f.EndsAt,
		StartsAt: now, Recording: app.NotRecording, Adopted: true}
	v, err := b.Adopt(ctx, r, m)
	b.Lock()
	defer b.Unlock()
	if err == nil {
		b.Found[i].Known, b.Found[i].Meeting, b.Found[i].Room = true, m.ID, name
	}
	return v, err
}

// StartRecording starts a recording, which the platform confirms later; see [Backend.Record].
func (b *Backend) StartRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	d, err := b.Change(ctx, "StartRecording", r.Meeting, func(m *app.MeetingDetail) { m.Recording = app.StartingRecording })
	return d.Meeting, err
}

// Eject removes a person.
func (b *Backend) Eject(ctx context.Context, e app.Ejection) (app.MeetingDetail, error) {
	return b.Change(ctx, "Eject", e.Meeting, func(m *app.MeetingDetail) {
		b.Ejected = append(b.Ejected, e)
		for i := range m.Participants {
			if s := &m.Participants[i]; s.Session == e.Session && s.Present() {
				s.LeftAt, s.Reason = app.At(b.Clock.Now()), "ejected"
				m.Here--
			}
		}
	})
}

// Mute notes the request.
func (b *Backend) Mute(ctx context.Context, q app.Muting) (app.Muted, error) {
	_, err := b.Change(ctx, "Mute", q.Meeting, func(*app.MeetingDetail) { b.Muted = append(b.Muted, q) })
	return app.Muted{Meeting: q.Meeting, Session: q.Session, Tracks: 1}, err
}

// Diagnose answers Diagnoses, after Slow.
func (b *Backend) Diagnose(ctx context.Context, q app.DiagnosisQuery) ([]app.Diagnosis, error) {
	if err := b.ask(ctx, "Diagnose", q.Account); err != nil {
		return nil, err
	}
	b.Lock()
	defer b.Unlock()
	return append([]app.Diagnosis{}, b.Diagnoses...), nil
}

// ProbeTunnel answers Probed.
func (b *Backend) ProbeTunnel(context.Context, app.TunnelProbe) (app.TunnelProbed, error) {
	err := b.call("ProbeTunnel")
	b.Lock()
	defer b.Unlock()
	return b.Probed, err
}

// RegisterWebhook keeps the request and answers that the webhook is registered.
func (b *Backend) RegisterWebhook(_ context.Context, r app.WebhookRegistration) (app.RegisteredWebhook, error) {
	if err := b.call("RegisterWebhook"); err != nil {
		return app.RegisteredWebhook{}, err
	}
	b.Lock()
	defer b.Unlock()
	b.Registered = append(b.Registered, r)
	return app.RegisteredWebhook{Account: r.Account, State: app.WebhookRegistered, URL: b.Stat.Tunnel.Hooks[r.Account]}, nil
}
