package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
	"greenroom/store"
)

// tokenOf returns the token in the address of a room's page.
func tokenOf(t *testing.T, h *Hub, room string) string {
	t.Helper()
	v, err := h.Room(t.Context(), app.RoomRef{Ref: room})
	if err != nil || v.PageURL == "" {
		t.Fatalf("%+v, %v", v.PageLink, err)
	}
	return v.PageURL[strings.LastIndex(v.PageURL, "-")+1:]
}

// visit returns the secret of a browser.
func visit(n string) string { return "visit-visit-visit-visit-" + n }

// enter enters as a guest with an answer.
func enter(t *testing.T, h *Hub, token, who, name, consent string) (app.PageEntered, error) {
	t.Helper()
	return h.EnterPage(t.Context(), app.PageEntry{Token: token, Visit: visit(who), Name: name, Consent: consent})
}

// leads reports whether an entry has anything that leads to the meeting.
func leads(e app.PageEntered) bool { return e.URL != "" || e.Access != "" || e.Component != "" }

func TestAPagesAddress(t *testing.T) {
	b := newBench(t)
	b.room("Stand up ☕")
	of := func(c app.PageChange) app.PageLink {
		t.Helper()
		c.Room = "stand up ☕"
		l, err := b.EditPage(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := of(app.PageChange{})
	token := l.PageURL[strings.LastIndex(l.PageURL, "-")+1:]
	if !strings.HasPrefix(l.PageURL, "http://127.0.0.1:7070/r/Stand-up-") || len(token) != 26 || l.PageReach != app.PageLocal {
		t.Fatalf("%+v", l)
	}
	b.SetListener(func() app.ListenerStatus { return app.ListenerStatus{URL: "http://[::]:7099"} })
	if l := of(app.PageChange{}); l.PageURL != "http://127.0.0.1:7099/r/Stand-up-"+token {
		t.Errorf("with a listener: %+v", l)
	}
	for _, c := range []struct {
		status app.TunnelStatus
		want   app.PageReach
	}{
		{app.TunnelStatus{Driver: "relay", State: "live", URL: "https://gr.example/h/x", StoreAndForward: true}, app.PageLocal},
		{app.TunnelStatus{Driver: "ssh", State: "degraded", URL: "https://gr.example"}, app.PageLocal},
		{app.TunnelStatus{Driver: "ssh", State: "live", URL: "https://gr.example/"}, app.PagePublic},
	} {
		if _, err := b.ReportTunnel(t.Context(), app.TunnelReport{Source: "x", Status: c.status, Lease: time.Minute}); err != nil {
			t.Fatal(err)
		}
		l := of(app.PageChange{})
		if l.PageReach != c.want || c.want == app.PagePublic && (l.PageURL != "https://gr.example/r/Stand-up-"+token || l.PageTunnel != "ssh") {
			t.Errorf("%+v: %+v", c.status, l)
		}
	}
	if l := of(app.PageChange{Off: true}); l.PageReach != app.PageOff || l.PageURL != "" {
		t.Errorf("off: %+v", l)
	}
	if _, err := b.Page(t.Context(), app.PageRef{Token: token}); !errors.Is(err, provider.NotFound) {
		t.Errorf("a page that is off: %v", err)
	}
	if l := of(app.PageChange{On: true}); !strings.HasSuffix(l.PageURL, token) {
		t.Errorf("on again: %+v", l)
	}
	if l := of(app.PageChange{Rotate: true}); strings.HasSuffix(l.PageURL, token) {
		t.Errorf("rotated: %+v", l)
	}
	if _, err := b.Page(t.Context(), app.PageRef{Token: token}); !errors.Is(err, provider.NotFound) {
		t.Errorf("the former address: %v", err)
	}
	if _, err := b.EditPage(t.Context(), app.PageChange{Room: "stand up ☕", On: true, Off: true}); !errors.Is(err, provider.Invalid) {
		t.Errorf("on and off: %v", err)
	}
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "stand up ☕"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Page(t.Context(), app.PageRef{Token: tokenLike}); !errors.Is(err, provider.NotFound) {
		t.Errorf("a deleted room: %v", err)
	}
}

const tokenLike = "aaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestNothingLeadsToAMeetingBeforeConsent(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	for _, platform := range []string{"daily", "whereby"} {
		if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "r-" + platform, Account: platform, Recording: provider.RecordingCloud}); err != nil {
			t.Fatal(err)
		}
		token := tokenOf(t, s.Hub, "r-"+platform)
		v, err := s.Page(t.Context(), app.PageRef{Token: token})
		if err != nil || v.State != app.PageWaiting || !v.Recorded || !v.Ask {
			t.Fatalf("%+v, %v", v, err)
		}
		// Before the start: one agrees, one declines, one only looks.
		for who, consent := range map[string]string{"ada": "yes", "eve": "no"} {
			if e, err := enter(t, s.Hub, token, who, who, consent); err != nil || leads(e) || e.State != app.PageWaiting {
				t.Errorf("%+v, %v", e, err)
			}
		}
		m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "r-" + platform})
		if err != nil {
			t.Fatal(err)
		}
		if v, err = s.Page(t.Context(), app.PageRef{Token: token}); err != nil || v.State != app.PageOpen || v.Meeting != m.ID {
			t.Errorf("%+v, %v", v, err)
		}
		for _, text := range append(v.Frames, v.Connects...) {
			if strings.Contains(text, m.PlatformRoom) {
				t.Errorf("a source names the room: %s", text)
			}
		}
		for who, c := range map[string]struct {
			consent string
			in      bool
		}{"ada": {"", true}, "bob": {"", false}, "bob2": {"yes", true}, "eve": {"", false}, "eve2": {"no", false}} {
			e, err := enter(t, s.Hub, token, who, who, c.consent)
			if err != nil || leads(e) != c.in {
				t.Errorf("%s: %+v, %v", who, e, err)
			}
			if c.in && (e.Component != platform || !strings.HasPrefix(e.URL, m.GuestURL) || (e.Access != "") != (platform == "daily") ||
				strings.Contains(e.URL, "roomKey")) {
				t.Errorf("%s: %q %q %q", who, e.Component, e.URL, e.Access)
			}
		}
		// She changes her mind.
		if e, err := enter(t, s.Hub, token, "eve", "eve", "yes"); err != nil || !leads(e) {
			t.Errorf("%+v, %v", e, err)
		}
		if e, err := enter(t, s.Hub, token, "eve", "eve", "no"); err != nil || leads(e) {
			t.Errorf("%+v, %v", e, err)
		}
		d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
		answers := map[string]string{}
		for _, g := range d.Guests {
			answers[g.Name] = g.Consent
			if g.Consent != "" && g.ConsentAt.IsZero() || g.CameAt.IsZero() {
				t.Errorf("%+v has no time", g)
			}
		}
		if err != nil || len(answers) != 5 || answers["ada"] != "yes" || answers["eve"] != "no" || answers["eve2"] != "no" || answers["bob"] != "" {
			t.Errorf("%v, %v", answers, err)
		}
		if _, err := s.EndMeeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Page(t.Context(), app.PageRef{Token: token}); err != nil || v.State != app.PageEnded {
			t.Errorf("%+v, %v", v, err)
		}
		if e, err := enter(t, s.Hub, token, "ada", "ada", ""); err != nil || leads(e) {
			t.Errorf("after the end: %+v, %v", e, err)
		}
	}
}

