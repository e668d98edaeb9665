package webhooks

import (
	"testing"

	"github.com/jonboulle/clockwork"

	"greenroom/tui/pane"
	"greenroom/tui/tuitest"
)

// A page that was replaced by a later one changes nothing.
func TestEarlierPagesAreDropped(t *testing.T) {
	b := tuitest.NewMany(tuitest.New(clockwork.NewFakeClock()), 3)
	p := New(&pane.Screen{Ctx: t.Context(), Backend: b, Clock: b.Clock, Keys: &pane.Keys{}})
	early := p.load(newest)().(pane.Call)
	b.Arrive()
	late := p.load(newest)().(pane.Call)
	if early(); p.feed.Held() != 0 {
		t.Error("the earlier page was applied")
	}
	if late(); p.feed.Held() != 4 {
		t.Errorf("%d rows", p.feed.Held())
	}
}
