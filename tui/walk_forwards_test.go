package tui

import (
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// someForwards are a forward that works, one whose target fails, and a paused one.
func someForwards(b *tuitest.Backend) {
	at := app.At(b.Clock.Now())
	b.KeepForward(app.Forward{
		Name: "ci", URL: "https://ci.example.com/hook?team=a", Filter: "kind:recording.ready", State: app.ForwardRetrying, Queue: 12, Parked: []uint64{3, 4},
		Last: &app.Attempt{Name: "ci", Seq: 7, Attempt: 3, At: at, Ms: 48, Status: 503},
	})
	b.KeepForward(app.Forward{
		Name: "dev", URL: "http://localhost:3000/hooks", State: app.ForwardRunning, Last: &app.Attempt{Name: "dev", Seq: 9, Attempt: 1, At: at, Ms: 4, Status: 204, Final: true},
	})
	b.KeepForward(app.Forward{Name: "old\x1b[2J", URL: "http://localhost:1/", State: app.ForwardPaused, Queue: 1, Last: &app.Attempt{Seq: 2, At: at, Error: "connection refused"}})
}

func TestForwardsAreShownAndReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, nil, func(*Options) {})
		p.opens("Webhooks").does("webhook.forwards").sees("No forwards", "greenroom forward add")
		someForwards(p.backend)
		p.presses("r").sees("ci", "12 events waiting, 2 parked", "filter kind:recording.ready", "event 7: 503 in 48 ms", "connection refused").
			presses("esc").misses("12 events waiting")
	})
}
