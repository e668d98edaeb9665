// Package tuitest is an [app.Backend] in memory for tests of the screen. It is driven by the test: people join, webhooks
// arrive and owners leave when the test says so, by the clock that it was given, and the same test always gives the same
// screen.
package tuitest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Backend is the fake. Its exported fields may be set before it is used; afterwards Lock guards them.
type Backend struct {
	sync.Mutex
	Clock clockwork.Clock
	// Stat is what Status answers.
	Stat app.Status
	// Recs is what Recordings answers. Asked are the downloads that were asked for.
	Recs  []app.Recording
	Asked []app.DownloadRequest
	// Found is what PlatformRooms answers, Diagnoses what Diagnose does.
	Found     []app.PlatformRoom
	Diagnoses []app.Diagnosis
	// Slow is how long the platforms take to answer PlatformRooms and Diagnose; Failing is what those of an account fail with.
	Slow    time.Duration
	Failing map[string]error
	// Ejected is what Eject was asked for.
	Ejected []app.Ejection
	// Probed is what ProbeTunnel answers, Registered what RegisterWebhook was asked for.
	Probed     app.TunnelProbed
	Registered []app.WebhookRegistration
	// Fail, when set, is what every call but Subscribe answers.
	Fail error
	// Calls counts calls by method.
	Calls map[string]int

	rooms      []app.Room
	meetings   []app.MeetingDetail // oldest first
	deliveries []app.Delivery      // by seq
	subs       map[chan app.Change]context.CancelFunc
	down       bool
	n          int
}

var _ app.Backend = (*Backend)(nil)

// New makes a backend with two accounts and a listener.
func New(clock clockwork.Clock) *Backend {
	b := &Backend{Clock: clock, Calls: map[string]int{}, subs: map[chan app.Change]context.CancelFunc{}}
	b.Stat = app.Status{
		Version: "1.0.0",
		Accounts: []app.AccountStatus{
			{Name: "daily", Platform: provider.Daily, APIURL: "https://api.daily.co/v1", Health: "ok",
				AfterEnd: app.RoomKept, HostParameter: "t"},
			{Name: "whereby", Platform: provider.Whereby, APIURL: "https://api.whereby.dev/v1", Health: "no webhook secret",
				Hint:     "set WHEREBY_WEBHOOK_SECRET to the secret that Whereby shows beside the endpoint",
				AfterEnd: app.RoomRemoved, HostParameter: "roomKey"},
		},
		Listener: app.ListenerStatus{URL: "http://127.0.0.1:7070"},
		Tunnel:   app.TunnelStatus{Driver: "none", State: "closed"},
		Store:    app.StoreStatus{Path: "/home/ada/.local/share/greenroom/greenroom.db", Bytes: 1 << 20, Deliveries: 12, Schema: 1, Owner: 1},
	}
	return b
}

func (b *Backend) enter(method string) error {
	b.Calls[method]++
	return b.Fail
}

// Status answers Stat.
func (b *Backend) Status(context.Context, app.StatusQuery) (app.Status, error) {
	b.Lock()
	defer b.Unlock()
	return b.Stat, b.enter("Status")
}

// Rooms answers every room with its meeting.
func (b *Backend) Rooms(context.Context, app.RoomQuery) ([]app.RoomView, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("Rooms"); err != nil {
		return nil, err
	}
	out := make([]app.RoomView, 0, len(b.rooms))
	for _, r := range b.rooms {
		out = append(out, b.view(r))
	}
	return out, nil
}

func (b *Backend) view(r app.Room) app.RoomView {
	v := app.RoomView{Room: r, Would: app.Choice{Account: r.Account, Platform: provider.Platform(r.Account), Why: "the room is pinned to it"}}
	if r.Account == "" {
		v.Would = app.Choice{Account: "whereby", Platform: provider.Whereby, Why: "no default is set"}
	}
	if r.Account != "" && !slices.ContainsFunc(b.Stat.Accounts, func(a app.AccountStatus) bool { return a.Name == r.Account }) {
		v.Would.Problem = "account " + r.Account + " is not configured: set " + strings.ToUpper(r.Account) + "_API_KEY"
	}
	for i := range b.meetings {
		if b.meetings[i].RoomID == r.ID {
			m := b.meetings[i].Meeting
			v.Meeting = &m
		}
	}
	return v
}

