package providertest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/provider/rest"
)

func testIdentity(t *testing.T, h Harness) {
	p := h.open(t, nil)
	if p.Platform() != h.Account.Platform {
		t.Errorf("platform %q, want %q", p.Platform(), h.Account.Platform)
	}
	if tr := p.Traits(); tr.PresenceLag <= 0 || tr.PresenceEvery <= 0 || tr.Linger < 0 {
		t.Errorf("traits %+v", tr)
	}
	a := h.Account
	for _, secret := range []string{a.APIKey, a.APISecret, a.WebhookSecret, a.Recording.AccessKeySecret} {
		if printed := fmt.Sprintf("%v %+v %#v %s %v", p, p, p, p, []any{p}); secret != "" && strings.Contains(printed, secret) {
			t.Errorf("a secret is in %s", printed)
		}
	}
	a.APIKey = ""
	if _, err := h.Open(a, h.Transport, h.Clock); !errors.Is(err, provider.Unauthenticated) || provider.HintOf(err) == "" {
		t.Errorf("without a key: %v, hint %q", err, provider.HintOf(err))
	}
	a.APIKey, a.APIURL = h.Account.APIKey, "not a URL"
	if _, err := h.Open(a, h.Transport, h.Clock); !errors.Is(err, provider.Invalid) || provider.HintOf(err) == "" {
		t.Errorf("with a wrong URL: %v, hint %q", err, provider.HintOf(err))
	}
}

