// Package apptest is what tests of everything around [app.Backend] share: [Memory], a small Backend that keeps its
// promises without a disk or a platform, and [Run], the suite that every Backend passes, in-process and over a socket.
package apptest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Memory is a Backend in memory, for tests. It verifies no signatures and calls no platform; what it has in common with
// the real one is the contract: kinds of errors, order of lists, the stream. The zero value is not useful: see
// [NewMemory].
type Memory struct {
	mu       sync.Mutex
	rooms    []app.Room
	meetings []app.Meeting
	events   []app.Delivery
	// recordings in the order in which they were put.
	recordings []app.Recording
	ids        int
	readers    map[chan app.Change]*reader
	// Buffer is how many changes wait for one reader before it gets Missed.
	buffer    int
	forwards  []app.Forward
	positions map[string]app.Position
	tunnel    app.TunnelStatus
}

type reader struct{ missed bool }

// NewMemory makes an empty Backend whose readers have room for the given number of changes.
func NewMemory(buffer int) *Memory {
	return &Memory{readers: make(map[chan app.Change]*reader), buffer: buffer}
}

var _ app.Backend = (*Memory)(nil)

// Publish hands a change to every reader without waiting for any.
func (m *Memory) Publish(c app.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.publish(c)
}

func (m *Memory) publish(c app.Change) {
	for ch, r := range m.readers {
		// The last place is kept for Missed, so that telling never has to wait.
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

// Subscribe implements [app.Backend], as do the methods below.
func (m *Memory) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ch := make(chan app.Change, m.buffer+1)
	m.mu.Lock()
	m.readers[ch] = &reader{}
	m.mu.Unlock()
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.readers, ch)
		close(ch)
	})
	return ch, nil
}

// Readers says how many subscriptions stand.
func (m *Memory) Readers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.readers)
}

func (m *Memory) id(prefix string) string {
	m.ids++
	return fmt.Sprintf("%s%d", prefix, m.ids)
}

func notFound(what, ref string) error {
	return &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("there is no %s %q", what, ref), Hint: "list them"}
}

// Status tells little.
func (m *Memory) Status(ctx context.Context, _ app.StatusQuery) (app.Status, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return app.Status{Version: "memory", Tunnel: m.tunnel, Store: app.StoreStatus{Deliveries: uint64(len(m.events))}}, ctx.Err()
}

func (m *Memory) room(ref string) int {
	return slices.IndexFunc(m.rooms, func(r app.Room) bool { return r.ID == ref || r.Name == ref })
}

func (m *Memory) view(r app.Room) app.RoomView {
	v := app.RoomView{Room: r, Would: app.Choice{Account: "memory", Why: "the only one"}}
	for _, mt := range slices.Backward(m.meetings) {
		if mt.RoomID == r.ID {
			v.Meeting = &mt
			break
		}
	}
	return v
}

// Rooms lists rooms by name.
func (m *Memory) Rooms(ctx context.Context, _ app.RoomQuery) ([]app.RoomView, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []app.RoomView
	for _, r := range m.rooms {
		out = append(out, m.view(r))
	}
	slices.SortFunc(out, func(a, b app.RoomView) int { return strings.Compare(a.Name, b.Name) })
	return out, ctx.Err()
}

// Room finds a room.
func (m *Memory) Room(_ context.Context, ref app.RoomRef) (app.RoomView, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.room(ref.Ref)
	if i < 0 {
		return app.RoomView{}, notFound("room", ref.Ref)
	}
	return m.view(m.rooms[i]), nil
}

// CreateRoom makes a room.
func (m *Memory) CreateRoom(_ context.Context, s app.RoomSpec) (app.Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.Name == "" {
		return app.Room{}, &app.Error{Kind: provider.Invalid, Text: "a room needs a name"}
	}
	if m.room(s.Name) >= 0 {
		return app.Room{}, &app.Error{Kind: provider.Conflict, Text: fmt.Sprintf("room %q exists", s.Name), Hint: "choose another name"}
	}
	r := app.Room{ID: m.id("r"), RoomSettings: s, CreatedAt: app.At(began)}
	m.rooms = append(m.rooms, r)
	m.publish(app.Change{Kind: app.RoomChange, Room: &r})
	return r, nil
}

// EditRoom changes a room.
func (m *Memory) EditRoom(_ context.Context, p app.RoomPatch) (app.Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.room(p.Ref)
	if i < 0 {
		return app.Room{}, notFound("room", p.Ref)
	}
	r := &m.rooms[i]
	p.Apply(&r.RoomSettings)
	room := *r
	m.publish(app.Change{Kind: app.RoomChange, Room: &room})
	return room, nil
}

// began is when everything here happens.
var began = time.Unix(1_700_000_000, 123456789)

