// Package apptest holds what the tests around [app.Backend] share: [Memory], a small Backend without a disk or a platform, and
// [Run], the suite that every Backend passes, in-process and over a socket.
package apptest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/internal/filter"
	"greenroom/internal/latin"
	"greenroom/provider"
)

// Memory is a Backend in memory, for tests. It verifies no signatures and calls no platform, but keeps the contract: kinds of
// errors, order of lists, the stream. [NewMemory] makes one.
type Memory struct {
	// Lock guards the recordings and everything that the functions below use. They run while it is held.
	sync.Mutex
	// Recs are the recordings, newest first.
	Recs []app.Recording
	// Called runs for each call; its error is the answer. nil accepts all.
	Called func(method string) error
	// Now is the time of what happens; nil is a fixed one.
	Now func() time.Time
	// Choose selects the account of a room's meetings; nil is the account "memory".
	Choose func(app.Room) app.Choice
	// Opened completes a meeting that was started; nil puts one person into it.
	Opened func(*app.MeetingDetail, app.Room, app.StartMeeting)
	// PageOf returns the address of a room's page; nil gives rooms none.
	PageOf func(app.Room) app.PageLink

	rooms    []app.Room
	meetings []app.MeetingDetail
	events   []app.Delivery
	imported map[string]bool
	ids      int
	readers  map[chan app.Change]*reader
	// buffer is how many changes can wait for one reader before it gets Missed.
	buffer    int
	forwards  []app.Forward
	catches   []app.Catch
	positions map[string]cursor.Position
	tunnel    app.TunnelStatus
	plans     plans
	undos     []func() app.Undone
}

type reader struct{ missed bool }

// NewMemory makes an empty Backend whose readers have room for the given number of changes.
func NewMemory(buffer int) *Memory {
	return &Memory{readers: make(map[chan app.Change]*reader), buffer: buffer}
}

var _ app.Backend = (*Memory)(nil)

// Publish hands a change to every reader without waiting for any.
func (m *Memory) Publish(c app.Change) {
	m.Lock()
	defer m.Unlock()
	m.publish(c)
}

func (m *Memory) publish(c app.Change) {
	for ch, r := range m.readers {
		// The last place is reserved for Missed, so that publishing never waits.
		if r.missed && len(ch) == 0 {
			r.missed = false
		}
		switch {
		case r.missed:
		case len(ch) < cap(ch)-1:
			ch <- c
		default:
			r.missed = true
			ch <- app.Change{Kind: app.Missed}
		}
	}
}

// begin locks the Backend for a call. It is not locked if the call fails.
func (m *Memory) begin(ctx context.Context, method string) error {
	m.Lock()
	err := ctx.Err()
	if err == nil && m.Called != nil {
		err = m.Called(method)
	}
	if err != nil {
		m.Unlock()
	}
	return err
}

func (m *Memory) now() app.Time {
	if m.Now == nil {
		return app.At(began)
	}
	return app.At(m.Now())
}

// Subscribe implements [app.Backend], as do the methods below.
func (m *Memory) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.Lock()
	defer m.Unlock()
	return m.SubscribeLocked(ctx), nil
}

// SubscribeLocked is Subscribe while the lock is held.
func (m *Memory) SubscribeLocked(ctx context.Context) <-chan app.Change {
	ch := make(chan app.Change, m.buffer+1)
	m.readers[ch] = &reader{}
	context.AfterFunc(ctx, func() {
		m.Lock()
		defer m.Unlock()
		delete(m.readers, ch)
		close(ch)
	})
	return ch
}

// Delivered returns the number of deliveries.
func (m *Memory) Delivered() int {
	m.Lock()
	defer m.Unlock()
	return len(m.events)
}

// Readers returns the number of subscriptions.
func (m *Memory) Readers() int {
	m.Lock()
	defer m.Unlock()
	return len(m.readers)
}

func (m *Memory) id(prefix string) string {
	m.ids++
	return fmt.Sprintf("%s%d", prefix, m.ids)
}

func notFound(what, ref string) error {
	return app.Errorf(provider.NotFound, "list them", "there is no %s %q", what, ref)
}

