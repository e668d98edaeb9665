package tui

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// many delivers n webhooks, numbered in their bodies.
func many(n int) func(*tuitest.Backend) {
	return func(b *tuitest.Backend) {
		for i := range n {
			deliver(b, i+1)
		}
	}
}

func deliver(b *tuitest.Backend, i int) {
	kind := provider.KindParticipantJoined
	if i%10 == 0 {
		kind = provider.KindRecordingReady
	}
	b.Deliver(app.Delivery{Account: "daily", Method: "POST", Target: "/hooks/daily", Verdict: provider.Verified, Status: 200,
		Kind: kind, Type: string(kind), Room: fmt.Sprintf("room-%d", i), Headers: http.Header{"A": {"b"}}, Body: app.Body(fmt.Sprintf(`{"n":%d}`, i))})
}

func TestTheWebhooksArePagedFromTopToBottom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(5000))
		p.opens("Webhooks").sees("room-5000", "#5000", `"n": 5000`, "following")
		p.moves("bottom").sees("room-1 ", "#1", `"n": 1`)
		p.moves("up", "up").sees("#3 ", `"n": 3`)
		for range 40 {
			p.moves("half-up")
		}
		p.misses("room-1 ").sees("#523", `"n": 523`)
		p.moves("top").sees("room-5000", "#5000", "following")
		for range 300 {
			p.moves("half-down")
		}
		p.sees("#1100", `"n": 1100`)
	})
}

func TestFollowingAndReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(50))
		p.opens("Webhooks").sees("#50", "following")
		deliver(p.backend, 51)
		p.sees("#51", `"n": 51`)
		p.moves("down").sees("#50")
		for i := range 20 {
			deliver(p.backend, 52+i)
		}
		p.sees("20 new above", "#50", `"n": 50`).misses("following")
		p.does("webhook.follow").sees("following", "#71", `"n": 71`)
		p.does("webhook.follow").sees("Stopped following")
	})
}

func TestTheFilterOfTheWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(300))
		p.opens("Webhooks").does("filter").sees("kind: room: body.PATH:")
		p.types("kind:recording").presses("enter").sees("recording.ready", "Webhooks / kind:recording").misses("participant.joined")
		deliver(p.backend, 301)
		deliver(p.backend, 310)
		p.sees("room-310").misses("room-301")
		p.does("filter").types("zzz").sees(`character 6: there is no kind "recordingzzz"`, "recording.ready")
		p.presses("ctrl+u").types("verdict:rej").sees("No webhook matches")
		p.presses("esc").sees("room-301")
		p.does("filter").types("body.n:42").presses("enter").sees("room-42 ").misses("room-41 ")
		p.presses("esc").sees("participant.joined")
	})
}

func TestABurstIsShownAndNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(10))
		p.opens("Webhooks")
		for i := range 3000 {
			deliver(p.backend, 11+i)
		}
		p.sees("#3010", `"n": 3010`)
		for range 60 {
			p.moves("half-down")
		}
		p.sees("#2230", `"n": 2230`)
	})
}

func TestADeliveryAsBytesAndAsCurl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, many(1))
		p.opens("Webhooks").sees("7 B of JSON").does("webhook.hex").sees("7 B as bytes", "00000000  7b 22 6e 22")
		p.does("webhook.hex").sees(`"n": 1`).does("webhook.curl").sees("Delivery 1 as curl copied")
		want := "curl --globoff --path-as-is --request 'POST' \\\n  'http://127.0.0.1:7070/hooks/daily' \\\n  --header 'A: b' \\\n  --header 'Accept:' \\\n  --header 'User-Agent:' \\\n  --header 'Content-Type:' \\\n  --data-raw '{\"n\":1}'"
		if diff := cmp.Diff([]string{want}, p.clipboard()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBytesFitThePane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, rejected)
		p.opens("Webhooks").does("webhook.hex").moves("in", "bottom").sees("│   00000000  7b 22 7a 65 74 61 22 3a  |{\"zeta\":|", "00000058  7d                       |}|")
	})
}

func TestPasteIntoTheFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "alpha", Account: "daily"})
			b.AddRoom(app.RoomSpec{Name: "beta", Account: "daily"})
		})
		p.does("filter")
		p.term.Paste("bet\x1b[31m\n")
		p.rest()
		p.misses("alpha")
		p.presses("ctrl+u").types("b").sees("beta", "1 of 2").presses("enter").misses("│ · alpha")
		p.presses("esc").sees("alpha")
		p.opens("Recordings").does("filter").types("x").presses("enter").sees("/ x").presses("esc").opens("Status").does("filter").sees("This tab has no filter")
		p.wait(6 * time.Second)
	})
}

func TestABodyThatDoesNotFitIsScrolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, rejected)
		p.opens("Webhooks").moves("in").misses("渡辺")
		p.moves("bottom").sees("渡辺")
		p.moves("top").sees("the signature does not match").misses("渡辺")
		p.moves("half-down", "half-down", "half-down").sees("渡辺")
	})
}

// A text that is too long for the clipboard is not reported as copied.
func TestWhatIsTooLongForTheClipboardIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			b.Deliver(app.Delivery{Account: "daily", Method: "POST", Target: "/hooks/daily?" + strings.Repeat("x", 64<<10), Verdict: provider.Verified})
		}, func(o *Options) { o.Copy = nil })
		p.opens("Webhooks").does("webhook.curl").sees("is too long for the terminal's clipboard").misses("copied", "Sent to")
		if strings.Contains(p.written(), "\x1b]52;") {
			t.Error("the terminal was sent it all the same")
		}
	})
}