// DeleteRoom removes a room.
func (m *Memory) DeleteRoom(_ context.Context, ref app.RoomRef) (app.Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.room(ref.Ref)
	if i < 0 {
		return app.Room{}, notFound("room", ref.Ref)
	}
	r := m.rooms[i]
	m.rooms = slices.Delete(m.rooms, i, i+1)
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
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []app.Meeting
	for _, mt := range slices.Backward(m.meetings) {
		if (q.Room == "" || mt.Room == q.Room) && (q.Status == "" || mt.Status == q.Status) &&
			(!q.Unended || mt.Status != app.Ended) && (q.Limit == 0 || len(out) < q.Limit) {
			out = append(out, mt)
		}
	}
	return out, ctx.Err()
}

// Meeting finds a meeting.
func (m *Memory) Meeting(_ context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.meeting(ref.Ref)
	if i < 0 {
		return app.MeetingDetail{}, notFound("meeting", ref.Ref)
	}
	return app.MeetingDetail{Meeting: m.meetings[i], Participants: []app.Stay{{Session: "s1", Name: "Zoë 渡辺"}}}, nil
}

// StartMeeting starts a meeting, or gives the one that is open.
func (m *Memory) StartMeeting(_ context.Context, r app.StartMeeting) (app.StartedMeeting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.room(r.Room)
	if i < 0 {
		return app.StartedMeeting{}, notFound("room", r.Room)
	}
	room := m.rooms[i]
	const host = "https://example.test/host"
	if j := m.meeting(room.Name); j >= 0 && m.meetings[j].Status != app.Ended && !r.New {
		return app.StartedMeeting{Meeting: m.meetings[j], HostURL: host, Reused: true}, nil
	}
	mt := app.Meeting{ID: m.id("m"), Room: room.Name, RoomID: room.ID, Account: "memory", Status: app.Open, GuestURL: "https://example.test/guest"}
	mt.PlatformRoom = room.Name + "-" + mt.ID
	m.meetings = append(m.meetings, mt)
	m.publish(app.Change{Kind: app.MeetingChange, Meeting: &mt})
	return app.StartedMeeting{Meeting: mt, HostURL: host}, nil
}

// EndMeeting ends a meeting.
func (m *Memory) EndMeeting(_ context.Context, ref app.MeetingRef) (app.Meeting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.meeting(ref.Ref)
	if i < 0 {
		return app.Meeting{}, notFound("meeting", ref.Ref)
	}
	m.meetings[i].Status = app.Ended
	mt := m.meetings[i]
	m.publish(app.Change{Kind: app.MeetingChange, Meeting: &mt})
	return mt, nil
}

// MeetingLink gives an invented link.
func (m *Memory) MeetingLink(_ context.Context, r app.LinkRequest) (app.Link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.meeting(r.Meeting)
	if i < 0 {
		return app.Link{}, notFound("meeting", r.Meeting)
	}
	return app.Link{Meeting: m.meetings[i].ID, URL: "https://example.test/" + r.Meeting, Host: r.Host}, nil
}

// Maintain has no file to work on.
func (m *Memory) Maintain(ctx context.Context, w app.Maintenance) (app.Maintained, error) {
	return app.Maintained{Op: w.Op, Path: w.Path, Findings: []string{}}, ctx.Err()
}

// Events lists deliveries, newest first.
func (m *Memory) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	var page app.EventPage
	for _, d := range slices.Backward(m.events) {
		if q.Before != 0 && d.Seq >= q.Before || d.Seq <= q.After || q.Account != "" && d.Account != q.Account {
			continue
		}
		if len(page.Events) == limit {
			page.More, page.Next = true, page.Events[limit-1].Seq
			break
		}
		page.Events = append(page.Events, row(d))
	}
	return page, ctx.Err()
}

func row(d app.Delivery) app.Delivery {
	d.Headers, d.Body = nil, nil
	return d
}

// Event gives one delivery.
func (m *Memory) Event(_ context.Context, ref app.EventRef) (app.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ref.Seq == 0 || ref.Seq > uint64(len(m.events)) {
		return app.Delivery{}, notFound("event", fmt.Sprint(ref.Seq))
	}
	return m.events[ref.Seq-1], nil
}

// Ingest keeps the request.
func (m *Memory) Ingest(_ context.Context, in app.Inbound) (app.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.passed(in.Position) {
		return app.Answer{Status: http.StatusOK, Stored: true}, nil
	}
	if in.Refused != nil && in.Reason == "" {
		a := *in.Refused
		a.Stored = true
		return a, nil
	}
	d := app.Delivery{
		Seq: uint64(len(m.events) + 1), At: app.At(in.ReceivedAt), Account: in.Account, Method: in.Method, Target: in.Target,
		Headers: http.Header(in.Header), Body: in.Body, Size: int64(len(in.Body)), Verdict: provider.Verified, Status: http.StatusOK,
		Kind: provider.KindUnknown,
	}
	if in.Refused != nil {
		d.Verdict, d.Status, d.Reason = provider.Rejected, in.Refused.Status, in.Reason
	}
	m.events = append(m.events, d)
	change := row(d)
	m.publish(app.Change{Kind: app.DeliveryChange, Delivery: &change})
	return app.Answer{Status: d.Status, Seq: d.Seq, Stored: true}, nil
}