// Status returns a minimal status.
func (m *Memory) Status(ctx context.Context, _ app.StatusQuery) (app.Status, error) {
	if err := m.begin(ctx, "Status"); err != nil {
		return app.Status{}, err
	}
	defer m.Unlock()
	return app.Status{Version: "memory", Tunnel: m.tunnel, Store: app.StoreStatus{Deliveries: uint64(len(m.events))}}, nil
}

func (m *Memory) room(ref string) int {
	i := slices.IndexFunc(m.rooms, func(r app.Room) bool { return r.ID == ref || r.Name == ref })
	if i < 0 {
		i = slices.IndexFunc(m.rooms, func(r app.Room) bool { return latin.Same(r.Name, ref) })
	}
	return i
}

func (m *Memory) view(r app.Room) app.RoomView {
	v := app.RoomView{Room: r, Would: app.Choice{Account: "memory", Why: "the only one"}}
	if m.Choose != nil {
		v.Would = m.Choose(r)
	}
	if m.PageOf != nil {
		v.PageLink = m.PageOf(r)
	}
	for _, mt := range slices.Backward(m.meetings) {
		if mt.RoomID == r.ID {
			v.Meeting = &mt.Meeting
			break
		}
	}
	for _, b := range m.plans.bookings {
		if b.RoomID == r.ID && (v.Booking == nil || b.Next.Before(v.Booking.Next.Time)) {
			v.Booking = &b
		}
	}
	return v
}