func testCreate(t *testing.T, h Harness) {
	p := h.open(t, nil)
	for name, change := range map[string]func(*provider.MeetingSpec){
		"plain":  func(*provider.MeetingSpec) {},
		"locked": func(s *provider.MeetingSpec) { s.Locked = true },
		"small":  func(s *provider.MeetingSpec) { s.Size = 2 },
		"large":  func(s *provider.MeetingSpec) { s.Size = 30 },
		"local": func(s *provider.MeetingSpec) {
			s.Recording, s.Trigger = provider.RecordingLocal, provider.TriggerPrompt
		},
		"cloud": func(s *provider.MeetingSpec) {
			s.Recording, s.Trigger = provider.RecordingCloud, provider.TriggerAutomatic2nd
		},
		"long name": func(s *provider.MeetingSpec) { s.Room = strings.Repeat("long-room-", 8) },
	} {
		t.Run(name, func(t *testing.T) {
			s := h.spec(t)
			change(&s)
			checkMeeting(t, p, s, h.create(t, p, s))
		})
	}
	t.Run("in the past", func(t *testing.T) {
		s := h.spec(t)
		s.Until = h.Clock.Now().Add(-time.Hour).UTC().Truncate(time.Second)
		if m, err := p.CreateMeeting(t.Context(), s); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// checkMeeting compares a new meeting with its spec.
func checkMeeting(t *testing.T, p provider.Provider, s provider.MeetingSpec, m provider.Meeting) {
	t.Helper()
	if m.ID == "" || m.Room == "" || strings.HasPrefix(m.Room, "/") || len(m.Sessions) != 0 {
		t.Errorf("meeting %+v", m)
	}
	if p.Traits().NamesRooms && m.Room != s.Name {
		t.Errorf("room %q, want %q", m.Room, s.Name)
	}
	if !p.Traits().NamesRooms && !strings.HasPrefix(m.Room, strings.ToLower(s.Room)[:min(len(s.Room), 30)]) {
		t.Errorf("room %q does not begin as %q", m.Room, s.Room)
	}
	if !m.Until.Equal(s.Until) {
		t.Errorf("until %v, want %v", m.Until, s.Until)
	}
	if p.Traits().GuestTokens {
		if m.GuestURL != "" {
			t.Errorf("guest link %q is stored, and carries a token", m.GuestURL)
		}
	} else if link, err := rest.Link(m.GuestURL); err != nil || strings.Contains(link, "?") || !strings.Contains(link, m.Room) {
		t.Errorf("guest link %q: %v", m.GuestURL, err)
	}
}

// namesRooms skips the test if the platform makes the rooms' names.
func (Harness) namesRooms(t *testing.T, p provider.Provider) {
	t.Helper()
	if !p.Traits().NamesRooms {
		t.Skip("the platform makes the names")
	}
}

func testCreateExisting(t *testing.T, h Harness) {
	p := h.open(t, nil)
	h.namesRooms(t, p)
	s := h.spec(t)
	m := h.create(t, p, s)
	for _, until := range []time.Time{s.Until, s.Until.Add(time.Hour)} {
		s.Until = until
		if other, err := p.CreateMeeting(t.Context(), s); !errors.Is(err, provider.Conflict) {
			t.Errorf("the same name again: %+v, %v", other, err)
		}
	}
	if l, ok := p.(provider.Looker); ok {
		if again, err := l.Lookup(t.Context(), m); err != nil || !again.Until.Equal(m.Until) || again.ID != m.ID {
			t.Errorf("the first one became %+v, %v", again, err)
		}
	}
}

// A creation whose answer is lost creates one room, or none and reports the doubt; never two.
func testCreateAnswerLost(t *testing.T, h Harness) {
	for name, spoil := range map[string]func(*http.Request, http.RoundTripper) (*http.Response, error){
		"answer lost": lose, "request lost": loseBefore, "answer cut": cutShort, "gateway timed out": gateway,
		"a page instead": answering(200, "text/html", "<html>Log in</html>"),
	} {
		t.Run(name, func(t *testing.T) {
			wrap, calls := fault(creation, 1, spoil)
			p, s := h.open(t, wrap), h.spec(t)
			s.Locked, s.Size = true, 12
			m, err := p.CreateMeeting(t.Context(), s)
			if !p.Traits().NamesRooms {
				if !errors.Is(err, rest.ErrMaybeDone) || !errors.Is(err, provider.Unavailable) || calls() != 1 {
					t.Errorf("%+v, %v after %d calls", m, err, calls())
				}
				if err != nil && !strings.Contains(err.Error(), "expires an hour after") {
					t.Errorf("the error does not say what may be left: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			h.endLater(t, m)
			checkMeeting(t, p, s, m)
			if n := named(t, p, s.Room); n != 1 && n != -1 {
				t.Errorf("%d rooms", n)
			}
		})
	}
}

// A foreign room is never treated as ours, even when we don't know whether ours was created.
func testCreateForeign(t *testing.T, h Harness) {
	wrap, _ := fault(creation, 1, loseBefore)
	p, other, s := h.open(t, wrap), h.open(t, nil), h.spec(t)
	h.namesRooms(t, p)
	theirs := s
	theirs.Until = s.Until.Add(time.Minute)
	h.create(t, other, theirs)
	if m, err := p.CreateMeeting(t.Context(), s); !errors.Is(err, provider.Conflict) {
		t.Errorf("took %+v, %v", m, err)
	}
}

// Of several concurrent creations of one name, one succeeds.
func testCreateAtOnce(t *testing.T, h Harness) {
	p, s := h.open(t, nil), h.spec(t)
	h.namesRooms(t, p)
	var mu sync.Mutex
	var made []provider.Meeting
	var group crash.Group
	for range 4 {
		group.Go("create", func() {
			m, err := p.CreateMeeting(t.Context(), s)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made = append(made, m)
			} else if !errors.Is(err, provider.Conflict) {
				t.Errorf("create: %v", err)
			}
		})
	}
	group.Wait()
	if len(made) != 1 {
		t.Errorf("%d rooms of one name", len(made))
	}
	for _, m := range made {
		h.endLater(t, m)
	}
}

func testRateLimited(t *testing.T, h Harness) {
	wrap, calls := fault(creation, 1, answering(429, "application/json", `{"error":"rate-limit-error"}`, "Retry-After", "1"))
	p, s := h.open(t, wrap), h.spec(t)
	m, err := p.CreateMeeting(t.Context(), s)
	if err != nil || calls() != 2 {
		t.Fatalf("%v after %d calls", err, calls())
	}
	h.endLater(t, m)

	wrap, calls = fault(creation, 1, answering(429, "application/json", `{}`, "Retry-After", "120"))
	s.Name += "-b"
	_, err = h.open(t, wrap).CreateMeeting(t.Context(), s)
	var e *provider.Error
	if !errors.As(err, &e) || e.Kind != provider.RateLimited || e.RetryAfter != 2*time.Minute || calls() != 1 {
		t.Errorf("%v after %d calls", err, calls())
	}
}
