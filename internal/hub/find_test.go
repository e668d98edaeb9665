package hub

import (
	"errors"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Strangers can make platform rooms of any name. A command by name never acts on one of those in place of the user's own.
func TestARoomGoesBeforeAPlatformRoomOfItsName(t *testing.T) {
	b := newBench(t)
	b.room("board")
	b.event(join("board", "mallory", t0))
	if _, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: "board"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("a room that had no meeting named a stranger's: %v", err)
	}
	mine := b.start("board")
	b.event(join(mine.PlatformRoom, "ada", t0))
	if d := b.meeting("board"); d.ID != mine.ID {
		t.Errorf("board means %s", d.PlatformRoom)
	}
	if l, err := b.MeetingLink(t.Context(), app.LinkRequest{Meeting: "board", Host: true}); err != nil || l.Meeting != mine.ID {
		t.Errorf("a link to %+v, %v", l, err)
	}
	if ended := b.end("board"); ended.ID != mine.ID {
		t.Errorf("ended %s", ended.PlatformRoom)
	}
	if theirs := b.meeting("board (adopted)"); theirs.Status != app.Live {
		t.Errorf("the stranger's is %s", theirs.Status)
	}
}

func TestANameThatFitsTwoMeetingsIsRefused(t *testing.T) {
	b := newBench(t)
	b.close()
	b.platform.traits.NamesRooms = true
	b.accounts = append(b.accounts, Account{
		Account: provider.Account{Name: "second", Platform: provider.Daily, WebhookSecret: "x"}, Provider: b.platform,
	})
	b.open()
	ids := map[string]string{}
	for _, a := range b.order {
		found, err := b.AdoptRoom(t.Context(), app.Adoption{Account: a.Name, PlatformRoom: "office", Name: "of " + a.Name})
		if err != nil {
			t.Fatal(err)
		}
		ids[a.Name] = found.Meeting.ID
	}
	_, err := b.Meeting(t.Context(), app.MeetingRef{Ref: "office"})
	if !errors.Is(err, provider.Invalid) || app.AsError(err).Platform != "" ||
		!strings.Contains(err.Error(), ids["daily"]) || !strings.Contains(err.Error(), ids["second"]) {
		t.Errorf("%v", err)
	}
	for _, id := range ids {
		if d := b.meeting(strings.ToUpper(id[:len(id)-1])); d.ID != id {
			t.Errorf("the beginning of %s names %s", id, d.ID)
		}
	}
	if _, err := b.Meeting(t.Context(), app.MeetingRef{Ref: ids["daily"][:minPrefix]}); !errors.Is(err, provider.Invalid) {
		t.Errorf("a beginning that both ids have: %v", err)
	}
	for _, ref := range []string{"", ids["daily"][:minPrefix-1], "zzzz"} {
		if _, err := b.Meeting(t.Context(), app.MeetingRef{Ref: ref}); !errors.Is(err, provider.NotFound) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestTheMeetingsOfADeletedRoomAreFoundByItsName(t *testing.T) {
	b := newBench(t)
	b.room("Retro")
	old := b.start("Retro")
	b.end(old.ID)
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "Retro"}); err != nil {
		t.Fatal(err)
	}
	if d := b.meeting("retro"); d.ID != old.ID {
		t.Errorf("%+v", d)
	}
	if all, err := b.Meetings(t.Context(), app.MeetingQuery{Room: "retro"}); err != nil || len(all) != 1 {
		t.Errorf("%d meetings, %v", len(all), err)
	}
	b.room("retro")
	if _, err := b.Meeting(t.Context(), app.MeetingRef{Ref: "retro"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("a new room of the name has the old one's meeting: %v", err)
	}
}

func TestTwoSpellingsOfANameAreOneRoom(t *testing.T) {
	b := newBench(t)
	composed, apart := "Z\u00fcrich", "Zu\u0308rich"
	if r := b.room(apart); r.Name != composed {
		t.Errorf("the name is %+q", r.Name)
	}
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: composed}); !errors.Is(err, provider.Conflict) {
		t.Errorf("a second room that looks the same: %v", err)
	}
	for _, name := range []string{composed, apart, strings.ToUpper(apart)} {
		if _, err := b.Room(t.Context(), app.RoomRef{Ref: name}); err != nil {
			t.Errorf("%+q: %v", name, err)
		}
	}
	b.room("other")
	if _, err := b.EditRoom(t.Context(), app.RoomPatch{Ref: "other", Name: &apart}); !errors.Is(err, provider.Conflict) {
		t.Errorf("renamed to what looks the same: %v", err)
	}
}