func TestNoOneIsAskedWhereNothingIsRecorded(t *testing.T) {
	s := newSandboxed(t)
	for name, spec := range map[string]app.RoomSpec{
		"quiet": {Name: "quiet", Account: "daily"},
		"skips": {Name: "skips", Account: "daily", Recording: provider.RecordingCloud, SkipConsent: true},
	} {
		if _, err := s.CreateRoom(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: name})
		if err != nil {
			t.Fatal(err)
		}
		e, err := enter(t, s.Hub, tokenOf(t, s.Hub, name), "ada", "Ada", "yes")
		if err != nil || !leads(e) || e.Ask {
			t.Errorf("%+v, %v", e, err)
		}
		d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
		if err != nil || len(d.Guests) != 1 || d.Guests[0].Consent != "" {
			t.Errorf("%+v, %v", d.Guests, err)
		}
	}
}

func TestWhatAStrangerSends(t *testing.T) {
	b := newBench(t)
	b.room("r")
	token := tokenOf(t, b.Hub, "r")
	for _, c := range []struct {
		e    app.PageEntry
		want error
	}{
		{app.PageEntry{Token: tokenLike, Visit: visit("x"), Name: "Ada"}, provider.NotFound},
		{app.PageEntry{Token: "", Visit: visit("x"), Name: "Ada"}, provider.NotFound},
		{app.PageEntry{Token: token, Visit: "short", Name: "Ada"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: strings.Repeat("v", 129), Name: "Ada"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: visit("x"), Name: " \t\n"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: visit("x"), Name: "\u3164\u2800"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: visit("x"), Name: "\u200d\u0301\u034f"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: visit("x"), Name: "Ada", Consent: "perhaps"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: strings.Repeat("v", minVisit-1), Name: "Ada"}, provider.Invalid},
		{app.PageEntry{Token: token, Visit: visit("x"), Name: "Ada"}, nil},
		{app.PageEntry{Token: token, Visit: strings.Repeat("v", minVisit), Name: "Ada"}, nil},
		{app.PageEntry{Token: token, Visit: strings.Repeat("v", maxVisit), Name: "Ada"}, nil},
	} {
		if e, err := b.EnterPage(t.Context(), c.e); !errors.Is(err, c.want) && err != c.want || leads(e) {
			t.Errorf("%+v: %+v, %v", c.e, e, err)
		}
	}
	for in, want := range map[string]string{
		"  Ada\n Lovelace ": "Ada Lovelace", "A\x1b[31m": "A␛[31m", "a\u202eb": "a\uFFFDb", strings.Repeat("é", 70): strings.Repeat("é", 64),
		"\xff": "\uFFFD", "<b>": "<b>",
	} {
		if got := guestName(in); got != want {
			t.Errorf("%q is kept as %q, not %q", in, got, want)
		}
	}
}

