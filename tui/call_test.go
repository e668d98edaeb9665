package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/internal/notify"
)

func TestTheUserIsCalled(t *testing.T) {
	call := func(event, who string) app.Change {
		return app.Change{Kind: app.CallChange, Call: &app.Call{Event: event, Person: who, Room: "all-hands"}}
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay, func(o *Options) {
			o.Bell, o.Desktop = []string{notify.Waiting}, []string{notify.Waiting, notify.FirstGuest}
		})
		for _, who := range []string{"Ada\x1b]0;x\a", "Bo", "Cy", "Di"} {
			p.backend.Publish(call(notify.Waiting, who))
		}
		p.rest()
		p.sees("Di is waiting to be let into all-hands (and 3 more)")
		raw := p.written()
		if n := strings.Count(raw, "\x1b]9;Greenroom: "); n != mostMessages {
			t.Errorf("%d messages on the desktop", n)
		}
		if !strings.Contains(raw, "let into all-hands\a\a") { // the end of the last message, and the bell
			t.Error("the bell didn't ring")
		}
		before := strings.Count(raw, "\a")
		p.backend.Publish(call(notify.FirstGuest, "Ed"))
		p.backend.Publish(call(notify.AccountFailed, ""))
		p.rest()
		if after := p.written(); strings.Count(after, "\a") != before+1 || strings.Contains(after, "Greenroom: The account") {
			t.Error("what is turned off rings")
		}
	})
}
