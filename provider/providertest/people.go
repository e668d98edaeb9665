package providertest

import (
	"errors"
	"net/http"
	"testing"

	"greenroom/provider"
)

// here returns the present participants of a reading, by session.
func here(people []provider.Participant) map[string]provider.Participant {
	out := map[string]provider.Participant{}
	for _, who := range people {
		if who.LeftAt.IsZero() {
			out[who.Session] = who
		}
	}
	return out
}

// succeeded reports whether a presence reading succeeded, perhaps partially.
func succeeded(err error) bool { return err == nil || errors.Is(err, provider.ErrPartial) }

func testPresence(t *testing.T, h Harness) {
	p := h.open(t, nil)
	m := h.create(t, p, h.spec(t))
	if people, err := p.Presence(t.Context(), m); !succeeded(err) || len(here(people)) != 0 {
		t.Errorf("of an empty meeting: %+v, %v", people, err)
	}
	if people, err := p.Presence(t.Context(), absent()); len(here(people)) != 0 || (!succeeded(err) && !errors.Is(err, provider.NotFound)) {
		t.Errorf("of nothing: %+v, %v", people, err)
	}
	if _, err := p.Presence(t.Context(), provider.Meeting{}); !errors.Is(err, provider.Invalid) {
		t.Errorf("of no meeting: %v", err)
	}
	h.needsPeople(t)
	ada := h.Join(t, m, Person{Name: "Ada Lovelace"})
	zoe := h.Join(t, m, Person{Name: "Zoë 渡辺", Host: true})
	people, err := p.Presence(t.Context(), m)
	now := here(people)
	if err != nil || len(now) != 2 || now[ada].Name != "Ada Lovelace" || now[zoe].Name != "Zoë 渡辺" || now[ada].JoinedAt.IsZero() {
		t.Fatalf("of two: %+v, %v", people, err)
	}
	h.Leave(t, m, ada)
	people, err = p.Presence(t.Context(), m)
	now = here(people)
	if err != nil || len(now) != 1 || now[zoe].Session != zoe {
		t.Errorf("after one left: %+v, %v", people, err)
	}
	for _, who := range people {
		if who.Session == ada && who.LeftAt.Before(who.JoinedAt) {
			t.Errorf("left before joining: %+v", who)
		}
	}
	again := h.Join(t, m, Person{Name: "Ada Lovelace"})
	people, err = p.Presence(t.Context(), m)
	if now = here(people); err != nil || again == ada || len(now) != 2 {
		t.Errorf("after a rejoin as %s: %+v, %v", again, people, err)
	}
}

func testAllPresence(t *testing.T, h Harness) {
	p := h.open(t, nil)
	l := able[provider.PresenceLister](t, p, "the platform has no reading of all meetings")
	m := h.create(t, p, h.spec(t))
	all, err := l.AllPresence(t.Context())
	if err != nil || len(all[m.Room]) != 0 {
		t.Errorf("empty: %+v, %v", all, err)
	}
	h.needsPeople(t)
	ada := h.Join(t, m, Person{Name: "Ada"})
	all, err = l.AllPresence(t.Context())
	if now := here(all[m.Room]); err != nil || now[ada].Name != "Ada" {
		t.Errorf("with one: %+v, %v", all, err)
	}
}

