package tuitest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// must returns the result of a call that can only fail by a mistake of the test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// AddRoom makes a room.
func (b *Backend) AddRoom(s app.RoomSpec) app.Room {
	return must(b.CreateRoom(context.Background(), s))
}

// Start opens a meeting in a room.
func (b *Backend) Start(room string) app.Meeting {
	return must(b.StartMeeting(context.Background(), app.StartMeeting{Room: room})).Meeting
}

// Alter changes a room's latest meeting in any way and publishes it.
func (b *Backend) Alter(room string, f func(m *app.MeetingDetail)) {
	must(b.Change(context.Background(), "Alter", room, f))
}

// Progress changes a download in any way and publishes it.
func (b *Backend) Progress(id string, f func(*app.Download)) {
	must(b.Recorded(context.Background(), "Progress", app.RecordingRef{ID: id}, func(r *app.Recording) {
		if r.Download == nil {
			r.Download = &app.Download{Total: r.Size()}
		}
		f(r.Download)
	}))
}

// Join lets a person come in, with the webhook that reports it.
func (b *Backend) Join(room, name string) { b.JoinAs(room, app.Stay{Name: name}) }

// JoinAs lets a host or a bot come in, or a person wait.
func (b *Backend) JoinAs(room string, st app.Stay) {
	kind := provider.KindParticipantJoined
	if st.Waiting {
		kind = provider.KindParticipantWaiting
	}
	b.happens(room, kind, st.Name, "", func(m *app.MeetingDetail, now app.Time) {
		b.n++
		st.Session, st.JoinedAt, st.Source = fmt.Sprintf("session-%d", b.n), now, app.FromWebhook
		switch {
		case st.Waiting:
			st.JoinedAt, st.WaitingSince = app.Time{}, now
			m.Waiting++
		case !st.Bot:
			m.Here++
			m.Peak = max(m.Peak, m.Here)
			if m.Status == app.Open {
				m.Status, m.StartedAt = app.Live, now
			}
		}
		m.Participants = append(m.Participants, st)
	})
}

// Depart lets a person leave.
func (b *Backend) Depart(room, name, reason string) {
	b.happens(room, provider.KindParticipantLeft, name, reason, func(m *app.MeetingDetail, now app.Time) {
		for i := range m.Participants {
			if st := &m.Participants[i]; st.Name == name && st.LeftAt.IsZero() {
				st.LeftAt, st.Reason = now, reason
				m.Here--
			}
		}
		if m.Here == 0 {
			m.Status = app.Open
		}
	})
}

// Admit lets a person in who waits.
func (b *Backend) Admit(room, name string) {
	b.happens(room, provider.KindParticipantJoined, name, "", func(m *app.MeetingDetail, now app.Time) {
		for i := range m.Participants {
			if st := &m.Participants[i]; st.Name == name && st.Waiting {
				st.Waiting, st.JoinedAt = false, now
				m.Waiting--
				m.Here++
				m.Peak = max(m.Peak, m.Here)
			}
		}
	})
}

// End ends a room's meeting.
func (b *Backend) End(room string) {
	must(b.EndMeeting(context.Background(), app.MeetingRef{Ref: room}))
}

// Last returns a room's latest meeting.
func (b *Backend) Last(room string) app.Meeting {
	return must(b.Meeting(context.Background(), app.MeetingRef{Ref: room})).Meeting
}

// Plan plans a meeting of an hour after d.
func (b *Backend) Plan(room string, d time.Duration, every string) app.Booking {
	return must(b.Book(context.Background(), app.BookingSpec{Room: room, At: b.Clock.Now().UTC().Add(d).Format("2006-01-02T15:04:05"), TimeZone: "UTC", Every: every}))
}

// Delete deletes a room.
func (b *Backend) Delete(room string) {
	must(b.DeleteRoom(context.Background(), app.RoomRef{Ref: room}))
}

// Record starts the recording of a meeting.
func (b *Backend) Record(room string) {
	b.happens(room, provider.KindRecordingStarted, "", "", func(m *app.MeetingDetail, now app.Time) {
		m.Recording, m.RecordingSince = app.IsRecording, now
	})
}

// happens changes a meeting as a webhook does: with an activity and a delivery.
func (b *Backend) happens(room string, kind provider.EventKind, who, detail string, f func(*app.MeetingDetail, app.Time)) {
	now := app.At(b.Clock.Now())
	var m app.MeetingDetail
	b.Alter(room, func(d *app.MeetingDetail) {
		f(d, now)
		d.StatusSource, d.EvidenceAt = app.FromWebhook, now
		m = *d
	})
	b.Publish(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{At: now, Account: m.Account, Meeting: m.ID,
		Room: m.Room, Kind: kind, Who: who, Detail: detail, Source: app.FromWebhook}})
	b.n++
	id := fmt.Sprintf("evt-%d", b.Delivered()+1)
	b.Deliver(app.Delivery{
		Account: m.Account, Method: "POST", Target: "/hooks/" + m.Account, Verdict: provider.Verified, Status: 200,
		Kind: kind, Type: string(kind), Meeting: m.ID, Room: m.Room, Participant: who, ProviderID: id,
		Headers: http.Header{"Content-Type": {"application/json"}, "X-Webhook-Timestamp": {fmt.Sprint(now.Unix())}},
		Body: app.Body(fmt.Sprintf(`{"version":"1.0.0","type":%q,"id":%q,"payload":{"room":%q,"user_name":%q,"joined_at":%d.250,"owner":false},"event_ts":%d.310}`,
			kind, id, m.PlatformRoom, who, now.Unix(), now.Unix())),
	})
}
