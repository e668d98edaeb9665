package tuitest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// AddRoom makes a room.
func (b *Backend) AddRoom(s app.RoomSpec) app.Room {
	r, err := b.CreateRoom(context.Background(), s)
	if err != nil {
		panic(err) // a test's own mistake
	}
	return r
}

// Start opens a meeting in a room.
func (b *Backend) Start(room string) app.Meeting {
	m, err := b.StartMeeting(context.Background(), app.StartMeeting{Room: room})
	if err != nil {
		panic(err)
	}
	return m.Meeting
}

// Alter changes a room's latest meeting in any way and tells of it.
func (b *Backend) Alter(room string, f func(m *app.MeetingDetail)) {
	b.Lock()
	defer b.Unlock()
	m := b.meeting(room)
	f(m)
	out := m.Meeting
	b.publish(app.Change{Kind: app.MeetingChange, Meeting: &out})
}

// Join lets a person come in, with the webhook that says so.
func (b *Backend) Join(room, name string) {
	b.JoinAs(room, app.Stay{Name: name})
}

// JoinAs lets somebody come in: a host, a bot, one who has to wait.
func (b *Backend) JoinAs(room string, st app.Stay) {
	b.Lock()
	defer b.Unlock()
	m := b.meeting(room)
	now := app.At(b.Clock.Now())
	b.n++
	st.Session, st.JoinedAt, st.Source = fmt.Sprintf("session-%d", b.n), now, app.FromWebhook
	m.Participants = append(m.Participants, st)
	kind := provider.KindParticipantJoined
	switch {
	case st.Waiting:
		m.Participants[len(m.Participants)-1].JoinedAt, m.Participants[len(m.Participants)-1].WaitingSince = app.Time{}, now
		m.Waiting++
		kind = provider.KindParticipantWaiting
	case !st.Bot:
		m.Here++
		m.Peak = max(m.Peak, m.Here)
		if m.Status == app.Open {
			m.Status, m.StartedAt = app.Live, now
		}
	}
	b.evidence(m, kind, st.Name, "")
}

// Depart lets a person go.
func (b *Backend) Depart(room, name, reason string) {
	b.Lock()
	defer b.Unlock()
	m := b.meeting(room)
	for i := range m.Participants {
		if st := &m.Participants[i]; st.Name == name && st.LeftAt.IsZero() {
			st.LeftAt, st.Reason = app.At(b.Clock.Now()), reason
			m.Here--
		}
	}
	if m.Here == 0 {
		m.Status = app.Open
	}
	b.evidence(m, provider.KindParticipantLeft, name, reason)
}

// Record starts the recording of a meeting.
func (b *Backend) Record(room string) {
	b.Lock()
	defer b.Unlock()
	m := b.meeting(room)
	m.Recording, m.RecordingSince = app.IsRecording, app.At(b.Clock.Now())
	b.evidence(m, provider.KindRecordingStarted, "", "")
}

// evidence tells of a change of a meeting by webhook.
func (b *Backend) evidence(m *app.MeetingDetail, kind provider.EventKind, who, detail string) {
	now := app.At(b.Clock.Now())
	m.StatusSource, m.EvidenceAt = app.FromWebhook, now
	out := m.Meeting
	b.publish(app.Change{Kind: app.MeetingChange, Meeting: &out})
	b.publish(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{At: now, Account: m.Account, Meeting: m.ID,
		Room: m.Room, Kind: kind, Who: who, Detail: detail, Source: app.FromWebhook}})
	b.deliver(app.Delivery{
		Account: m.Account, Method: "POST", Target: "/hooks/" + m.Account, Verdict: provider.Verified, Status: 200,
		Kind: kind, Type: string(kind), Meeting: m.ID, Room: m.Room, Participant: who, ProviderID: fmt.Sprintf("evt-%d", len(b.deliveries)+1),
		Headers: http.Header{"Content-Type": {"application/json"}, "X-Webhook-Timestamp": {fmt.Sprint(now.Unix())}},
		Body: app.Body(fmt.Sprintf(`{"version":"1.0.0","type":%q,"id":"evt-%d","payload":{"room":%q,"user_name":%q,"joined_at":%d.250,"owner":false},"event_ts":%d.310}`,
			kind, len(b.deliveries)+1, m.PlatformRoom, who, now.Unix(), now.Unix())),
	})
}

// Deliver adds a delivery with the next number and tells of it.
func (b *Backend) Deliver(d app.Delivery) app.Delivery {
	b.Lock()
	defer b.Unlock()
	return b.deliver(d)
}

func (b *Backend) deliver(d app.Delivery) app.Delivery {
	d.Seq = uint64(len(b.deliveries) + 1)
	if d.At.IsZero() {
		d.At = app.At(b.Clock.Now())
	}
	d.Size = int64(len(d.Body))
	b.deliveries = append(b.deliveries, d)
	row := d
	row.Headers, row.Body = nil, nil
	b.publish(app.Change{Kind: app.DeliveryChange, Delivery: &row})
	return d
}

// Events pages through the deliveries as the contract says.
func (b *Backend) Events(_ context.Context, q app.EventQuery) (app.EventPage, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("Events"); err != nil {
		return app.EventPage{}, err
	}
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	var p app.EventPage
	take := func(i int) bool {
		d := b.deliveries[i]
		if !b.matches(d, q) {
			return true
		}
		if len(p.Events) == limit {
			p.More = true
			return false
		}
		d.Headers, d.Body = nil, nil
		p.Events = append(p.Events, d)
		return true
	}
	if q.After > 0 && q.Before == 0 {
		for i := int(q.After); i < len(b.deliveries) && take(i); i++ {
		}
		slices.Reverse(p.Events)
		if len(p.Events) > 0 {
			p.Next = p.Events[0].Seq
		}
		return p, nil
	}
	top := len(b.deliveries)
	if q.Before > 0 {
		top = min(top, int(q.Before)-1)
	}
	for i := top - 1; i >= int(q.After) && take(i); i-- {
	}
	if len(p.Events) > 0 {
		p.Next = p.Events[len(p.Events)-1].Seq
	}
	return p, nil
}

func (b *Backend) matches(d app.Delivery, q app.EventQuery) bool {
	return (q.Account == "" || d.Account == q.Account) && (len(q.Kinds) == 0 || slices.Contains(q.Kinds, d.Kind)) &&
		(q.Verdict == "" || d.Verdict == q.Verdict) && (q.Meeting == "" || d.Meeting == q.Meeting || d.Room == q.Meeting) &&
		(q.Grep == "" || strings.Contains(strings.ToLower(string(d.Body)), strings.ToLower(q.Grep)))
}

// Event gives one delivery whole.
func (b *Backend) Event(_ context.Context, ref app.EventRef) (app.Delivery, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("Event"); err != nil {
		return app.Delivery{}, err
	}
	if ref.Seq == 0 || ref.Seq > uint64(len(b.deliveries)) {
		return app.Delivery{}, notFound("delivery", fmt.Sprint(ref.Seq))
	}
	return b.deliveries[ref.Seq-1], nil
}
