package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// A newcomer who does what the guide says comes to the end of the demo.
func TestTheGuideLeadsThroughTheDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, nil, func(o *Options) { o.Demo = true })
		whole := func() {
			t.Helper()
			for _, l := range strings.Split(p.screen(), "\n") {
				if strings.HasPrefix(l, " Demo:") && !strings.HasSuffix(l, ".") {
					t.Errorf("the guide is cut: %q", l)
				}
			}
		}
		p.sees("Demo: press {room.new} to create your first room.").does("room.new").types("one").presses("right", "enter")
		p.sees("Demo: press {meeting.start} to start a meeting in one.").does("meeting.start").presses("enter")
		p.sees("Demo: people will join in a moment.")
		p.backend.Join("one", "Ada")
		p.sees("Demo: people come and go. Press {tab.webhooks}").opens("Webhooks").sees("Demo: each line is a signed request")
		whole()
		p.opens("Rooms").sees("Demo: press {meeting.end} to end the meeting, {recording.switch} to record it, {room.new} to create a room.")
		whole()
		p.does("recording.switch").sees("Demo: press {meeting.end} to end the meeting, {room.new} to create your own room.")
		p.does("meeting.end").presses("y").sees("Demo: that's the tour. {room.adopt} adopts existing rooms, {help} shows every key, {quit} quits.")
		whole()
	})
	synctest.Test(t, func(t *testing.T) { // what the platform can't do is not suggested
		p := sit(t, 80, 24, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "one", Account: "whereby"})
			b.Start("one")
			b.Join("one", "Ada")
			for i := range b.Stat.Accounts {
				b.Stat.Accounts[i].Cannot = map[provider.Ability]string{provider.AbilityRecord: "not by its API"}
			}
		}, func(o *Options) { o.Demo = true })
		p.opens("Webhooks").opens("Rooms").sees("Demo: press {meeting.end} to end").misses("{recording.switch} to record")
	})
}
