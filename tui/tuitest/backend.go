// Package tuitest is [apptest.Memory] for tests of the screen: accounts of platforms, calls that are counted, fail and take
// time, and people who join when the test says so. By the test's clock the same test always shows the same screen.
package tuitest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/provider"
)

// Backend is the fake. Lock guards its fields once it is used.
type Backend struct {
	*apptest.Memory
	Clock clockwork.Clock
	// Stat is the answer of Status.
	Stat app.Status
	// Found is the answer of PlatformRooms, Diagnoses that of Diagnose, Probed that of ProbeTunnel.
	Found     []app.PlatformRoom
	Diagnoses []app.Diagnosis
	Probed    app.TunnelProbed
	// Slow delays the answers of PlatformRooms and Diagnose; Failing are their errors by account.
	Slow    time.Duration
	Failing map[string]error
	// Expect is the answer of Expected.
	Expect []app.Person
	// Ejected and Registered are the requests of Eject and RegisterWebhook.
	Ejected    []app.Ejection
	Muted      []app.Muting
	Registered []app.WebhookRegistration
	// Fail, if set, is the answer of every call but Subscribe.
	Fail error

	calls   map[string]int
	cancels []context.CancelFunc
	down    bool
	n       int
}

var _ app.Backend = (*Backend)(nil)

// New makes a Backend with two accounts and a listener.
func New(clock clockwork.Clock) *Backend {
	b := &Backend{Memory: apptest.NewMemory(4096), Clock: clock, calls: map[string]int{}}
	b.Now, b.Choose, b.Opened = clock.Now, b.choose, b.opened
	b.Called = func(method string) error {
		b.calls[method]++
		return b.Fail
	}
	b.Stat = app.Status{
		Version: "1.0.0",
		Accounts: []app.AccountStatus{
			{Name: "daily", Platform: provider.Daily, APIURL: "https://api.daily.co/v1", Health: "ok",
				AfterEnd: app.PeopleRemoved, HostParameter: "t"},
			{Name: "whereby", Platform: provider.Whereby, APIURL: "https://api.whereby.dev/v1", Health: "no webhook secret",
				Hint:     "set WHEREBY_WEBHOOK_SECRET to the secret that Whereby shows beside the endpoint",
				AfterEnd: app.PeopleStay, HostParameter: "roomKey"},
		},
		Listener: app.ListenerStatus{URL: "http://127.0.0.1:7070"},
		Tunnel:   app.TunnelStatus{Driver: "none", State: "closed"},
		Store:    app.StoreStatus{Path: "/home/ada/.local/share/greenroom/greenroom.db", Bytes: 1 << 20, Deliveries: 12, Schema: 1, Owner: 1},
	}
	return b
}

// choose selects the account of a room, or whereby.
func (b *Backend) choose(r app.Room) app.Choice {
	if r.Account == "" {
		return app.Choice{Account: "whereby", Platform: provider.Whereby, Why: "no default is set"}
	}
	c := app.Choice{Account: r.Account, Platform: provider.Platform(r.Account), Why: "set on the room"}
	if !slices.ContainsFunc(b.Stat.Accounts, func(a app.AccountStatus) bool { return a.Name == r.Account }) {
		c.Problem = "account " + r.Account + " is not configured: set " + strings.ToUpper(r.Account) + "_API_KEY"
	}
	return c
}

// opened gives a meeting the settings of its room and a link.
func (b *Backend) opened(m *app.MeetingDetail, r app.Room, s app.StartMeeting) {
	c, now := b.choose(r), b.Clock.Now()
	host := "acme.daily.co"
	if c.Platform == provider.Whereby {
		host = "acme.whereby.com"
	}
	length := s.For
	if length == 0 {
		length = app.DefaultLength
	}
	m.Account, m.Platform, m.Chosen = c.Account, c.Platform, c.Why
	m.PlatformRoom = r.Name + "-" + now.UTC().Format("20060102150405")
	m.PlatformID, m.GuestURL = "p-"+m.PlatformRoom, "https://"+host+"/"+m.PlatformRoom
	m.StartsAt, m.EndsAt, m.Recording = app.At(now), app.At(now.Add(length)), app.NotRecording
	m.StatusSource, m.EvidenceAt = app.FromHere, app.At(now)
	m.Locked, m.Size, m.Record, m.Trigger = r.Locked, r.Size, r.Recording, r.Trigger
}

// call counts a call and returns its error.
func (b *Backend) call(method string) error {
	b.Lock()
	defer b.Unlock()
	return b.Called(method)
}

// Status answers Stat.
func (b *Backend) Status(context.Context, app.StatusQuery) (app.Status, error) {
	err := b.call("Status")
	b.Lock()
	defer b.Unlock()
	return b.Stat, err
}

// LimitDownloads notes the limit in Stat.
func (b *Backend) LimitDownloads(_ context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	err := b.call("LimitDownloads")
	b.Lock()
	defer b.Unlock()
	b.Stat.Downloads.Limit = l.BytesPerSecond
	return l, err
}

// EndMeeting ends a meeting and the stays in it.
func (b *Backend) EndMeeting(ctx context.Context, ref app.MeetingRef) (app.Meeting, error) {
	d, err := b.Change(ctx, "EndMeeting", ref.Ref, func(m *app.MeetingDetail) {
		now := app.At(b.Clock.Now())
		for i := range m.Participants {
			if m.Participants[i].LeftAt.IsZero() {
				m.Participants[i].LeftAt, m.Participants[i].Reason = now, "meeting ended"
			}
		}
		m.Status, m.EndedAt, m.EndReason, m.Here, m.Recording = app.Ended, now, "ended here", 0, app.NotRecording
	})
	return d.Meeting, err
}

// MeetingLink answers a link; that of the host has a token.
func (b *Backend) MeetingLink(ctx context.Context, r app.LinkRequest) (app.Link, error) {
	err := b.call("MeetingLink")
	if err != nil {
		return app.Link{}, err
	}
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: r.Meeting})
	url := m.GuestURL
	if r.Host {
		url += "?t=secret-of-the-host"
	}
	return app.Link{Meeting: m.ID, URL: url, Host: r.Host}, err
}

// Subscribe streams the changes, unless the owner of the store has left.
func (b *Backend) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	b.Lock()
	defer b.Unlock()
	b.calls["Subscribe"]++
	if b.down {
		return nil, &app.Error{Kind: provider.Unavailable, Text: "no process has the store"}
	}
	ctx, cancel := context.WithCancel(ctx)
	b.cancels = append(b.cancels, cancel)
	return b.SubscribeLocked(ctx), nil
}

// Leave ends every subscription, as when the owner of the store quits. Return allows new ones.
func (b *Backend) Leave() {
	b.Lock()
	defer b.Unlock()
	b.down = true
	for _, cancel := range b.cancels {
		cancel()
	}
}

// Return ends the effect of Leave.
func (b *Backend) Return() {
	b.Lock()
	defer b.Unlock()
	b.down = false
}

// Count returns how often a method was called; the empty name counts all.
func (b *Backend) Count(method string) (n int) {
	b.Lock()
	defer b.Unlock()
	for name, k := range b.calls {
		if method == "" || name == method {
			n += k
		}
	}
	return n
}

// Ago returns a time before now.
func (b *Backend) Ago(d time.Duration) app.Time { return app.At(b.Clock.Now().Add(-d)) }

// Expected answers Expect.
func (b *Backend) Expected(context.Context, app.MeetingRef) ([]app.Person, error) {
	err := b.call("Expected")
	b.Lock()
	defer b.Unlock()
	return slices.Clone(b.Expect), err
}