// Room finds one by id or name.
func (b *Backend) Room(_ context.Context, ref app.RoomRef) (app.RoomView, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("Room"); err != nil {
		return app.RoomView{}, err
	}
	i := b.room(ref.Ref)
	if i < 0 {
		return app.RoomView{}, notFound("room", ref.Ref)
	}
	return b.view(b.rooms[i]), nil
}

func (b *Backend) room(ref string) int {
	return slices.IndexFunc(b.rooms, func(r app.Room) bool { return r.ID == ref || r.Name == ref })
}

func notFound(what, ref string) error {
	return &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("there is no %s %q", what, ref)}
}

// CreateRoom makes a room; a name that is taken is a conflict.
func (b *Backend) CreateRoom(_ context.Context, s app.RoomSpec) (app.Room, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("CreateRoom"); err != nil {
		return app.Room{}, err
	}
	if b.room(s.Name) >= 0 {
		return app.Room{}, &app.Error{Kind: provider.Conflict, Text: "there is a room of that name", Hint: "choose another name"}
	}
	b.n++
	r := app.Room{ID: fmt.Sprintf("room-%d", b.n), RoomSettings: s, CreatedAt: app.At(b.Clock.Now())}
	b.rooms = append(b.rooms, r)
	b.publish(app.Change{Kind: app.RoomChange, Room: &r})
	return r, nil
}

// EditRoom changes what is set.
func (b *Backend) EditRoom(_ context.Context, p app.RoomPatch) (app.Room, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("EditRoom"); err != nil {
		return app.Room{}, err
	}
	i := b.room(p.Ref)
	if i < 0 {
		return app.Room{}, notFound("room", p.Ref)
	}
	r := &b.rooms[i]
	p.Apply(&r.RoomSettings)
	out := *r
	b.publish(app.Change{Kind: app.RoomChange, Room: &out})
	return out, nil
}

// DeleteRoom takes a room away.
func (b *Backend) DeleteRoom(_ context.Context, ref app.RoomRef) (app.Room, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("DeleteRoom"); err != nil {
		return app.Room{}, err
	}
	i := b.room(ref.Ref)
	if i < 0 {
		return app.Room{}, notFound("room", ref.Ref)
	}
	r := b.rooms[i]
	b.rooms = slices.Delete(b.rooms, i, i+1)
	b.publish(app.Change{Kind: app.RoomChange, Room: &r, Deleted: true})
	return r, nil
}

// Meetings answers all of them, newest first.
func (b *Backend) Meetings(context.Context, app.MeetingQuery) ([]app.Meeting, error) {
	b.Lock()
	defer b.Unlock()
	var out []app.Meeting
	for i := len(b.meetings) - 1; i >= 0; i-- {
		out = append(out, b.meetings[i].Meeting)
	}
	return out, b.enter("Meetings")
}

func (b *Backend) meeting(ref string) *app.MeetingDetail {
	for i := len(b.meetings) - 1; i >= 0; i-- {
		if m := &b.meetings[i]; m.ID == ref || m.Room == ref || m.RoomID == ref {
			return m
		}
	}
	return nil
}

// Meeting answers one with its stays.
func (b *Backend) Meeting(_ context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("Meeting"); err != nil {
		return app.MeetingDetail{}, err
	}
	m := b.meeting(ref.Ref)
	if m == nil {
		return app.MeetingDetail{}, notFound("meeting", ref.Ref)
	}
	out := *m
	out.Participants = slices.Clone(m.Participants)
	return out, nil
}

// StartMeeting opens a meeting.
func (b *Backend) StartMeeting(_ context.Context, s app.StartMeeting) (app.StartedMeeting, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("StartMeeting"); err != nil {
		return app.StartedMeeting{}, err
	}
	i := b.room(s.Room)
	if i < 0 {
		return app.StartedMeeting{}, notFound("room", s.Room)
	}
	v := b.view(b.rooms[i])
	length := s.For
	if length == 0 {
		length = app.DefaultLength
	}
	now := b.Clock.Now()
	b.n++
	name := v.Name + "-" + now.UTC().Format("20060102150405")
	host := map[provider.Platform]string{provider.Whereby: "acme.whereby.com"}[v.Would.Platform]
	if host == "" {
		host = "acme.daily.co"
	}
	m := app.Meeting{
		ID: fmt.Sprintf("meeting-%d", b.n), Room: v.Name, RoomID: v.ID, Account: v.Would.Account, Platform: v.Would.Platform,
		PlatformID: "p-" + name, PlatformRoom: name, GuestURL: "https://" + host + "/" + name, Status: app.Open,
		StartsAt: app.At(now), EndsAt: app.At(now.Add(length)), Recording: app.NotRecording, StatusSource: app.FromHere,
		EvidenceAt: app.At(now), Locked: v.Locked, Size: v.Size, Record: v.Recording, Trigger: v.Trigger, Chosen: v.Would.Why,
	}
	b.meetings = append(b.meetings, app.MeetingDetail{Meeting: m})
	b.publish(app.Change{Kind: app.MeetingChange, Meeting: &m})
	return app.StartedMeeting{Meeting: m, HostURL: m.GuestURL + "?t=secret-of-the-host"}, nil
}

