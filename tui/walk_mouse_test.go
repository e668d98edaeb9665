package tui

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// The mouse alone reaches everything but text: dialogs, menus, forms, help and accounts.
func TestTheMouseAloneIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 160, 40, years)
		p.clicks("{room.adopt} adopt").sees("Adopt existing rooms").clicks("weekly-sync").sees("Adopt weekly-sync").clicks("Adopt  ").sees("weekly-sync")
		p.presses("esc").clicks("{palette} command").sees("Commands").turns(down, 9, 60, 20).clicks("Show this session's messages").sees("Messages", "weekly-sync").presses("esc")
		p.clicks("{help} help").sees("Keys on Rooms").turns(down, 3, 60, 20).misses("Create a room").turns(up, 3, 60, 20).sees("Create a room").presses("esc")
	})
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 50, relayed)
		p.clicks("{tab.status} Status").pane("Status").row("daily  ").sees("▌")
		p.clicks("! no webhook secret").pane("Status").row("whereby  ").sees("▌ whereby")
		p.clicks("api.daily.co").pane("Status").row("daily  ").sees("▌ daily")
		p.clicks("{webhook.register} register").sees("Replace the webhook of daily?").clicks("elsewhere").sees("Replace the webhook") // beside the buttons
		p.clicks("  Replace ").sees("The platform of daily posts to the tunnel")
	})
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, pair)
		p.clicks("{tab.webhooks} Webhooks").clicks("{webhook.replay} replay").sees("Replay event 2").clicks("Where").sees("‹ here ›").clicks("Where").sees("‹ here, applied ›")
		p.clicks("  Replay ").sees("Stored as event 3")
	})
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, fetched)
		p.clicks("{tab.recordings} Recordings").clicks("board ").clicks("{recording.download} download").sees("Downloading board")
		p.clicks("stand-up").clicks("{recording.cancel} cancel").sees("Cancel the download of stand-up?").clicks("Cancel download ").misses("Cancel the download of")
	})
}

// The key for the mouse gives it back to the terminal, and takes it again.
func TestAReleasedMouseDoesNothingHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, busyDay)
		p.does("mouse").sees("select text").clicks("{tab.webhooks} Webhooks").misses("Headers")
		p.does("mouse").sees("The mouse works").clicks("{tab.webhooks} Webhooks").sees("Headers")
		p.does("tab.previous").sees("No recordings yet").does("tab.previous", "tab.previous").sees("all-hands")
	})
}

// Catches are events like others: they are listed with their address's name, read, and filtered.
func TestACatchIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			busyDay(b)
			b.Deliver(app.Delivery{Account: "stripe", Method: "POST", Target: "/c/stripe?x=1", Verdict: "verified", Status: 200, Type: "invoice.paid",
				Headers: map[string][]string{"Stripe-Signature": {"t=1,v1=abc"}}, Body: app.Body(`{"id":"evt_1","total":1200}`)})
		})
		p.opens("Webhooks").sees("▌00:", "stripe", "invoice.paid", "POST /c/stripe?x=1", `"total": 1200`)
		p.does("filter").types("type:invoice*").presses("enter").sees("invoice.paid").pane("Webhooks").misses("participant")
		p.does("webhook.curl").sees("copied")
		if got := p.clipboard(); len(got) != 1 || !strings.Contains(got[0], `"total":1200`) {
			t.Errorf("copied %q", got)
		}
	})
}

// Every action is part of a walk.
func TestEveryActionIsWalked(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var walks strings.Builder
	for _, f := range files {
		if f == "screens_test.go" { // which only looks
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		walks.Write(b)
	}
	m, _ := bound(t, nil)
	for _, g := range m.rows() {
		for _, a := range g.Actions {
			names := []string{`"` + string(a.Name) + `"`, "{" + string(a.Name) + "}"}
			switch first, rest, _ := strings.Cut(string(a.Name), "."); first {
			case "move":
				names = append(names, `"`+rest+`"`)
			case "tab":
				names = append(names, `opens("`+strings.ToUpper(rest[:1])+rest[1:]+`"`)
			}
			if a.Name != suspend && !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(walks.String(), n) }) { // see cmd/greenroom's terminal tests
				t.Errorf("no walk does %s", a.Name)
			}
		}
	}
}
