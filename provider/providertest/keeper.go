package providertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// keeper returns the provider as a keeper of rooms, and a room that only this test knows.
func (h Harness) keeper(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper) (provider.Provider, provider.RoomKeeper, provider.KeptRoom) {
	t.Helper()
	p := h.open(t, wrap)
	return p, able[provider.RoomKeeper](t, p, "the platform keeps no rooms"), provider.KeptRoom{
		Name:      fmt.Sprintf("kept-%x-%d", crc32.ChecksumIEEE([]byte(t.Name())), time.Now().UnixNano()%1e6),
		Recording: provider.RecordingNone, Trigger: provider.TriggerNone,
	}
}

// keep creates a kept room that is removed with the test.
func (h Harness) keep(t *testing.T, k provider.RoomKeeper, r provider.KeptRoom) provider.Meeting {
	t.Helper()
	m, err := k.KeepRoom(t.Context(), r)
	if err != nil {
		t.Fatalf("keep a room: %v", err)
	}
	h.endLater(t, m)
	return m
}

// named counts the rooms whose names begin with a name, -1 if the platform lists none.
func named(t *testing.T, p provider.Provider, name string) int {
	t.Helper()
	if _, ok := p.(provider.RoomLister); !ok {
		return -1
	}
	n := 0
	for room := range roomNames(t, p) {
		if strings.HasPrefix(room, name) {
			n++
		}
	}
	return n
}

