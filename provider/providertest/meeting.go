package providertest

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// absent is a meeting that the platform doesn't know.
func absent() provider.Meeting {
	return provider.Meeting{ID: "99999999", Room: "suite-no-such-room", GuestURL: "https://example.com/suite-no-such-room"}
}

func testEnd(t *testing.T, h Harness) {
	p := h.open(t, nil)
	m := h.create(t, p, h.spec(t))
	m.Sessions = []string{session}
	for range 2 {
		if err := p.EndMeeting(t.Context(), m); err != nil {
			t.Fatalf("end: %v", err)
		}
	}
	if l, ok := p.(provider.Looker); ok {
		if found, err := l.Lookup(t.Context(), m); !errors.Is(err, provider.NotFound) {
			t.Errorf("after its end: %+v, %v", found, err)
		}
	}
	if err := p.EndMeeting(t.Context(), absent()); err != nil {
		t.Errorf("end of a meeting that never was: %v", err)
	}
	if err := p.EndMeeting(t.Context(), provider.Meeting{}); !errors.Is(err, provider.Invalid) {
		t.Errorf("end of no meeting: %v", err)
	}
}

func testEndWithPeople(t *testing.T, h Harness) {
	h.needsPeople(t)
	p := h.open(t, nil)
	m := h.create(t, p, h.spec(t))
	for _, name := range []string{"Ada", "Grace", "Zoë 渡辺"} {
		m.Sessions = append(m.Sessions, h.Join(t, m, Person{Name: name}))
	}
	m.Sessions = m.Sessions[:1]
	if err := p.EndMeeting(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h.Leave(t, m, "")
	people, err := p.Presence(t.Context(), m)
	if !succeeded(err) && !errors.Is(err, provider.NotFound) {
		t.Fatal(err)
	}
	for _, who := range people {
		if who.LeftAt.IsZero() {
			t.Errorf("%+v is still there", who)
		}
	}
}

func testLookup(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.Looker](t, p, "the platform looks up nothing")
	s := h.spec(t)
	m := h.create(t, p, s)
	found, err := l.Lookup(t.Context(), provider.Meeting{ID: m.ID, Room: m.Room})
	if err != nil {
		t.Fatal(err)
	}
	checkMeeting(t, p, s, found)
	if found.ID != m.ID || found.Room != m.Room || found.GuestURL != m.GuestURL {
		t.Errorf("found %+v, made %+v", found, m)
	}
	if _, err := l.Lookup(t.Context(), absent()); !errors.Is(err, provider.NotFound) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := l.Lookup(t.Context(), provider.Meeting{}); !errors.Is(err, provider.Invalid) {
		t.Errorf("of no meeting: %v", err)
	}
}

func testLinks(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.Linker](t, p, "the platform has no links")
	m := h.create(t, p, h.spec(t))
	if p.Traits().GuestTokens {
		testTokenLinks(t, l, m)
		return
	}
	guest, err := l.Links(t.Context(), provider.LinkRequest{Meeting: m})
	if err != nil || guest.Guest != m.GuestURL || guest.Host != "" {
		t.Errorf("guest's: %+v, %v", guest, err)
	}
	host, err := l.Links(t.Context(), provider.LinkRequest{Meeting: m, Host: true, Name: "Ada 渡辺", StartRecording: true})
	if err != nil {
		t.Fatal(err)
	}
	if link, err := rest.Link(host.Host); err != nil || host.Host == host.Guest || !strings.Contains(link, "?") || host.Guest != m.GuestURL {
		t.Errorf("host's: %q, %v", host.Host, err)
	}
	bare := m
	bare.GuestURL = ""
	if again, err := l.Links(t.Context(), provider.LinkRequest{Meeting: bare}); err != nil || again.Guest != m.GuestURL {
		t.Errorf("without the URL: %+v, %v", again, err)
	}
	gone := absent()
	gone.GuestURL = ""
	if _, err := l.Links(t.Context(), provider.LinkRequest{Meeting: gone, Host: true}); !errors.Is(err, provider.NotFound) {
		t.Errorf("of nothing: %v", err)
	}
	m.GuestURL = "javascript:alert(1)"
	if got, err := l.Links(t.Context(), provider.LinkRequest{Meeting: m}); err == nil {
		t.Errorf("a link that is none: %+v", got)
	}
}

