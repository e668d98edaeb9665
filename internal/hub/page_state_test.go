package hub

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// view returns what a guest sees of a room now.
func (b *bench) view(room string) app.PageView {
	b.t.Helper()
	v, err := b.Page(b.t.Context(), app.PageRef{Token: tokenOf(b.t.(*testing.T), b.Hub, room)})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// A page shows for a while that the meeting has ended, unless the next one begins soon.
func TestHowLongAPageShowsAnEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		booked time.Duration // how long after the end the next one begins; 0 for none
		after  time.Duration
		want   app.PageState
	}{
		{"just ended", 0, 0, app.PageEnded},
		{"nearly two hours ago", 0, endedFor - 1, app.PageEnded},
		{"two hours ago", 0, endedFor, app.PageWaiting},
		{"the next in less than half an hour", soonEnough - time.Second, 0, app.PageWaiting},
		{"the next in half an hour", soonEnough, 0, app.PageEnded},
		{"the next some day", 24 * time.Hour, 0, app.PageEnded},
		{"the next in a moment, after a while", 90 * time.Minute, time.Hour + time.Second, app.PageWaiting},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.room("r")
			b.end(b.start("r").ID)
			if c.booked > 0 {
				b.book("r", t0.Add(c.booked).Format(wallLayout), "")
			}
			b.clock.Advance(c.after)
			if v := b.view("r"); v.State != c.want || (c.booked > 0) != !v.StartsAt.IsZero() {
				t.Errorf("%+v", v)
			}
		})
	}
}

// Guests can join an open meeting until its end, and longer while people are in it.
func TestHowLongAPageLeadsToAMeeting(t *testing.T) {
	b := newBench(t)
	m := b.startFor("r", time.Hour)
	b.clock.Advance(time.Hour - 1)
	if v := b.view("r"); v.State != app.PageOpen || v.Meeting != m.ID {
		t.Errorf("before its end: %+v", v)
	}
	b.clock.Advance(1)
	if v := b.view("r"); v.State != app.PageWaiting || v.Meeting != "" {
		t.Errorf("at its end: %+v", v)
	}
	b.event(join(m.PlatformRoom, "ada", t0.Add(time.Hour)))
	if v := b.view("r"); v.State != app.PageOpen || v.Meeting != m.ID {
		t.Errorf("with people in it: %+v", v)
	}
}

// The page names when the next meeting begins: the earliest of all bookings.
func TestAPageNamesTheNextBooking(t *testing.T) {
	b := newBench(t)
	b.room("r")
	if v := b.view("r"); !v.StartsAt.IsZero() {
		t.Errorf("without a booking: %+v", v)
	}
	for _, at := range []string{"2026-11-25T09:00:00", "2026-11-23T09:00:00", "2026-11-24T09:00:00"} {
		b.book("r", at, "")
	}
	if v := b.view("r"); v.StartsAt.Format(time.DateTime) != "2026-11-23 09:00:00" {
		t.Errorf("%v", v.StartsAt)
	}
}

// The page names the first hosts who are in the meeting, and asks for consent where it is recorded, even against the plan.
func TestWhomAndWhatAPageNames(t *testing.T) {
	b := newBench(t)
	b.room("r")
	m := b.start("r")
	host := func(name string, role provider.Role, left bool) {
		e := join(m.PlatformRoom, "s-"+name, t0)
		e.Participant.Name, e.Participant.Role = name, role
		b.event(e)
		if left {
			b.event(leave(m.PlatformRoom, "s-"+name, t0, t0.Add(time.Second)))
		}
	}
	host("Guest", provider.RoleGuest, false)
	host("Gone", provider.RoleHost, true)
	if v := b.view("r"); v.By != "" || v.Recorded || v.Ask {
		t.Errorf("without a host: %+v", v)
	}
	for _, name := range []string{"Dan", "Ada", "Bo", "Cy", "Ada"} {
		host(name, provider.RoleHost, false)
	}
	host("", provider.RoleHost, false)
	if v := b.view("r"); v.By != "Ada, Bo, Cy" {
		t.Errorf("invited by %q", v.By)
	}
	b.event(provider.Event{
		Kind: provider.KindRecordingStarted, ID: "rec", At: b.clock.Now(), Room: m.PlatformRoom,
		Recording: &provider.RecordingEvent{ID: "rec", StartedAt: b.clock.Now()},
	})
	if v := b.view("r"); !v.Recorded || !v.Ask {
		t.Errorf("while it is recorded: %+v", v)
	}
	b.Hub.opt.HostName = "Zoë"
	if v := b.view("r"); v.By != "Zoë" {
		t.Errorf("invited by %q", v.By)
	}
}