// A kept room has one link through all of its meetings, whose end removes the people where the platform can.
func testKept(t *testing.T, h Harness) {
	p, k, r := h.keeper(t, nil)
	m := h.keep(t, k, r)
	if m.ID == "" || !strings.HasPrefix(m.Room, r.Name) || p.Traits().NamesRooms && m.Room != r.Name {
		t.Errorf("the room is %+v", m)
	}
	if link, err := rest.Link(m.GuestURL); p.Traits().GuestTokens {
		if m.GuestURL != "" {
			t.Errorf("its link %q is stored, and carries a token", m.GuestURL)
		}
	} else if err != nil || link != m.GuestURL {
		t.Errorf("its link is %q: %v", m.GuestURL, err)
	}
	if least := h.Clock.Now().Add(30 * 24 * time.Hour); !m.Until.IsZero() && m.Until.Before(least) {
		t.Errorf("it ends at %v", m.Until)
	}
	for n := range 2 {
		s := h.spec(t)
		opened, err := k.OpenRoom(t.Context(), m, s)
		if err != nil || opened.Room != m.Room || opened.GuestURL != m.GuestURL {
			t.Fatalf("opened as %+v, %v", opened, err)
		}
		meeting := opened
		meeting.Until, meeting.Keep = s.Until, true
		session := ""
		if h.Join != nil {
			session = h.Join(t, meeting, Person{Name: fmt.Sprintf("Guest %d", n)})
			meeting.Sessions = []string{session}
		}
		for range 2 {
			if err := p.EndMeeting(t.Context(), meeting); err != nil {
				t.Fatalf("end: %v", err)
			}
		}
		if h.Join == nil {
			continue
		}
		h.Leave(t, meeting, "")
		people, err := p.Presence(t.Context(), meeting)
		if _, there := here(people)[session]; !succeeded(err) || there == p.Traits().EmptiesRooms {
			t.Errorf("after its end: %+v, %v", people, err)
		}
		if !p.Traits().EmptiesRooms {
			h.Leave(t, meeting, session)
		}
	}
	if n := named(t, p, r.Name); n > 1 {
		t.Errorf("%d rooms", n)
	}
	if err := p.EndMeeting(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if l, ok := p.(provider.Looker); ok {
		if found, err := l.Lookup(t.Context(), m); !errors.Is(err, provider.NotFound) {
			t.Errorf("after its removal: %+v, %v", found, err)
		}
	}
	if _, err := k.KeepRoom(t.Context(), provider.KeptRoom{}); !errors.Is(err, provider.Invalid) {
		t.Errorf("without a name: %v", err)
	}
}

// A lost answer leaves one room, which the next call finds.
func testKeptAnswerLost(t *testing.T, h Harness) {
	for name, spoil := range map[string]func(*http.Request, http.RoundTripper) (*http.Response, error){
		"answer lost": lose, "request lost": loseBefore, "answer cut": cutShort, "gateway timed out": gateway,
	} {
		t.Run(name, func(t *testing.T) {
			wrap, calls := fault(creation, 1, spoil)
			p, k, r := h.keeper(t, wrap)
			r.Locked, r.Size = true, 12
			m, err := k.KeepRoom(t.Context(), r)
			if calls() == 0 {
				t.Skip("nothing is created on the platform")
			}
			if err != nil {
				if !errors.Is(err, provider.Unavailable) {
					t.Fatal(err)
				}
				r.Tried = h.Clock.Now().Add(-2 * time.Minute)
				if m, err = k.KeepRoom(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			h.endLater(t, m)
			if n := named(t, p, r.Name); n != 1 && n != -1 {
				t.Errorf("%d rooms", n)
			}
		})
	}
	t.Run("request late, then too many calls", func(t *testing.T) {
		var late *http.Request
		wrap, _ := fault(creation, 2, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if late == nil {
				body, err := io.ReadAll(r.Body)
				late = r.Clone(context.WithoutCancel(r.Context()))
				late.Body = io.NopCloser(bytes.NewReader(body))
				return nil, errors.Join(errReset, err)
			}
			if _, err := lose(late, next); !errors.Is(err, errReset) {
				t.Error(err)
			}
			return answering(http.StatusTooManyRequests, "application/json", "{}", "Retry-After", "3600")(r, next)
		})
		p, k, r := h.keeper(t, wrap)
		h.namesRooms(t, p)
		m, err := k.KeepRoom(t.Context(), r)
		if err != nil {
			if !errors.Is(err, provider.Unavailable) {
				t.Fatalf("%v: the room may exist, but the error's kind is %q", err, provider.KindOf(err))
			}
			r.Tried = h.Clock.Now().Add(-2 * time.Minute)
			m = h.keep(t, h.open(t, nil).(provider.RoomKeeper), r)
		} else {
			h.endLater(t, m)
		}
		if n := named(t, h.open(t, nil), r.Name); m.Room != r.Name || n != 1 {
			t.Errorf("%q, %d rooms", m.Room, n)
		}
	})
	t.Run("a process that ended", func(t *testing.T) {
		p, k, r := h.keeper(t, nil)
		made := h.keep(t, k, r)
		r.Tried = h.Clock.Now().Add(-time.Second)
		again, err := k.KeepRoom(t.Context(), r)
		if err != nil || again.Room != made.Room || again.ID != made.ID || again.GuestURL != made.GuestURL {
			t.Errorf("%+v, %v; made was %+v", again, err, made)
		}
		if n := named(t, p, r.Name); n > 1 {
			t.Errorf("%d rooms", n)
		}
	})
}

// A room of others is neither used nor changed, whether its name is the wanted one by chance or after a lost request.
func testKeptForeign(t *testing.T, h Harness) {
	wrap, _ := fault(creation, 1, loseBefore)
	p, k, r := h.keeper(t, wrap)
	l := able[provider.Looker](t, p, "the platform looks up nothing")
	h.namesRooms(t, p)
	s := h.spec(t)
	s.Name = r.Name
	theirs := h.create(t, h.open(t, nil), s)
	for _, tried := range []time.Time{{}, h.Clock.Now().Add(-time.Minute)} {
		r.Tried = tried
		if m, err := k.KeepRoom(t.Context(), r); !errors.Is(err, provider.Conflict) {
			t.Errorf("tried %v: took %+v, %v", tried, m, err)
		}
	}
	if now, err := l.Lookup(t.Context(), theirs); err != nil || now.ID != theirs.ID || !now.Until.Equal(theirs.Until) {
		t.Errorf("theirs became %+v, %v", now, err)
	}
}

// Settings reach the room, or the error is Unsupported with advice.
func testKeptChange(t *testing.T, h Harness) {
	_, k, r := h.keeper(t, nil)
	m := h.keep(t, k, r)
	if err := k.ChangeRoom(t.Context(), m, r, r); err != nil {
		t.Errorf("nothing: %v", err)
	}
	for _, change := range []func(*provider.KeptRoom){
		func(r *provider.KeptRoom) { r.Locked = true },
		func(r *provider.KeptRoom) { r.Size = 3 },
		func(r *provider.KeptRoom) { r.Recording, r.Trigger = provider.RecordingCloud, provider.TriggerPrompt },
		func(r *provider.KeptRoom) {
			*r = provider.KeptRoom{Name: r.Name, Recording: provider.RecordingNone, Trigger: provider.TriggerNone}
		},
	} {
		now := r
		change(&now)
		err := k.ChangeRoom(t.Context(), m, r, now)
		if err != nil && (!errors.Is(err, provider.Unsupported) || provider.HintOf(err) == "") {
			t.Errorf("to %+v: %v", now, err)
		}
		if err == nil {
			r = now
		}
	}
	if found, err := k.OpenRoom(t.Context(), m, h.spec(t)); err != nil || found.GuestURL != m.GuestURL {
		t.Errorf("it became %+v, %v", found, err)
	}
	gone := absent()
	if _, err := k.OpenRoom(t.Context(), gone, h.spec(t)); err != nil && !errors.Is(err, provider.NotFound) {
		t.Errorf("one that is gone: %v", err)
	}
}