// Those who are kept without ever having been in are bounded: a flood of them displaces each other, and locks no one out.
func TestAFloodOfGuestsLocksNoOneOut(t *testing.T) {
	s := newSandboxed(t)
	if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "r", Account: "whereby", Recording: provider.RecordingCloud}); err != nil {
		t.Fatal(err)
	}
	token := tokenOf(t, s.Hub, "r")
	m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "r"})
	if err != nil {
		t.Fatal(err)
	}
	enterAs := func(who, consent string, in bool) {
		t.Helper()
		if e, err := enter(t, s.Hub, token, who, who, consent); err != nil || leads(e) != in {
			t.Fatalf("%s: %+v, %v", who, e, err)
		}
	}
	enterAs("ada", "yes", true)
	enterAs("eve", "no", false)
	enterAs("bob", "", false)
	if err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range maxOutside - 2 {
			g := app.Guest{ID: fmt.Sprint("g-flood-", i), Name: "x", CameAt: app.At(s.clock.Now().Add(time.Second))}
			if err := tx.PutGuest(m.ID, g); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	enterAs("cleo", "yes", true)
	d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
	if err != nil {
		t.Fatal(err)
	}
	kept, outside := map[string]app.Guest{}, 0
	for _, g := range d.Guests {
		kept[g.Name] = g
		if g.EnteredAt.IsZero() {
			outside++
		}
	}
	if kept["ada"].EnteredAt.IsZero() || kept["cleo"].EnteredAt.IsZero() || kept["eve"].Consent != "no" || kept["bob"].Name != "" || outside != maxOutside-1 {
		t.Errorf("%d outside; %+v %+v %+v %+v", outside, kept["ada"], kept["eve"], kept["bob"], kept["cleo"])
	}
}

func TestAFullPageAdmitsThoseWhoAreThere(t *testing.T) {
	b := newBench(t)
	b.room("r")
	e := app.PageEntry{Token: tokenOf(t, b.Hub, "r"), Visit: visit("ada"), Name: "Ada"}
	if got, err := b.EnterPage(t.Context(), e); err != nil || !got.Stored {
		t.Fatalf("%+v, %v", got, err)
	}
	e.Unchanged = true
	if got, err := b.EnterPage(t.Context(), e); err != nil || got.Stored {
		t.Errorf("as before: %+v, %v", got, err)
	}
	for _, other := range []app.PageEntry{{Visit: visit("bob"), Name: "Bob"}, {Visit: visit("ada"), Name: "Eva"}, {Visit: visit("ada"), Name: "Ada", Consent: "no"}} {
		other.Token, other.Unchanged = e.Token, true
		if got, err := b.EnterPage(t.Context(), other); !errors.Is(err, provider.RateLimited) || leads(got) {
			t.Errorf("%+v: %+v, %v", other, got, err)
		}
	}
}

