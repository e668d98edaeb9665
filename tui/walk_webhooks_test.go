package tui

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// pair delivers two webhooks that differ in a value.
func pair(b *tuitest.Backend) {
	for _, who := range []string{"Ada", "Grace"} {
		b.Deliver(app.Delivery{
			Account: "daily", Method: "POST", Target: "/hooks/daily?x=1", Verdict: provider.Verified, Status: 200, Via: "direct", Remote: "192.0.2.7",
			Kind: provider.KindParticipantJoined, Type: "participant.joined", Room: "standup", Participant: who,
			Headers: http.Header{"X-Webhook-Signature": {"secret-" + who}},
			Body:    app.Body(`{"payload":{"name":"` + who + `","deep":{"n":12345678901234567890}},"v":1}`),
		})
	}
}

func TestTheFilterIsCompletedAndRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, pair)
		p.opens("Webhooks").does("filter").types("kin").presses("tab").sees("/ kind:").types("participant.l").presses("tab").sees("kind:participant.left")
		p.presses("ctrl+u").types("kind:recording.").presses("tab").sees("recording.started  recording.ready  recording.failed")
		p.presses("ctrl+u").types("participant:ad").presses("tab").sees("participant:Ada").presses("enter").sees("Webhooks / participant:Ada")
		p.presses("esc").does("filter").types("account:daily").presses("enter").presses("esc")
		p.does("filter").presses("up").sees("/ account:daily").presses("up").sees("/ participant:Ada").presses("down").sees("/ account:daily").presses("down").misses("/ account:daily")
	})
}

func TestTwoDeliveriesAreCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, pair)
		p.opens("Webhooks").does("webhook.diff").sees("Mark an event first")
		p.moves("down").does("webhook.mark").sees("Event 1 marked").does("webhook.diff").sees("This is the marked event")
		p.moves("up").does("webhook.diff").sees("From 1 to 2", "Header", "- X-Webhook-Signature: secret-Ada", `- payload.name: "Ada"`, `+ payload.name: "Grace"`).misses("payload.deep")
		p.presses("esc").moves("down").does("webhook.mark").sees("Mark removed")
	})
}

func TestADeliveryIsReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []app.Delivery
		status := 204
		p := sit(t, 120, 30, pair, func(o *Options) {
			o.Send = func(_ context.Context, url string, d app.Delivery) app.Attempt {
				d.Target = url
				sent = append(sent, d)
				return app.Attempt{Status: status, Ms: 7, Answer: "no such thing\nmore"}
			}
		})
		p.opens("Webhooks").does("webhook.follow").does("webhook.replay").sees("Replay event 2", "to a URL").presses("enter").sees("Answered 204 in 7 ms")
		if len(sent) != 1 || sent[0].Target != "http://localhost:3000/webhooks" || !strings.Contains(string(sent[0].Body), "Grace") {
			t.Fatalf("sent: %+v", sent)
		}
		status = 404
		p.does("webhook.replay").presses("enter").sees("Answered 404 in 7 ms", "no such thing").misses("more")
		p.does("webhook.replay").presses("right").sees("only for a URL").presses("enter").sees("Stored as event 3")
		p.does("webhook.follow").sees("rep", "a replay of #2")
	})
}

func TestTheReceiptOfADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, pair)
		p.opens("Webhooks").does("webhook.chain").sees("Receipt of event 2", "received", "here from 192.0.2.7", "verified", "stored", "applied", "answered   ", "200")
	})
}

func TestValuesAreFoundAndCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, pair)
		p.opens("Webhooks").does("webhook.values").sees("payload.name  Grace", "payload.deep.n  12345678901234567890").types("deep").misses("payload.name").presses("ctrl+p").sees("Path copied").presses("esc")
		p.does("webhook.values").types("name").presses("enter").sees("Value copied")
		if got := p.clipboard(); len(got) != 2 || got[0] != "payload.deep.n" || got[1] != "Grace" {
			t.Errorf("%q", got)
		}
		p.does("webhook.fold").sees(`"payload": {…}`).misses("Grace\"").does("webhook.fold").sees(`"deep": {…}`, `"name": "Grace"`).does("webhook.fold").sees(`"n": 12345678901234567890`)
	})
}

func TestDeliveriesAreExported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "out.har")
		p := sit(t, 120, 30, pair)
		p.opens("Webhooks").does("webhook.export").sees("Export", "event 2").presses("right", "tab", "right", "tab", "tab", "ctrl+u").types(path).presses("enter").sees("2 events written to")
		b, err := os.ReadFile(path)
		if err != nil || strings.Count(string(b), `"startedDateTime"`) != 2 || strings.Contains(string(b), "secret-") {
			t.Errorf("%v: %s", err, b)
		}
		p.does("webhook.export").presses("tab", "tab", "tab", "ctrl+u").types(path).presses("enter").sees("Choose another name")
	})
}

func TestADeliveryIsEditedAndSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []app.Delivery
		p := sit(t, 120, 30, pair, func(o *Options) {
			o.Send = func(_ context.Context, _ string, d app.Delivery) app.Attempt {
				sent = append(sent, d)
				return app.Attempt{Status: 204, Ms: 7}
			}
		})
		p.opens("Webhooks").does("webhook.edit").sees("Replay the edited event 2")
		p.presses("é") // goes to the reader from before the editor, which can't be ended in an emulated terminal
		p.presses("enter").sees("Answered 204 in 7 ms")
		if len(sent) != 1 || !strings.HasSuffix(strings.TrimSpace(string(sent[0].Body)), `{"edited":true}`) {
			t.Errorf("sent: %+v", sent)
		}
	})
}

func TestAnEditorThatFailsSendsNothing(t *testing.T) {
	t.Setenv("VISUAL", "/nowhere/vi")
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, pair)
		p.opens("Webhooks").does("webhook.edit").sees("✗ Can't send the event: the editor failed:").misses("Replay the edited")
	})
}
