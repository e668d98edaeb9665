package hub

import (
	"errors"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// elsewhere makes a room on the platform as another program would.
func (s *sandboxed) elsewhere(account, name string) provider.Meeting {
	s.t.Helper()
	m, err := s.accounts[account].Provider.CreateMeeting(s.t.Context(), provider.MeetingSpec{
		Name: name, Room: name, Until: s.clock.Now().Add(10 * time.Hour).Truncate(time.Second),
		Recording: provider.RecordingNone, Trigger: provider.TriggerNone,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *sandboxed) join(m app.Meeting, name string) string {
	s.t.Helper()
	id, err := s.world.Join(m.Platform, m.PlatformRoom, sandbox.Person{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestWhatExistsOnThePlatformsIsListedAndTakenOver(t *testing.T) {
	s := newSandboxed(t)
	ours := s.start("daily")
	old := s.elsewhere("daily", "years-old")
	theirs := s.elsewhere("whereby", "clinic")
	list, err := s.PlatformRooms(t.Context(), app.PlatformRoomQuery{})
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, r := range list {
		if known := r.PlatformRoom == ours.PlatformRoom; r.Known != known || (r.Meeting == ours.ID) != known || r.GuestURL == "" {
			t.Errorf("%+v", r)
		}
	}
	v, err := s.AdoptRoom(t.Context(), app.Adoption{Account: "daily", PlatformRoom: old.Room, Name: "Office"})
	if err != nil || v.Name != "Office" || !v.Adopted || v.Meeting == nil || !v.Meeting.Adopted ||
		v.Meeting.GuestURL != old.GuestURL || v.Meeting.PlatformID != old.ID || !v.Meeting.EndsAt.Equal(old.Until) {
		t.Fatalf("%+v, %+v, %v", v, v.Meeting, err)
	}
	again, err := s.AdoptRoom(t.Context(), app.Adoption{Account: "daily", PlatformRoom: old.Room, Name: "Front office"})
	if err != nil || again.Meeting.ID != v.Meeting.ID || again.ID != v.ID || again.Name != "Front office" || again.Meeting.Room != "Front office" {
		t.Errorf("%+v, %+v, %v", again, again.Meeting, err)
	}
	w, err := s.AdoptRoom(t.Context(), app.Adoption{Account: "whereby", PlatformRoom: theirs.Room})
	if err != nil || w.Meeting == nil || w.Meeting.PlatformID != theirs.ID {
		t.Errorf("%+v, %v", w, err)
	}
	if l, err := s.MeetingLink(t.Context(), app.LinkRequest{Meeting: w.Meeting.ID, Host: true}); err != nil || l.URL == "" {
		t.Errorf("%+v, %v", l, err)
	}
	for _, req := range []app.Adoption{{Account: "daily", PlatformRoom: "nowhere"}, {Account: "whereby", PlatformRoom: "nowhere"}} {
		if _, err := s.AdoptRoom(t.Context(), req); !errors.Is(err, provider.NotFound) {
			t.Errorf("%+v: %v", req, err)
		}
	}
	if _, err := s.AdoptRoom(t.Context(), app.Adoption{Account: "zoom", PlatformRoom: "x"}); !errors.Is(err, app.NotConfigured) {
		t.Error(err)
	}
	if _, err := s.AdoptRoom(t.Context(), app.Adoption{Account: "whereby", PlatformRoom: theirs.Room, Name: "Front office"}); !errors.Is(err, provider.Conflict) {
		t.Errorf("a room of another account: %v", err)
	}
}

// No webhook arrives: the sweep alone makes rooms in use known.
func TestRoomsInUseAreSeenAtOnce(t *testing.T) {
	s := newSandboxed(t)
	old := s.elsewhere("daily", "years-old")
	s.elsewhere("daily", "empty")
	if _, err := s.world.Join(provider.Daily, old.Room, sandbox.Person{Name: "Ada"}); err != nil {
		t.Fatal(err)
	}
	s.pass(60 * time.Second)
	d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: old.Room})
	if err != nil || d.Here != 1 || !d.Adopted || d.GuestURL != old.GuestURL || d.Participants[0].Name != "Ada" {
		t.Fatalf("%+v, %v", d, err)
	}
	rooms, err := s.Rooms(t.Context(), app.RoomQuery{})
	if err != nil || len(rooms) != 1 {
		t.Errorf("%d rooms, %v", len(rooms), err)
	}
	// What was ended here stays ended although presence still shows its ghosts.
	if _, err := s.EndMeeting(t.Context(), app.MeetingRef{Ref: d.ID}); err != nil {
		t.Fatal(err)
	}
	s.pass(90 * time.Second)
	if all, err := s.Meetings(t.Context(), app.MeetingQuery{}); err != nil || len(all) != 1 || all[0].Status != app.Ended {
		t.Errorf("%+v, %v", all, err)
	}
	// The room, which is not ours, still exists; the next participant begins another meeting.
	if _, err := s.world.Join(provider.Daily, old.Room, sandbox.Person{Name: "Bob"}); err != nil {
		t.Fatal(err)
	}
	s.pass(60 * time.Second)
	again, err := s.Meeting(t.Context(), app.MeetingRef{Ref: old.Room})
	if err != nil || again.ID == d.ID || again.Here != 1 || again.RoomID != d.RoomID || again.GuestURL == "" {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestAFailingSweepIsOnlyALine(t *testing.T) {
	s := newSandboxed(t)
	if _, err := s.world.Fault(sandbox.Fault{Kind: sandbox.ServerError, Match: "GET /presence"}); err != nil {
		t.Fatal(err)
	}
	s.pass(2 * time.Second)
	st, err := s.Status(t.Context(), app.StatusQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range st.Pollers {
		if p.Name == "rooms in use" && p.Error != "" {
			return
		}
	}
	t.Errorf("%+v", st.Pollers)
}