// Where the page has handed out too many tokens no one comes in, but answers are kept.
func TestAFullPageKeepsAnswers(t *testing.T) {
	s := newSandboxed(t)
	if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "r", Account: "whereby", Recording: provider.RecordingCloud}); err != nil {
		t.Fatal(err)
	}
	m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "r"})
	if err != nil {
		t.Fatal(err)
	}
	for consent, want := range map[string]error{"yes": provider.RateLimited, "no": nil, "": nil} {
		e := app.PageEntry{Token: tokenOf(t, s.Hub, "r"), Visit: visit("of-" + consent), Name: "Ada", Consent: consent, Full: true}
		if got, err := s.EnterPage(t.Context(), e); !errors.Is(err, want) || leads(got) || !got.Stored {
			t.Errorf("%q: %+v, %v", consent, got, err)
		}
	}
	if d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil || len(d.Guests) != 3 {
		t.Errorf("%+v, %v", d.Guests, err)
	}
}

// A guest who declines while the platform is asked for their way in gets none.
func TestADeclineOvertakesAnEntry(t *testing.T) {
	b := newBench(t)
	b.close()
	slow := pageless{platform: b.platform}
	slow.asked = func() {
		if e, err := enter(t, b.Hub, tokenOf(t, b.Hub, "r"), "ada", "Ada", "no"); err != nil || leads(e) {
			t.Errorf("%+v, %v", e, err)
		}
	}
	b.accounts[0].Provider = slow
	b.open()
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "r"}); err != nil {
		t.Fatal(err)
	}
	m := b.start("r")
	if e, err := enter(t, b.Hub, tokenOf(t, b.Hub, "r"), "ada", "Ada", ""); err != nil || leads(e) {
		t.Errorf("%+v, %v", e, err)
	}
	if d := b.meeting(m.ID); len(d.Guests) != 1 || d.Guests[0].Consent != "no" || !d.Guests[0].EnteredAt.IsZero() {
		t.Errorf("%+v", d.Guests)
	}
}

func TestAGuestWhoWasRemovedStaysOutForAWhile(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	m := s.start("daily")
	token := tokenOf(t, s.Hub, m.Room)
	e, err := enter(t, s.Hub, token, "mal", "Mal", "")
	if err != nil || !leads(e) {
		t.Fatalf("%+v, %v", e, err)
	}
	session, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: "Mal", UserID: e.Guest})
	if err != nil {
		t.Fatal(err)
	}
	s.until(m.ID, 5*time.Second, here(1))
	if _, err := s.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: session}); err != nil {
		t.Fatal(err)
	}
	if e, err := enter(t, s.Hub, token, "mal", "Mal", ""); !errors.Is(err, provider.Forbidden) || leads(e) {
		t.Errorf("at once: %+v, %v", e, err)
	}
	if e, err := enter(t, s.Hub, token, "bob", "Mal", ""); err != nil || !leads(e) {
		t.Errorf("another one of the name: %+v, %v", e, err)
	}
	s.clock.Advance(ejectedFor + time.Minute) // since a moment before now, as the platform saw it
	if e, err := enter(t, s.Hub, token, "mal", "Mal", ""); err != nil || !leads(e) {
		t.Errorf("later: %+v, %v", e, err)
	}
}

func TestGuestsAreRecognised(t *testing.T) {
	at := func(s int) app.Time { return app.At(t0.Add(time.Duration(s) * time.Second)) }
	guests := []app.Guest{
		{ID: "g-1", Name: "Ada", Consent: "yes", ConsentAt: at(1), CameAt: at(1)},
		{ID: "g-2", Name: "Ada", Consent: "no", ConsentAt: at(2), CameAt: at(2)},
		{ID: "g-3", Name: "Ada", Consent: "", CameAt: at(3)},
		{ID: "g-4", Name: "Bob", Consent: "yes", CameAt: at(4)},
		{ID: "g-5", Name: "Cleo", Consent: "yes", CameAt: at(500)},
	}
	stays := []app.Stay{
		{Session: "s1", Name: "Renamed", UserID: "g-1", JoinedAt: at(10)},
		{Session: "s2", Name: "Ada", UserID: "s2", JoinedAt: at(11)},
		{Session: "s3", Name: "Ada", JoinedAt: at(12)},
		{Session: "s4", Name: "Bob", UserID: "u-7", JoinedAt: at(13)},
		{Session: "s5", Name: "Bob", Bot: true},
		{Session: "s6", Name: "Cleo", JoinedAt: at(20)},
	}
	recogniseGuests(stays, guests)
	for i, want := range []string{"s1", "", "s2", "", ""} {
		if guests[i].Session != want {
			t.Errorf("guest %d has the session %q, not %q", i, guests[i].Session, want)
		}
	}
	for i, want := range []string{"yes", "", "", "", "", ""} {
		if stays[i].Consent != want {
			t.Errorf("stay %d: %q", i, stays[i].Consent)
		}
	}
}

