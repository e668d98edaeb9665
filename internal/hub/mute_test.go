package hub

import (
	"context"
	"errors"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// muter is a platform that mutes people.
type muter struct {
	*platform
	got []provider.Participant
	how []provider.Muting
	err error
}

func (m *muter) Mute(_ context.Context, _ provider.Meeting, p provider.Participant, how provider.Muting) (int, error) {
	m.got, m.how = append(m.got, p), append(m.how, how)
	return 2, m.err
}

func TestMuteReachesOnlyWhoIsThere(t *testing.T) {
	b := newBench(t)
	b.room("design")
	started := b.start("design")
	b.event(join(started.PlatformRoom, "ada", t0))
	b.event(join(started.PlatformRoom, "bob", t0))
	left := person("bob", t0)
	left.LeftAt = t0.Add(time.Minute)
	b.event(provider.Event{Kind: provider.KindParticipantLeft, ID: "l", At: left.LeftAt, Room: started.PlatformRoom, Participant: left})
	if _, err := b.Mute(t.Context(), app.Muting{Meeting: "design", Session: "ada", Audio: true}); !errors.Is(err, provider.Unsupported) || app.AsError(err).Hint == "" {
		t.Errorf("on a platform that mutes no one: %v", err)
	}
	b.close()
	m := &muter{platform: b.platform}
	b.accounts[0].Provider = m
	b.open()
	for name, c := range map[string]struct {
		req  app.Muting
		want provider.Kind
	}{
		"unknown":     {app.Muting{Meeting: "design", Session: "zoe", Audio: true}, provider.NotFound},
		"left":        {app.Muting{Meeting: "design", Session: "bob", Audio: true}, provider.NotFound},
		"no meeting":  {app.Muting{Meeting: "other", Session: "ada", Audio: true}, provider.NotFound},
		"no kind":     {app.Muting{Meeting: "design", Session: "ada"}, provider.Invalid},
		"no kind off": {app.Muting{Meeting: "design", Session: "ada", Off: true}, provider.Invalid},
	} {
		if _, err := b.Mute(t.Context(), c.req); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(m.got) != 0 {
		t.Fatalf("the platform was asked to mute %+v", m.got)
	}
	done, err := b.Mute(t.Context(), app.Muting{Meeting: "design", Session: "ada", Video: true, Off: true})
	if err != nil || done.Session != "ada" || done.Meeting != started.ID || done.Tracks != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	if len(m.got) != 1 || m.got[0].Session != "ada" || m.got[0].Name != "Name ada" || m.how[0] != (provider.Muting{Video: true, Off: true}) {
		t.Errorf("the platform was asked: %+v, %+v", m.got, m.how)
	}
	m.err = &provider.Error{Kind: provider.Forbidden, Platform: provider.Daily, Op: "mute", Text: "not allowed"}
	if _, err := b.Mute(t.Context(), app.Muting{Meeting: "design", Session: "ada", Audio: true}); !errors.Is(err, provider.Forbidden) {
		t.Errorf("a refusal: %v", err)
	}
}

// overtaken is a platform whose webhooks arrive before the answer to the creation.
type overtaken struct {
	*platform
	b     *bench
	early func(provider.MeetingSpec) []provider.Event
}

func (o *overtaken) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	for _, e := range o.early(s) {
		o.b.event(e)
	}
	return o.platform.CreateMeeting(ctx, s)
}

// Events that overtake the answer to a creation belong to the meeting that is being made, not to an adopted one.
func TestAWebhookThatOvertakesTheAnswer(t *testing.T) {
	b := newBench(t)
	b.close()
	o := &overtaken{platform: b.platform, b: b}
	b.accounts[0].Provider = o
	b.open()
	room := b.room("design")
	o.early = func(s provider.MeetingSpec) []provider.Event {
		if s.RoomID != room.ID {
			t.Errorf("the platform's room carries %q, the room is %q", s.RoomID, room.ID)
		}
		begun := provider.Event{Kind: provider.KindMeetingStarted, ID: "s", At: t0, Room: s.Name, MeetingID: "id-" + s.Name, RoomID: s.RoomID, Vacant: true}
		came := join(s.Name, "ada", t0.Add(time.Second))
		came.MeetingID, came.RoomID = begun.MeetingID, s.RoomID
		return []provider.Event{begun, came}
	}
	m := b.start("design")
	d := b.meeting(m.ID)
	if m.Adopted || d.Adopted || d.Here != 1 || d.Participants[0].Session != "ada" || d.Status != app.Live || d.RoomID != room.ID {
		t.Errorf("%+v", d)
	}
	if all := b.meetings(); len(all) != 1 {
		t.Errorf("%d meetings: %+v", len(all), all)
	}
	rooms, err := b.Rooms(t.Context(), app.RoomQuery{})
	if err != nil || len(rooms) != 1 || rooms[0].Adopted {
		t.Errorf("rooms %+v, %v", rooms, err)
	}
}

// That a lasting room exists on the platform begins no meeting in it; people who come do.
func TestALastingRoomThatExistsIsNoMeeting(t *testing.T) {
	b, _ := newKeeper(t)
	room := b.lasting("hall")
	exists := func(id string) provider.Event {
		return provider.Event{Kind: provider.KindMeetingStarted, ID: id, At: b.clock.Now(), Room: "hall", MeetingID: "id-hall", RoomID: room.ID, Vacant: true}
	}
	b.event(exists("1"))
	if all := b.meetings(); len(all) != 0 {
		t.Fatalf("meetings: %+v", all)
	}
	first := b.start("hall")
	b.event(join("hall", "ada", b.clock.Now()))
	if _, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: first.ID}); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	b.event(exists("2")) // it was made again
	if all := b.meetings(); len(all) != 1 || all[0].Status != app.Ended {
		t.Errorf("meetings: %+v", all)
	}
	b.event(join("hall", "zoe", b.clock.Now()))
	if all := b.meetings(); len(all) != 2 || b.meeting("hall").Here != 1 {
		t.Errorf("meetings: %+v", all)
	}
}