// testTokenLinks tests links that carry a token each: no two are the same, and a room that is gone has none.
func testTokenLinks(t *testing.T, l provider.Linker, m provider.Meeting) {
	seen := map[string]bool{}
	for range 2 {
		links, err := l.Links(t.Context(), provider.LinkRequest{Meeting: m, Host: true, Name: "Ada 渡辺"})
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range []string{links.Guest, links.Host} {
			if _, err := rest.Link(link); err != nil || seen[link] {
				t.Errorf("link %q: %v, given before: %v", link, err, seen[link])
			}
			seen[link] = true
		}
	}
	guest, err := l.Links(t.Context(), provider.LinkRequest{Meeting: m})
	if err != nil || guest.Guest == "" || guest.Host != "" {
		t.Errorf("guest's: %+v, %v", guest, err)
	}
	gone := absent()
	gone.ID = ""
	if links, err := l.Links(t.Context(), provider.LinkRequest{Meeting: gone, Host: true}); !errors.Is(err, provider.NotFound) {
		t.Errorf("of nothing: %+v, %v", links, err)
	}
	if _, err := l.Links(t.Context(), provider.LinkRequest{}); !errors.Is(err, provider.Invalid) {
		t.Errorf("of no meeting: %v", err)
	}
}

func testRooms(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.RoomLister](t, p, "the platform lists no rooms")
	s := h.spec(t)
	m := h.create(t, p, s)
	s.Name += "-b"
	h.create(t, p, s)
	found := false
	err := l.Rooms(t.Context(), func(o provider.Meeting) bool {
		if o.ID == m.ID {
			found = true
			checkMeeting(t, p, provider.MeetingSpec{Name: m.Room, Room: s.Room, Until: s.Until}, o)
		}
		return true
	})
	if err != nil || !found {
		t.Errorf("found %v, %v", found, err)
	}
	n := 0
	if err := l.Rooms(t.Context(), func(provider.Meeting) bool { n++; return false }); err != nil || n != 1 {
		t.Errorf("continued %d times, %v", n, err)
	}
}

func testRecordings(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.RecordingLister](t, p, "the platform lists no recordings")
	if list, err := l.Recordings(t.Context(), absent().Room, ""); err != nil || len(list.Recordings) != 0 || list.Next != "" {
		t.Errorf("of nothing: %+v, %v", list, err)
	}
	list, err := l.Recordings(t.Context(), "", "")
	if err != nil {
		t.Error(err)
	}
	for _, r := range list.Recordings {
		if r.ID == "" || r.Status == "" {
			t.Errorf("%+v", r)
		}
	}
	if f, ok := p.(provider.RecordingFinder); ok {
		for _, r := range list.Recordings[:min(1, len(list.Recordings))] {
			if found, err := f.Recording(t.Context(), r.ID); err != nil || !cmp.Equal(found, r) {
				t.Errorf("found %+v, %v; the list has %+v", found, err, r)
			}
		}
		if found, err := f.Recording(t.Context(), instance); !errors.Is(err, provider.NotFound) {
			t.Errorf("found %+v, %v, which does not exist", found, err)
		}
		if _, err := f.Recording(t.Context(), ""); !errors.Is(err, provider.Invalid) {
			t.Errorf("no id: %v", err)
		}
	}
}

func testLogo(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.LogoUploader](t, p, "the platform shows no logo")
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 400, 400))); err != nil {
		t.Fatal(err)
	}
	m := h.create(t, p, h.spec(t))
	if err := l.UploadLogo(t.Context(), m, logo.Bytes()); err != nil {
		t.Error(err)
	}
	if err := l.UploadLogo(t.Context(), provider.Meeting{}, logo.Bytes()); !errors.Is(err, provider.Invalid) {
		t.Errorf("of no meeting: %v", err)
	}
}

func testCheck(t *testing.T, h Harness) {
	c := able[provider.Checker](t, h.open(t, nil), "the platform has no checks")
	checks := c.Check(t.Context())
	if len(checks) == 0 || checks[0].Name != provider.KeyCheck || !checks[0].OK {
		t.Errorf("with a good key: %+v", checks)
	}
	for _, c := range checks {
		if c.Name == "" || c.Detail == "" || (!c.OK && c.Hint == "") {
			t.Errorf("%+v says too little", c)
		}
	}
	bad := h.Account
	bad.APIKey = "bad-key-0123456789"
	checks = h.openAs(t, bad, nil).(provider.Checker).Check(t.Context())
	if len(checks) == 0 || checks[0].OK || checks[0].Hint == "" || strings.Contains(checks[0].Detail, bad.APIKey) {
		t.Errorf("with a bad key: %+v", checks)
	}
	if k := checks[0].Kind; k != provider.Unauthenticated && k != provider.Forbidden {
		t.Errorf("a bad key's check is of the kind %q", k)
	}
}