// EndMeeting ends one.
func (b *Backend) EndMeeting(_ context.Context, ref app.MeetingRef) (app.Meeting, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("EndMeeting"); err != nil {
		return app.Meeting{}, err
	}
	m := b.meeting(ref.Ref)
	if m == nil {
		return app.Meeting{}, notFound("meeting", ref.Ref)
	}
	now := app.At(b.Clock.Now())
	for i := range m.Participants {
		if m.Participants[i].LeftAt.IsZero() {
			m.Participants[i].LeftAt, m.Participants[i].Reason = now, "meeting ended"
		}
	}
	m.Status, m.EndedAt, m.EndReason, m.Here, m.Recording = app.Ended, now, "ended here", 0, app.NotRecording
	out := m.Meeting
	b.publish(app.Change{Kind: app.MeetingChange, Meeting: &out})
	return out, nil
}

// MeetingLink gives a link; the host's has a token.
func (b *Backend) MeetingLink(_ context.Context, r app.LinkRequest) (app.Link, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("MeetingLink"); err != nil {
		return app.Link{}, err
	}
	m := b.meeting(r.Meeting)
	if m == nil {
		return app.Link{}, notFound("meeting", r.Meeting)
	}
	url := m.GuestURL
	if r.Host {
		url += "?t=secret-of-the-host"
	}
	return app.Link{Meeting: m.ID, URL: url, Host: r.Host}, nil
}

// Maintain does nothing: screens don't ask for it.
func (b *Backend) Maintain(_ context.Context, m app.Maintenance) (app.Maintained, error) {
	return app.Maintained{Op: m.Op}, nil
}

// Ingest is not what a screen calls.
func (b *Backend) Ingest(context.Context, app.Inbound) (app.Answer, error) {
	return app.Answer{}, &app.Error{Kind: provider.Unsupported, Text: "the fake takes no deliveries"}
}

// Subscribe streams what the test lets happen.
func (b *Backend) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	b.Lock()
	defer b.Unlock()
	b.Calls["Subscribe"]++
	if b.down {
		return nil, &app.Error{Kind: provider.Unavailable, Text: "nobody has the store"}
	}
	ctx, cancel := context.WithCancel(ctx)
	ch := make(chan app.Change, 4096)
	b.subs[ch] = cancel
	context.AfterFunc(ctx, func() {
		b.Lock()
		defer b.Unlock()
		if _, ok := b.subs[ch]; ok {
			delete(b.subs, ch)
			close(ch)
		}
	})
	return ch, nil
}

// publish tells every subscriber; one that is too slow is told that it missed something.
func (b *Backend) publish(c app.Change) {
	for ch := range b.subs {
		select {
		case ch <- c:
		default:
			for len(ch) > 0 {
				<-ch
			}
			ch <- app.Change{Kind: app.Missed}
		}
	}
}

// Publish tells every subscriber.
func (b *Backend) Publish(c app.Change) {
	b.Lock()
	defer b.Unlock()
	b.publish(c)
}

// Leave ends every subscription, as an owner of the store does that quits; Return lets new ones in again.
func (b *Backend) Leave() {
	b.Lock()
	defer b.Unlock()
	b.down = true
	for _, cancel := range b.subs {
		cancel()
	}
}

// Return ends what Leave began.
func (b *Backend) Return() {
	b.Lock()
	defer b.Unlock()
	b.down = false
}

// Count is how often a method was called, of all methods with the empty name.
func (b *Backend) Count(method string) (n int) {
	b.Lock()
	defer b.Unlock()
	for name, k := range b.Calls {
		if method == "" || name == method {
			n += k
		}
	}
	return n
}

// Subscribers counts the subscriptions that stand.
func (b *Backend) Subscribers() int {
	b.Lock()
	defer b.Unlock()
	return len(b.subs)
}

// Ago is a moment before now.
func (b *Backend) Ago(d time.Duration) app.Time { return app.At(b.Clock.Now().Add(-d)) }
