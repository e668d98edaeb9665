package hub

import (
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// alike checks that all of the world's stays in a room are known here, to the given accuracy.
func (s *sandboxed) alike(d app.MeetingDetail, within time.Duration) {
	s.t.Helper()
	known := map[string]app.Stay{}
	for _, p := range d.Participants {
		known[p.Session] = p
	}
	for _, w := range s.world.Stays() {
		if w.Room != d.PlatformRoom {
			continue
		}
		got, ok := known[w.Session]
		delete(known, w.Session)
		if !ok || got.JoinedAt.Sub(w.JoinedAt).Abs() > within || got.LeftAt.IsZero() != w.LeftAt.IsZero() ||
			!w.LeftAt.IsZero() && got.LeftAt.Sub(w.LeftAt).Abs() > within || got.Name != w.Name || got.Bot != w.Bot {
			s.t.Errorf("known as %+v, really %+v", got, w)
		}
	}
	if len(known) != 0 {
		s.t.Errorf("the platform has no %+v", known)
	}
}

// Events while no program ran are read from the platform's history, the ends of meetings too.
func TestHistoryFillsATimeWithoutAListener(t *testing.T) {
	for _, platform := range []provider.Platform{provider.Daily, provider.Whereby} {
		t.Run(string(platform), func(t *testing.T) {
			s := newSandboxed(t)
			m := s.start(string(platform)).Meeting
			ada := s.join(m, "Ada")
			s.until(m.ID, time.Minute, here(1))
			if err := s.Hub.Close(); err != nil {
				t.Fatal(err)
			}
			do := func(err error) {
				t.Helper()
				if err == nil {
					err = s.world.Settle(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				s.clock.Advance(10 * time.Minute)
			}
			bob := s.join(m, "Bob")
			do(nil)
			do(s.world.Leave(ada, ""))
			do(s.world.Leave(bob, ""))
			zoe := s.join(m, "Zoë")
			do(nil)
			s.open()
			s.pass(3 * time.Minute)
			d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
			if err != nil || d.Here != 1 || d.Peak != 2 || d.Participants[0].Session != zoe {
				t.Fatalf("here %d, peak %d, %v", d.Here, d.Peak, err)
			}
			s.alike(d, 2*time.Second)
			before := d
			s.pass(15 * time.Minute)
			if d, err = s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil || d.Participants[1] != before.Participants[1] {
				t.Errorf("read again: %+v", d.Participants)
			}
		})
	}
}

// The leaving that presence only inferred is corrected, and those who came and went unseen are found.
func TestHistoryCorrectsWhatPresenceInferred(t *testing.T) {
	for _, platform := range []provider.Platform{provider.Daily, provider.Whereby} {
		t.Run(string(platform), func(t *testing.T) {
			s := newSandboxed(t)
			m := s.start(string(platform)).Meeting
			s.join(m, "Stays")
			goes := s.join(m, "Goes")
			s.until(m.ID, time.Minute, here(2))
			if err := s.world.Leave(goes, ""); err != nil {
				t.Fatal(err)
			}
			brief := s.join(m, "Brief")
			s.pass(14 * time.Second)
			if err := s.world.Leave(brief, ""); err != nil {
				t.Fatal(err)
			}
			s.pass(8 * time.Minute)
			if err := s.world.EndAll(platform, m.PlatformRoom); err != nil {
				t.Fatal(err)
			}
			s.pass(4 * time.Minute)
			d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
			if err != nil || d.Here != 0 {
				t.Fatalf("%+v, %v", d, err)
			}
			s.alike(d, 2*time.Second)
		})
	}
}

func TestAMeetingThatEndedWhileAwayIsRecalled(t *testing.T) {
	s := newSandboxed(t)
	m := s.start("daily").Meeting
	s.pass(5 * time.Second)
	if err := s.Hub.Close(); err != nil {
		t.Fatal(err)
	}
	ada := s.join(m, "Ada")
	s.clock.Advance(10 * time.Minute)
	if err := s.world.Leave(ada, ""); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(10 * time.Hour)
	s.open()
	s.pass(3 * time.Minute)
	d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
	if err != nil || d.Status != app.Ended || len(d.Participants) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	s.alike(d, 2*time.Second)
}