// Rooms lists rooms by name.
func (m *Memory) Rooms(ctx context.Context, q app.RoomQuery) ([]app.RoomView, error) {
	if err := m.begin(ctx, "Rooms"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	var out []app.RoomView
	for _, r := range m.rooms {
		if q.Group != "" && !latin.Same(q.Group, r.Group) {
			continue
		}
		v := m.view(r)
		if i := m.meeting(r.Name); q.People && i >= 0 && v.Meeting != nil && v.Meeting.Status != app.Ended {
			for _, s := range m.meetings[i].Participants {
				if s.LeftAt.IsZero() {
					v.People = append(v.People, s.Name)
				}
			}
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b app.RoomView) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Room finds a room.
func (m *Memory) Room(ctx context.Context, ref app.RoomRef) (app.RoomView, error) {
	if err := m.begin(ctx, "Room"); err != nil {
		return app.RoomView{}, err
	}
	defer m.Unlock()
	i := m.room(ref.Ref)
	if i < 0 {
		return app.RoomView{}, notFound("room", ref.Ref)
	}
	return m.view(m.rooms[i]), nil
}

// CreateRoom makes a room.
func (m *Memory) CreateRoom(ctx context.Context, s app.RoomSpec) (app.Room, error) {
	if err := m.begin(ctx, "CreateRoom"); err != nil {
		return app.Room{}, err
	}
	defer m.Unlock()
	if s.Name == "" {
		return app.Room{}, app.Errorf(provider.Invalid, "", "a room needs a name")
	}
	if m.room(s.Name) >= 0 {
		return app.Room{}, app.Errorf(provider.Conflict, "choose another name", "room %q already exists", s.Name)
	}
	s.Link = cmp.Or(s.Link, app.LinkNew)
	r := app.Room{ID: m.id("r"), RoomSettings: s, CreatedAt: m.now()}
	m.locate(&r)
	m.rooms = append(m.rooms, r)
	m.publish(app.Change{Kind: app.RoomChange, Room: &r})
	return r, nil
}

// locate gives a lasting room its link.
func (m *Memory) locate(r *app.Room) {
	if r.GuestURL = ""; r.Lasting() {
		if r.Place("memory") == nil {
			r.SetPlace(app.Place{Account: "memory", PlatformRoom: r.Name, GuestURL: "https://example.test/" + r.ID, MadeAt: m.now()})
		}
		r.GuestURL = r.Places[0].GuestURL
	}
}

// Undo restores the last deleted item.
func (m *Memory) Undo(ctx context.Context, _ app.UndoRequest) (app.Undone, error) {
	if err := m.begin(ctx, "Undo"); err != nil {
		return app.Undone{}, err
	}
	defer m.Unlock()
	if len(m.undos) == 0 {
		return app.Undone{}, app.Errorf(provider.NotFound, "", "nothing was deleted here in the last minute")
	}
	last := m.undos[len(m.undos)-1]
	m.undos = m.undos[:len(m.undos)-1]
	return last(), nil
}

// EditRoom changes a room.
func (m *Memory) EditRoom(ctx context.Context, p app.RoomPatch) (app.Room, error) {
	if err := m.begin(ctx, "EditRoom"); err != nil {
		return app.Room{}, err
	}
	defer m.Unlock()
	i := m.room(p.Ref)
	if i < 0 {
		return app.Room{}, notFound("room", p.Ref)
	}
	r := &m.rooms[i]
	p.Apply(&r.RoomSettings)
	m.locate(r)
	room := *r
	m.publish(app.Change{Kind: app.RoomChange, Room: &room})
	return room, nil
}

// began is when everything here happens.
var began = time.Unix(1_700_000_000, 123456789)

// DeleteRoom removes a room.
func (m *Memory) DeleteRoom(ctx context.Context, ref app.RoomRef) (app.Room, error) {
	if err := m.begin(ctx, "DeleteRoom"); err != nil {
		return app.Room{}, err
	}
	defer m.Unlock()
	i := m.room(ref.Ref)
	if i < 0 {
		return app.Room{}, notFound("room", ref.Ref)
	}
	r := m.rooms[i]
	m.rooms = slices.Delete(m.rooms, i, i+1)
	m.undos = append(m.undos, func() app.Undone {
		back := r
		for n := 2; m.room(back.Name) >= 0; n++ {
			back.Name = fmt.Sprintf("%s (%d)", r.Name, n)
		}
		m.rooms = append(m.rooms, back)
		m.publish(app.Change{Kind: app.RoomChange, Room: &back})
		return app.Undone{Kind: app.DeletedRoom, ID: back.ID, Name: back.Name, Room: &back}
	})
	m.publish(app.Change{Kind: app.RoomChange, Room: &r, Deleted: true})
	return r, nil
}

func (m *Memory) meeting(ref string) int {
	found := -1
	for i, mt := range m.meetings {
		if mt.ID == ref || mt.PlatformRoom == ref {
			return i
		}
		if mt.Room == ref && (found < 0 || mt.Status != app.Ended || m.meetings[found].Status == app.Ended) {
			found = i
		}
	}
	return found
}

// Meetings lists meetings, newest first.
func (m *Memory) Meetings(ctx context.Context, q app.MeetingQuery) ([]app.Meeting, error) {
	if err := m.begin(ctx, "Meetings"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	zone, err := time.LoadLocation(q.TimeZone)
	if err != nil {
		return nil, app.Errorf(provider.Invalid, "", "there is no time zone %s", q.TimeZone)
	}
	f, err := filter.Parse(q.Filter, filter.Options{Now: m.now().In(zone), Of: filter.Rooms})
	if err != nil {
		return nil, app.Errorf(provider.Invalid, "", "%v", err)
	}
	older := q.Before == ""
	var out []app.Meeting
	for _, mt := range slices.Backward(m.meetings) {
		if older && (q.Room == "" || mt.Room == q.Room) && (q.Status == "" || mt.Status == q.Status) &&
			(!q.Unended || mt.Status != app.Ended) && (q.Limit == 0 || len(out) < q.Limit) && f.MatchItem(filter.MeetingItem(mt.Meeting, names(mt))) {
			out = append(out, mt.Meeting)
		}
		older = older || mt.ID == q.Before
	}
	return out, nil
}

func names(mt app.MeetingDetail) func() []string {
	return func() (out []string) {
		for _, s := range mt.Participants {
			out = append(out, s.Name)
		}
		return out
	}
}

// Meeting finds a meeting.
func (m *Memory) Meeting(ctx context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	if err := m.begin(ctx, "Meeting"); err != nil {
		return app.MeetingDetail{}, err
	}
	defer m.Unlock()
	i := m.meeting(ref.Ref)
	if i < 0 {
		return app.MeetingDetail{}, notFound("meeting", ref.Ref)
	}
	return m.detail(i), nil
}

// detail returns a copy of a meeting.
func (m *Memory) detail(i int) app.MeetingDetail {
	d := m.meetings[i]
	d.Participants = slices.Clone(d.Participants)
	return d
}

// StartMeeting starts a meeting, or returns the open one.
func (m *Memory) StartMeeting(ctx context.Context, r app.StartMeeting) (app.StartedMeeting, error) {
	if err := m.begin(ctx, "StartMeeting"); err != nil {
		return app.StartedMeeting{}, err
	}
	defer m.Unlock()
	i := m.room(r.Room)
	if i < 0 {
		return app.StartedMeeting{}, notFound("room", r.Room)
	}
	room := m.rooms[i]
	const host = "https://example.test/host"
	if j := m.meeting(room.Name); j >= 0 && m.meetings[j].Status != app.Ended && !r.New {
		return app.StartedMeeting{Meeting: m.meetings[j].Meeting, HostURL: host, Reused: true}, nil
	}
	d := app.MeetingDetail{Meeting: app.Meeting{ID: m.id("m"), Room: room.Name, RoomID: room.ID, Account: "memory", Status: app.Open, GuestURL: "https://example.test/guest"}}
	d.PlatformRoom = room.Name + "-" + d.ID
	if m.Opened != nil {
		m.Opened(&d, room, r)
	} else {
		d.Participants = []app.Stay{{Session: "s1", Name: "Zoë 渡辺"}}
	}
	mt := d.Meeting
	m.meetings = append(m.meetings, d)
	m.publish(app.Change{Kind: app.MeetingChange, Meeting: &mt})
	return app.StartedMeeting{Meeting: mt, HostURL: host}, nil
}

// EndMeeting ends a meeting.
func (m *Memory) EndMeeting(ctx context.Context, ref app.MeetingRef) (app.Meeting, error) {
	return m.change(ctx, "EndMeeting", ref.Ref, func(d *app.MeetingDetail) { d.Status = app.Ended })
}

// MeetingLink returns an invented link.
func (m *Memory) MeetingLink(ctx context.Context, r app.LinkRequest) (app.Link, error) {
	if err := m.begin(ctx, "MeetingLink"); err != nil {
		return app.Link{}, err
	}
	defer m.Unlock()
	i := m.meeting(r.Meeting)
	if i < 0 {
		return app.Link{}, notFound("meeting", r.Meeting)
	}
	return app.Link{Meeting: m.meetings[i].ID, URL: "https://example.test/" + r.Meeting, Host: r.Host}, nil
}

// Maintain has no file to work on.
func (m *Memory) Maintain(ctx context.Context, w app.Maintenance) (app.Maintained, error) {
	return app.Maintained{Op: w.Op, Path: w.Path, Findings: []string{}, Notes: []string{}}, nil
}

// Events lists deliveries, newest first.
func (m *Memory) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	if err := m.begin(ctx, "Events"); err != nil {
		return app.EventPage{}, err
	}
	defer m.Unlock()
	f, err := filter.Parse(q.Filter, filter.Options{Now: time.Now()})
	if err != nil {
		return app.EventPage{}, app.Errorf(provider.Invalid, "", "%v", err)
	}
	limit := cmp.Or(q.Limit, 100)
	var rows []app.Delivery
	var page app.EventPage
	forward := q.Forward || q.After > 0 && q.Before == 0
	for i := range m.events {
		d := m.events[i]
		if !forward {
			d = m.events[len(m.events)-1-i]
		}
		if !m.matches(d, q) || !f.MatchDelivery(&d) {
			continue
		}
		if len(rows) >= limit {
			page.More = true
			break
		}
		rows = append(rows, row(d))
	}
	if len(rows) > 0 && page.More {
		page.Next = rows[len(rows)-1].Seq
	}
	if forward {
		slices.Reverse(rows)
	}
	page.Events = rows
	return page, nil
}

func (m *Memory) matches(d app.Delivery, q app.EventQuery) bool {
	return (q.Before == 0 || d.Seq < q.Before) && d.Seq > q.After && (q.Account == "" || d.Account == q.Account) &&
		(len(q.Kinds) == 0 || slices.Contains(q.Kinds, d.Kind)) && (q.Verdict == "" || d.Verdict == q.Verdict) &&
		(q.Meeting == "" || d.Meeting == q.Meeting || d.Room == q.Meeting) &&
		(q.Grep == "" || strings.Contains(strings.ToLower(string(d.Body)), strings.ToLower(q.Grep)))
}

func row(d app.Delivery) app.Delivery {
	d.Headers, d.Body = nil, nil
	return d
}

// Event returns one delivery.
func (m *Memory) Event(ctx context.Context, ref app.EventRef) (app.Delivery, error) {
	if err := m.begin(ctx, "Event"); err != nil {
		return app.Delivery{}, err
	}
	defer m.Unlock()
	if ref.Seq == 0 || ref.Seq > uint64(len(m.events)) {
		return app.Delivery{}, notFound("event", fmt.Sprint(ref.Seq))
	}
	return m.events[ref.Seq-1], nil
}

// Ingest keeps the request.
func (m *Memory) Ingest(ctx context.Context, in app.Inbound) (app.Answer, error) {
	if err := m.begin(ctx, "Ingest"); err != nil {
		return app.Answer{}, err
	}
	defer m.Unlock()
	if m.passed(in.Position) {
		return app.Answer{Status: http.StatusOK, Stored: true}, nil
	}
	if in.Refused != nil && in.Reason == "" {
		a := *in.Refused
		a.Stored = true
		return a, nil
	}
	d := app.Delivery{
		At: app.At(in.ReceivedAt), Account: in.Account, Method: in.Method, Target: in.Target,
		Headers: http.Header(in.Header), Body: in.Body, Size: int64(len(in.Body)), Verdict: provider.Verified, Status: http.StatusOK,
		Kind: provider.KindUnknown,
	}
	if in.Refused != nil {
		d.Verdict, d.Status, d.Reason = provider.Rejected, in.Refused.Status, in.Reason
	}
	d = m.deliver(d)
	return app.Answer{Status: d.Status, Seq: d.Seq, Stored: true}, nil
}

// Deliver stores a delivery as it is, with the next number, and publishes it.
func (m *Memory) Deliver(d app.Delivery) app.Delivery {
	m.Lock()
	defer m.Unlock()
	d.Size = int64(len(d.Body))
	if d.At.IsZero() {
		d.At = m.now()
	}
	return m.deliver(d)
}

func (m *Memory) deliver(d app.Delivery) app.Delivery {
	d.Seq = uint64(len(m.events) + 1)
	m.events = append(m.events, d)
	m.publish(app.Change{Kind: app.DeliveryChange, Delivery: new(row(d))})
	return d
}

// Change applies f to a meeting for a call of a method, and publishes it.
func (m *Memory) Change(ctx context.Context, method, ref string, f func(*app.MeetingDetail)) (app.MeetingDetail, error) {
	if err := m.begin(ctx, method); err != nil {
		return app.MeetingDetail{}, err
	}
	defer m.Unlock()
	i := m.meeting(ref)
	if i < 0 {
		return app.MeetingDetail{}, notFound("meeting", ref)
	}
	f(&m.meetings[i])
	out := m.meetings[i].Meeting
	m.publish(app.Change{Kind: app.MeetingChange, Meeting: &out})
	return m.detail(i), nil
}

// Adopt adds a room with its meeting, for a test of adoptions.
func (m *Memory) Adopt(ctx context.Context, r app.Room, mt app.Meeting) (app.RoomView, error) {
	if err := m.begin(ctx, "AdoptRoom"); err != nil {
		return app.RoomView{}, err
	}
	defer m.Unlock()
	if m.room(r.Name) >= 0 {
		return app.RoomView{}, app.Errorf(provider.Conflict, "choose another name", "there is a room of that name on another account")
	}
	m.rooms = append(m.rooms, r)
	m.meetings = append(m.meetings, app.MeetingDetail{Meeting: mt})
	m.publish(app.Change{Kind: app.RoomChange, Room: &r})
	m.publish(app.Change{Kind: app.MeetingChange, Meeting: &mt})
	return m.view(r), nil
}