// session is that of a participant who isn't in any meeting.
const session = "6a1e2d3c-4b5a-4697-8887-665544332211"

// outcomes are the errors of calls, by name.
type outcomes map[string]error

// try makes a call if the provider has its ability.
func try[T any](out outcomes, name string, p provider.Provider, call func(T) error) {
	if ability, ok := p.(T); ok {
		out[name] = call(ability)
	}
}

// failure returns the error of a call with a result.
func failure[T any](_ T, err error) error { return err }

// readings makes the calls that only read.
func readings(ctx context.Context, p provider.Provider, m provider.Meeting) outcomes {
	out := outcomes{}
	_, out["presence"] = p.Presence(ctx, m)
	if !p.Traits().GuestTokens {
		try(out, "links", p, func(l provider.Linker) error {
			return failure(l.Links(ctx, provider.LinkRequest{Meeting: m, Host: true}))
		})
	}
	try(out, "look up", p, func(l provider.Looker) error { return failure(l.Lookup(ctx, m)) })
	try(out, "rooms", p, func(l provider.RoomLister) error { return l.Rooms(ctx, func(provider.Meeting) bool { return true }) })
	try(out, "all presence", p, func(l provider.PresenceLister) error { return failure(l.AllPresence(ctx)) })
	try(out, "recordings", p, func(l provider.RecordingLister) error { return failure(l.Recordings(ctx, "", "")) })
	try(out, "recording", p, func(f provider.RecordingFinder) error { return failure(f.Recording(ctx, instance)) })
	try(out, "history", p, func(l provider.Historian) error { return failure(l.History(ctx, m, time.Time{})) })
	try(out, "file link", p, func(f provider.FileLinker) error {
		return failure(f.FileLink(ctx, instance, provider.RecordingFile{Kind: "video"}))
	})
	return out
}

// calls makes one call of every kind that a provider has.
func calls(ctx context.Context, p provider.Provider, s provider.MeetingSpec, m provider.Meeting) outcomes {
	out, who, start := readings(ctx, p, m), provider.Participant{Session: session}, provider.RecordingStart{Kind: "cloud", Instance: instance}
	_, out["create"] = p.CreateMeeting(ctx, s)
	try(out, "eject", p, func(e provider.Ejector) error { return failure(e.Eject(ctx, m, who, false)) })
	try(out, "mute", p, func(mu provider.Muter) error { return failure(mu.Mute(ctx, m, who, provider.Muting{Audio: true})) })
	try(out, "extend", p, func(e provider.Extender) error { return e.Extend(ctx, m, s.Until.Add(time.Hour)) })
	try(out, "logo", p, func(l provider.LogoUploader) error { return l.UploadLogo(ctx, m, []byte("png")) })
	try(out, "start recording", p, func(r provider.Recorder) error { return r.StartRecording(ctx, m, start) })
	try(out, "stop recording", p, func(r provider.Recorder) error { return r.StopRecording(ctx, m, start) })
	try(out, "delete recording", p, func(d provider.RecordingDeleter) error { return d.DeleteRecording(ctx, instance) })
	out["end"] = p.EndMeeting(ctx, m)
	return out
}

func testBadKey(t *testing.T, h Harness) {
	m := h.create(t, h.open(t, nil), h.spec(t))
	a := h.Account
	a.APIKey = "bad-key-0123456789"
	for what, err := range calls(t.Context(), h.openAs(t, a, nil), h.spec(t), m) {
		if !errors.Is(err, provider.Unauthenticated) || provider.HintOf(err) == "" {
			t.Errorf("%s: %v, hint %q", what, err, provider.HintOf(err))
		} else if strings.Contains(err.Error(), a.APIKey) {
			t.Errorf("%s: the key is in %v", what, err)
		}
	}
}

func testCancelled(t *testing.T, h Harness) {
	p := h.open(t, nil)
	m := h.create(t, p, h.spec(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range calls(ctx, p, h.spec(t), m) {
		if !errors.Is(err, context.Canceled) || provider.KindOf(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