// An answer of another shape than documented is an error, never an empty list.
func testPresenceShape(t *testing.T, h Harness) {
	m := h.create(t, h.open(t, nil), h.spec(t))
	for name, spoil := range map[string]func(*http.Request, http.RoundTripper) (*http.Response, error){
		"a page":                   answering(200, "text/html", "<html><title>Log in</title></html>"),
		"an error with 200":        answering(200, "application/json", `{"error":"server-error","info":"x"}`),
		"nothing":                  answering(200, "application/json", ``),
		"null":                     answering(200, "application/json", `null`),
		"an empty object":          answering(200, "application/json", `{}`),
		"a list of null":           answering(200, "application/json", `{"data":null,"results":null,"total_count":0}`),
		"a list of another kind":   answering(200, "application/json", `{"data":"x","results":"x"}`),
		"people without ids":       answering(200, "application/json", `{"total_count":1,"data":[{}],"results":[{}],"cursor":null}`),
		"a failing server":         answering(500, "application/json", `{"error":"server-error"}`),
		"a page with 404":          answering(404, "text/html", "<html>not here</html>"),
		"a cut answer":             cutShort,
		"a lost answer":            lose,
		"a redirect":               answering(302, "text/plain", "", "Location", "https://example.com/"),
		"an answer that never was": answering(418, "text/plain", "I'm a teapot"),
	} {
		t.Run(name, func(t *testing.T) {
			wrap, calls := fault(presence, 100, spoil)
			p := h.open(t, wrap)
			people, err := p.Presence(t.Context(), m)
			if err == nil || len(people) != 0 || calls() == 0 || errors.Is(err, provider.NotFound) || provider.KindOf(err) == "" {
				t.Errorf("%+v, %v after %d calls", people, err, calls())
			}
			if l, ok := p.(provider.PresenceLister); ok && name != "an empty object" {
				if all, err := l.AllPresence(t.Context()); err == nil || errors.Is(err, provider.NotFound) {
					t.Errorf("of all: %+v, %v", all, err)
				}
			}
		})
	}
}

func testEject(t *testing.T, h Harness) {
	p := h.open(t, nil)
	e := able[provider.Ejector](t, p, "the platform removes no one")
	m := h.create(t, p, h.spec(t))
	eject := func(session string) error {
		_, err := e.Eject(t.Context(), m, provider.Participant{Session: session}, false)
		return err
	}
	if err := eject(""); !errors.Is(err, provider.Invalid) {
		t.Errorf("without a participant: %v", err)
	}
	if err := eject(session); err != nil {
		t.Errorf("of an absent participant: %v", err)
	}
	h.needsPeople(t)
	ada, grace := h.Join(t, m, Person{Name: "Ada"}), h.Join(t, m, Person{Name: "Grace"})
	for range 2 {
		if err := eject(ada); err != nil {
			t.Fatal(err)
		}
	}
	h.Leave(t, m, "")
	people, err := p.Presence(t.Context(), m)
	if now := here(people); err != nil || len(now) != 1 || now[grace].Session != grace {
		t.Errorf("left are %+v, %v", people, err)
	}
}

// testMute mutes a participant: sound alone, then everything, again without an effect, and not someone who isn't there.
func testMute(t *testing.T, h Harness) {
	p := h.open(t, nil)
	mu := able[provider.Muter](t, p, "the platform mutes no one")
	m := h.create(t, p, h.spec(t))
	if _, err := mu.Mute(t.Context(), m, provider.Participant{Session: "6a1e2d3c"}, provider.Muting{Audio: true}); !errors.Is(err, provider.NotFound) {
		t.Errorf("of an absent participant: %v", err)
	}
	for _, bad := range []struct {
		session string
		what    provider.Muting
	}{{"", provider.Muting{Audio: true}}, {"6a1e2d3c", provider.Muting{}}, {"6a1e2d3c", provider.Muting{Off: true}}} {
		if _, err := mu.Mute(t.Context(), m, provider.Participant{Session: bad.session}, bad.what); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	h.needsPeople(t)
	ada := provider.Participant{Session: h.Join(t, m, Person{Name: "Ada", Sends: true})}
	for i, step := range []struct {
		what provider.Muting
		want int
	}{{provider.Muting{Audio: true}, 1}, {provider.Muting{Audio: true, Video: true}, 1}, {provider.Muting{Audio: true, Video: true}, 0}} {
		if n, err := mu.Mute(t.Context(), m, ada, step.what); err != nil || n != step.want {
			t.Errorf("step %d: %d tracks, not %d, %v", i, n, step.want, err)
		}
	}
	if n, err := mu.Mute(t.Context(), m, ada, provider.Muting{Video: true, Off: true}); err != nil && !errors.Is(err, provider.Forbidden) || err == nil && n != 1 {
		t.Errorf("unmute: %d, %v", n, err)
	}
}