// What components load is listed once for all accounts; an account that can't be used contributes nothing.
func TestTheSourcesOfAPage(t *testing.T) {
	b := newBench(t)
	b.close()
	b.accounts[0].Provider = pageless{platform: b.platform}
	b.accounts = append(b.accounts,
		Account{Account: provider.Account{Name: "two", Platform: provider.Daily}, Provider: pageless{platform: b.platform}},
		Account{Account: provider.Account{Name: "plain", Platform: provider.Whereby}, Provider: &platform{name: provider.Whereby}})
	b.open()
	frames, connects := b.pageSources()
	if len(frames) != 0 || !slices.Equal(connects, []string{"wss://x.example"}) {
		t.Errorf("%q, %q", frames, connects)
	}
	for _, name := range []string{"plain", "none"} {
		if e := b.embedder(name); e != nil {
			t.Errorf("%s: %v", name, e)
		}
	}
	b.Hub.accounts["two"].Unusable = &app.Error{Text: "no key"}
	if e := b.embedder("two"); e != nil {
		t.Errorf("an unusable account: %v", e)
	}
}

// The address of a listener that is bound to all addresses is shown as this machine's.
func TestTheAddressOnThisMachine(t *testing.T) {
	for in, want := range map[string]string{
		"http://[::]:7099": "http://127.0.0.1:7099", "http://0.0.0.0:7099/": "http://127.0.0.1:7099", "http://:7099": "http://127.0.0.1:7099",
		"http://127.0.0.2:7099": "http://127.0.0.2:7099", "http://host.example:7099/": "http://host.example:7099", "http://%": "http://%",
	} {
		if got := onThisMachine(in); got != want {
			t.Errorf("%s is %s, not %s", in, got, want)
		}
	}
}

// A host's link is one: a platform that hands out none, or fails, is named.
func TestAHostsLinkIsNeverEmpty(t *testing.T) {
	b := newBench(t)
	b.close()
	l := &linker{platform: b.platform}
	b.accounts[0].Provider = l
	b.open()
	b.room("r")
	m := b.start("r")
	link := func() (app.Link, error) {
		return b.MeetingLink(t.Context(), app.LinkRequest{Meeting: m.ID, Host: true})
	}
	l.links.Host = "https://x.example/host"
	if got, err := link(); err != nil || got.URL != l.links.Host || !got.Host || got.Meeting != m.ID {
		t.Errorf("%+v, %v", got, err)
	}
	l.links.Host = ""
	if got, err := link(); !errors.Is(err, provider.Unsupported) || got.URL != "" {
		t.Errorf("without one: %+v, %v", got, err)
	}
	l.fail = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily}
	if got, err := link(); !errors.Is(err, provider.Unavailable) {
		t.Errorf("while the platform is away: %+v, %v", got, err)
	}
}

// linker is a platform whose links the test sets.
type linker struct {
	*platform
	links provider.Links
}

func (l *linker) Links(context.Context, provider.LinkRequest) (provider.Links, error) {
	return l.links, l.fail
}

// A guest who comes back in the same session is the same guest, though another one has their name.
func TestAGuestWhoComesBackIsTheSame(t *testing.T) {
	at := func(s int) app.Time { return app.At(t0.Add(time.Duration(s) * time.Second)) }
	guests := []app.Guest{{ID: "g-1", Name: "Ada", Consent: "yes", CameAt: at(1)}, {ID: "g-2", Name: "Ada", CameAt: at(2)}, {ID: "g-3", Name: "Bo", CameAt: at(3)}}
	stays := []app.Stay{
		{Session: "s1", Name: "Ada", JoinedAt: at(10), LeftAt: at(20)}, {Session: "s1", Name: "Ada", JoinedAt: at(30)},
		{Session: "w1", Name: "Bo", WaitingSince: at(5)},
	}
	recogniseGuests(stays, guests)
	first, second := stays[0].Consent, stays[1].Consent
	if first != second || guests[0].Session != "" && guests[1].Session != "" || guests[0].Session+guests[1].Session != "s1" || guests[2].Session != "w1" {
		t.Errorf("%q, %q; %+v", first, second, guests)
	}
}

// A guest whom a host removed stays out for as long as it says, to the moment.
func TestHowLongARemovedGuestStaysOut(t *testing.T) {
	b := newBench(t)
	b.room("r")
	m := b.start("r")
	g := app.Guest{ID: "g-1", Name: "Mal", CameAt: app.At(t0)}
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		stay := roster.Stay{Stay: app.Stay{Session: "s", Name: "Mal", UserID: "g-1", JoinedAt: app.At(t0), LeftAt: app.At(t0.Add(time.Minute)), Reason: "removed"}}
		if err := errors.Join(tx.PutStay(m.ID, stay), tx.PutGuest(m.ID, g)); err != nil {
			return err
		}
		for after, out := range map[time.Duration]bool{0: true, ejectedFor - 1: true, ejectedFor: false} {
			if err := notEjected(tx, m.ID, g, t0.Add(time.Minute+after)); errors.Is(err, provider.Forbidden) != out {
				t.Errorf("%s after it: %v", after, err)
			}
		}
		if err := notEjected(tx, m.ID, app.Guest{ID: "g-2", Name: "Mal"}, t0.Add(time.Minute)); err != nil {
			t.Errorf("another guest: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
