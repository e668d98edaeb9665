package hub

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// linkless is a platform without links of its own: people join in our page, or in one of the user's with tokens.
type linkless struct {
	*platform
	join string
}

func (l *linkless) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	m, err := l.platform.CreateMeeting(ctx, s)
	m.GuestURL = ""
	return m, err
}

func (l *linkless) Links(context.Context, provider.LinkRequest) (provider.Links, error) {
	if l.join == "" {
		return provider.Links{}, &provider.Error{Kind: provider.Unsupported, Platform: l.name, Op: "make links", Text: "there are none"}
	}
	return provider.Links{Guest: l.join + "?token=guest", Host: l.join + "?token=host"}, nil
}

func (l *linkless) Embed() provider.Embed { return provider.Embed{Component: "x"} }

func (l *linkless) Entry(context.Context, provider.EntryRequest) (provider.Entry, error) {
	return provider.Entry{}, nil
}

// Every reading of a meeting has the same guest link: the room's page, or none where the links are the user's and carry tokens. Those
// are only in the answers that make them.
func TestAGuestLinkIsTheSameEverywhere(t *testing.T) {
	for name, own := range map[string]string{"the room's page": "", "a page of the user's": "https://meet.example/"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.close()
			b.platform.traits.GuestTokens = true
			b.accounts[0].Provider, b.accounts[0].JoinURL = &linkless{b.platform, own}, own
			b.open()
			b.room("design")
			changes, err := b.Subscribe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			page := b.show("design").PageURL
			made, shown := page, page
			if own != "" {
				made, shown = own+"?token=guest", ""
			}
			started := b.start("design")
			b.event(join(started.PlatformRoom, "ada", t0))
			booking, err := b.Book(t.Context(), app.BookingSpec{Room: "design", At: "2026-12-01T10:00:00", For: time.Hour, TimeZone: "UTC"})
			if err != nil {
				t.Fatal(err)
			}
			link, err := b.MeetingLink(t.Context(), app.LinkRequest{Meeting: started.ID})
			if err != nil {
				t.Fatal(err)
			}
			upcoming, err := b.Upcoming(t.Context(), app.UpcomingQuery{Days: 1})
			if err != nil || len(upcoming.Items) != 1 {
				t.Fatalf("%+v, %v", upcoming, err)
			}
			rooms, err := b.Rooms(t.Context(), app.RoomQuery{})
			if err != nil {
				t.Fatal(err)
			}
			for what, got := range map[string]string{
				"the start": started.GuestURL, "starting again": b.start("design").GuestURL, "the link": link.URL,
			} {
				if got != made {
					t.Errorf("%s has %q, not %q", what, got, made)
				}
			}
			for what, got := range map[string]string{
				"the meeting": b.meeting(started.ID).GuestURL, "the list of meetings": b.meetings()[0].GuestURL, "a booking": booking.Link,
				"the room": b.show("design").Meeting.GuestURL, "the list of rooms": rooms[0].Meeting.GuestURL, "what is next": upcoming.Items[0].URL,
				"a change": meetingChange(t, changes, 1).GuestURL,
			} {
				if got != shown {
					t.Errorf("%s has %q, not %q", what, got, shown)
				}
			}
		})
	}
}

// The first change after the listener or the tunnel has moved has the new address.
func TestTheGuestLinkOfAChangeFollowsTheAddress(t *testing.T) {
	b := newBench(t)
	b.close()
	b.platform.traits.GuestTokens = true
	b.accounts[0].Provider = &linkless{b.platform, ""}
	b.open()
	b.room("design")
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	started := b.start("design")
	for n, address := range []string{"http://127.0.0.1:7001", "http://127.0.0.1:7002"} {
		b.SetListener(func() app.ListenerStatus { return app.ListenerStatus{URL: address} })
		b.links.mu.Lock()
		b.links.since = time.Time{} // long ago
		b.links.mu.Unlock()
		b.event(join(started.PlatformRoom, fmt.Sprint(n), t0))
		if got := meetingChange(t, changes, n+1); !strings.HasPrefix(got.GuestURL, address+"/") {
			t.Errorf("the change has %q at %s", got.GuestURL, address)
		}
	}
}

// meetingChange waits for the change of a meeting that so many people are in.
func meetingChange(t *testing.T, changes <-chan app.Change, here int) app.Meeting {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		select {
		case c := <-changes:
			if c.Meeting != nil && c.Meeting.Here == here {
				return *c.Meeting
			}
		case <-late.C:
			t.Fatalf("no change of a meeting with %d people in it", here)
		}
	}
}