// pageless is a platform without a page of its own and without a lobby.
type pageless struct {
	*platform
	// asked is called by each call for an entry, if it isn't nil.
	asked func()
}

func (p pageless) Links(context.Context, provider.LinkRequest) (provider.Links, error) {
	return provider.Links{}, &provider.Error{Kind: provider.Unsupported, Platform: p.name, Op: "make links"}
}

func (p pageless) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	m, err := p.platform.CreateMeeting(ctx, s)
	m.GuestURL = ""
	return m, err
}

func (p pageless) Embed() provider.Embed {
	return provider.Embed{Component: "x", Connects: []string{"wss://x.example"}}
}

func (p pageless) Entry(_ context.Context, r provider.EntryRequest) (provider.Entry, error) {
	if p.asked != nil {
		p.asked()
	}
	if p.fail != nil {
		return provider.Entry{}, p.fail
	}
	token := "guest"
	if r.Host {
		token = "host"
	}
	return provider.Entry{URL: "wss://x.example", Token: token + "-" + r.UserID + "-" + r.Name}, nil
}

func TestAPlatformWithoutPagesUsesOurs(t *testing.T) {
	b := newBench(t)
	b.close()
	b.accounts[0].Provider = pageless{platform: b.platform}
	b.open()
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "r", Locked: true}); err != nil {
		t.Fatal(err)
	}
	m := b.start("r")
	token := tokenOf(t, b.Hub, "r")
	page := "http://127.0.0.1:7070/r/r-" + token
	if m.HostURL == "" || !strings.HasPrefix(m.HostURL, page+"#host=") {
		t.Fatalf("the host's link is %q", m.HostURL)
	}
	if l, err := b.MeetingLink(t.Context(), app.LinkRequest{Meeting: m.ID}); err != nil || l.URL != page {
		t.Errorf("%+v, %v", l, err)
	}
	if d := b.meeting(m.ID); d.GuestURL != page {
		t.Errorf("the guests' link is %q", d.GuestURL)
	}
	if e, err := enter(t, b.Hub, token, "ada", "Ada", ""); err != nil || leads(e) || e.State != app.PageLocked {
		t.Errorf("without a host: %+v, %v", e, err)
	}
	secret := m.HostURL[strings.Index(m.HostURL, "#host=")+6:]
	host := app.PageEntry{Token: token, Visit: visit("host"), Name: "Hana", Host: secret}
	b.room("other")
	b.start("other")
	elsewhere := host
	elsewhere.Token = tokenOf(t, b.Hub, "other")
	if e, err := b.EnterPage(t.Context(), elsewhere); !errors.Is(err, provider.Forbidden) || leads(e) {
		t.Errorf("at the page of another room, which doesn't use it up: %+v, %v", e, err)
	}
	b.platform.fail = &provider.Error{Kind: provider.Unavailable}
	if _, err := b.EnterPage(t.Context(), host); !errors.Is(err, provider.Unavailable) {
		t.Errorf("while the platform is away: %v", err)
	}
	b.platform.fail = nil
	e, err := b.EnterPage(t.Context(), host)
	if err != nil || e.Access != "host-"+e.Guest+"-Hana" {
		t.Errorf("%+v, %v", e, err)
	}
	if again, err := b.EnterPage(t.Context(), host); !errors.Is(err, provider.Forbidden) || leads(again) {
		t.Errorf("twice: %+v, %v", again, err)
	}
	in := join(m.PlatformRoom, "hana", t0.Add(time.Second))
	in.Participant.Role = provider.RoleHost
	b.event(in)
	if e, err := enter(t, b.Hub, token, "ada", "Ada", ""); err != nil || !strings.HasPrefix(e.Access, "guest-") {
		t.Errorf("with a host: %+v, %v", e, err)
	}
	late, err := b.MeetingLink(t.Context(), app.LinkRequest{Meeting: m.ID, Host: true})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(hostTokenFor)
	host.Host, host.Visit = late.URL[strings.Index(late.URL, "#host=")+6:], visit("late")
	if e, err := b.EnterPage(t.Context(), host); !errors.Is(err, provider.Forbidden) || leads(e) {
		t.Errorf("too late: %+v, %v", e, err)
	}
	if _, err := b.EditPage(t.Context(), app.PageChange{Room: "r", Off: true}); err != nil {
		t.Fatal(err)
	}
	if l, err := b.MeetingLink(t.Context(), app.LinkRequest{Meeting: m.ID}); !errors.Is(err, provider.Unsupported) {
		t.Errorf("with the page off: %+v, %v", l, err)
	}
}
