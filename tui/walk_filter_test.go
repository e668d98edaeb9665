package tui

import (
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// A filter that can't be used is explained in full while the rows stay. One that compares whole names and matches nothing says so.
func TestAFilterIsExplained(t *testing.T) {
	for _, tab := range []string{"Rooms", "Meetings"} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 80, 24, hundreds)
			p.opens(tab).does("filter").types("-is:lve").sees("✗ filter not applied").pane(tab).sees("✗ character 5: there is no is:lve", "is:favourite", "team")
			p.presses("esc").does("filter").types("room:team").presses("enter").
				pane(tab).sees("room:team compares whole names", "room:*team*").misses("▌")
			p.presses("esc").pane(tab).sees("team 1")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, hundreds)
		p.opens("Webhooks").does("filter").types("kind:x").sees("✗ filter not applied", `there is no kind "x"`, "participant.joined")
		p.presses("esc").does("filter").types("room:zzz").presses("enter").sees("room:zzz compares whole names", "room:*zzz*")
	})
}

// A room in which people are before its booking begins is still one whose booking begins soon.
func TestABookingSoonIsFoundWhilePeopleAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			for _, name := range []string{"early", "later", "quiet"} {
				b.AddRoom(app.RoomSpec{Name: name, Account: "daily"})
			}
			b.Start("early")
			b.Join("early", "Ada")
			b.Plan("early", 5*time.Minute, "")
			b.Plan("later", time.Hour, "")
		})
		p.does("filter").types("is:soon").pane("Rooms").sees("early").misses("later").misses("quiet")
	})
}
