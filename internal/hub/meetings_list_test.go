package hub

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Meetings are found by the people who were in them, also when they have left and the room is deleted, and rooms by those who are there.
func TestMeetingsAndRoomsAreFoundByTheirPeople(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	first := s.start("daily")
	ada := s.join(first.Meeting, "Ada Lovelace")
	s.until(first.ID, 5*time.Second, here(1))
	if err := s.world.Leave(ada, "left"); err != nil {
		t.Fatal(err)
	}
	s.until(first.ID, 5*time.Second, here(0))
	if _, err := s.EndMeeting(t.Context(), app.MeetingRef{Ref: first.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteRoom(t.Context(), app.RoomRef{Ref: first.RoomID}); err != nil {
		t.Fatal(err)
	}
	second := s.start("daily")
	s.join(second.Meeting, "Grace Hopper")
	s.until(second.ID, 5*time.Second, here(1))
	ids := func(q app.MeetingQuery) (out []string) {
		t.Helper()
		list, err := s.Meetings(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			out = append(out, m.ID)
		}
		return out
	}
	for filter, want := range map[string][]string{
		"": {second.ID, first.ID}, "lovelace": {first.ID}, "person:Ada*": {first.ID}, "grace is:live": {second.ID}, "ada or grace": {second.ID, first.ID}, "linus": nil,
		"-ada": {second.ID}, "date:today": {second.ID, first.ID}, "is:ended": {first.ID},
	} {
		if got := ids(app.MeetingQuery{ByTime: true, Filter: filter}); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", filter, got, want)
		}
	}
	if got := ids(app.MeetingQuery{ByTime: true, Before: second.ID}); !slices.Equal(got, []string{first.ID}) {
		t.Errorf("before the second: %v", got)
	}
	if got := ids(app.MeetingQuery{ByTime: true, Before: first.ID}); got != nil {
		t.Errorf("before the first: %v", got)
	}
	for _, wrong := range []app.MeetingQuery{{Filter: "is:asleep"}, {TimeZone: "Mars/Base"}} {
		if _, err := s.Meetings(t.Context(), wrong); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	rooms, err := s.Rooms(t.Context(), app.RoomQuery{People: true})
	if err != nil || len(rooms) != 1 || !slices.Equal(rooms[0].People, []string{"Grace Hopper"}) {
		t.Errorf("rooms with people: %+v, %v", rooms, err)
	}
	if rooms, err = s.Rooms(t.Context(), app.RoomQuery{}); err != nil || rooms[0].People != nil {
		t.Errorf("people who were not asked for: %+v, %v", rooms, err)
	}
}
