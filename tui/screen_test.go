package tui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// rejected is a delivery whose signature fails, with every kind of JSON value.
func rejected(b *tuitest.Backend) {
	busyDay(b)
	b.Deliver(app.Delivery{
		Account: "whereby", Method: "POST", Target: "/hooks/whereby?via=x", Verdict: provider.Rejected, Status: 401,
		Reason: "the signature does not match", Kind: provider.KindParticipantJoined, Type: "room.client.joined", Room: "design",
		Headers: map[string][]string{"Content-Type": {"application/json"}, "Whereby-Signature": {"t=1,v1=abc"}},
		Body:    app.Body(`{"zeta":1.50,"alpha":[true,null,"x"],"big":12345678901234567890,"deep":{"name":"渡辺"}}`),
	})
}

// aligned checks that every border is in its column: what begins with a bar ends with one at the edge.
func aligned(t *testing.T, p *person, w int) {
	t.Helper()
	for y, line := range strings.Split(p.screen(), "\n") {
		if strings.HasPrefix(line, "│") && (p.width(line) != w || !strings.HasSuffix(line, "│")) {
			t.Errorf("line %d is %d cells wide, not %d: %q", y, p.width(line), w, line)
		}
	}
}

func TestTheTerminalsBackgroundChoosesTheTheme(t *testing.T) {
	var dark, light string
	synctest.Test(t, func(t *testing.T) {
		dark = sit(t, 80, 24, busyDay, func(o *Options) { o.Theme = "auto" }).styled()
	})
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, busyDay, func(o *Options) { o.Theme = "auto" })
		p.presses("\x1b]11;rgb:ffff/ffff/ffff\x07")
		light = p.styled()
	})
	if dark == light {
		t.Error("a white background makes no difference")
	}
}

func TestAnySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 160, 45, busyDay)
		for _, size := range [][2]int{{80, 24}, {40, 10}, {41, 17}, {99, 12}, {100, 10}, {200, 60}, {56, 30}, {120, 11}} {
			for _, tab := range []string{"Rooms", "Meetings", "Recordings", "Webhooks", "Status"} {
				p.resizes(size[0], size[1]).opens(tab)
				aligned(t, p, size[0])
				if lines := strings.Split(p.screen(), "\n"); len(lines) != size[1] || strings.TrimSpace(lines[size[1]-1]) == "" {
					t.Errorf("tab %s at %v: %d lines, the last one %q", tab, size, len(lines), lines[len(lines)-1])
				}
			}
			for _, open := range []string{"room.new", "room.adopt", "open.host", "meeting.end", "person.remove", "help", "palette"} {
				p.opens("Rooms").moves("in").does(open)
				if lines := strings.Split(p.screen(), "\n"); len(lines) != size[1] {
					t.Errorf("%s at %v draws %d lines", open, size, len(lines))
				}
				aligned(t, p, size[0])
				p.presses("esc").moves("out")
			}
		}
		p.resizes(39, 10).sees("Greenroom needs 40 columns")
		p.resizes(80, 24).sees("all-hands")
	})
}

// What comes from outside steers nothing: whatever it holds, the terminal gets no control that the screen didn't make.
func TestHostileTextIsShownNotObeyed(t *testing.T) {
	const evil = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp\u200b\x00\r\n\x7f<b>"
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "r" + evil, Account: "daily"})
			b.Start("r" + evil)
			b.JoinAs("r"+evil, app.Stay{Name: evil, Owner: true})
			b.JoinAs("r"+evil, app.Stay{Name: "bot", Bot: true, Role: evil})
			b.Depart("r"+evil, evil, evil)
			b.Deliver(app.Delivery{Account: evil, Method: evil, Target: "/" + evil, Verdict: provider.Rejected, Reason: evil,
				Kind: provider.KindUnknown, Type: evil, Room: evil, Participant: evil, Unapplied: evil,
				Headers: map[string][]string{"X" + evil: {evil}}, Body: app.Body(`"` + evil + `"`)})
			b.Recs = []app.Recording{{ID: evil, Room: evil, Account: evil, Kind: evil, Status: app.RecordingStatus(evil), Error: evil,
				Files: []provider.RecordingFile{{Name: evil, Kind: evil}, {Key: evil}}}}
			b.JoinAs("r"+evil, app.Stay{Name: evil, UserID: evil})
			nine := 9
			b.Alter("r"+evil, func(m *app.MeetingDetail) { m.RecordingError, m.Chosen, m.Reported = evil, evil, &nine })
			b.Found = []app.PlatformRoom{{Account: evil, PlatformRoom: evil, Known: true, Room: evil}, {Account: "daily", PlatformRoom: evil}}
			b.Failing = map[string]error{"whereby": &app.Error{Text: evil, Hint: evil}}
			b.Diagnoses = []app.Diagnosis{{Account: "daily", Checks: []provider.Check{{Name: evil, Detail: evil, Hint: evil}, {Name: evil, OK: true, Detail: evil, Hint: evil}}}}
			b.Stat.Accounts = append(b.Stat.Accounts, app.AccountStatus{Name: evil, Platform: provider.Platform(evil), Health: evil,
				Cannot: map[provider.Ability]string{provider.AbilityAdopt: evil, provider.AbilityLogo: evil}})
			b.Stat.Accounts[0].Detail, b.Stat.Accounts[0].Hint, b.Stat.Accounts[0].Webhook = evil, evil, "https://"+evil
			b.Stat.Tunnel = app.TunnelStatus{Driver: evil, State: "live", URL: evil, Reason: evil, Gap: evil, Hooks: map[string]string{evil: evil}}
			b.Stat.Accounts[1].Webhook = evil
			b.Stat.Accounts[1].Registration = &app.RegisteredWebhook{State: app.WebhookForeign, Foreign: evil, Problem: evil, Hint: evil}
			b.Stat.Listener.Problem, b.Stat.Store.Path = evil, evil
			b.Stat.Pollers = []app.PollerStatus{{Name: evil, Account: evil, Error: evil}}
		}, func(o *Options) { o.Log = func() []string { return []string{evil} } })
		p.sees("␛]0;pwned␇")
		p.does("recording.switch").sees("not recording yet: ␛]0;pwned␇").does("open.host").sees("This meeting is recorded").presses("esc")
		p.moves("in", "down").does("person.remove").sees("Remove ␛]0;pwned␇").presses("y").sees("was removed").does("recording.switch").presses("esc").moves("out")
		p.does("room.adopt").sees("✗ whereby: ␛]0;pwned␇", ": ␛]0;pwned␇").presses("enter").sees("Adopt ␛]0;pwned␇")
		p.types("x").presses("enter").sees("✓ room ").presses("esc", "esc")
		p.opens("Status").sees("✗ failed    ␛]0;pwned␇", "✓ ok        ␛]0;pwned␇").opens("Rooms")
		p.moves("in").does("meeting.end").presses("esc").does("room.edit").presses("esc").does("room.delete").presses(":", "esc").does("copy.guest", "qr").presses("esc").opens("Recordings").opens("Webhooks").moves("in").does("webhook.hex", "webhook.hex", "webhook.curl").moves("out").opens("Status").moves("half-down")
		p.moves("top", "down").does("webhook.register").presses("esc").does("tunnel.copy", "tunnel.qr").presses("esc").does("tunnel.probe").opens("Rooms")
		p.backend.Fail = &app.Error{Text: evil, Hint: evil}
		p.does("copy.guest")
		if strings.Contains(p.title, "pwned\x07") || p.title == "pwned" {
			t.Errorf("the title was taken over: %q", p.title)
		}
		for _, bad := range []string{"\x1b]0;pwned", "\x1b[2J\u009b", "\u009b", "\u202e", "\u200b", "\x00", "\x7f"} {
			if strings.Contains(p.written(), bad) {
				at := strings.Index(p.written(), bad)
				t.Errorf("%q reached the terminal: %q", bad, p.written()[max(at-60, 0):min(at+60, len(p.written()))])
			}
		}
		aligned(t, p, 120)
	})
}

func TestWideAndJoinedCharactersKeepTheBordersInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "部屋" + strings.Repeat("長", 40), Account: "daily"})
			b.Start("部屋" + strings.Repeat("長", 40))
			for _, name := range []string{"👨‍👩‍👧‍👦 family", "❤️ heart", "👍🏽 thumb", "नमस्ते", "한국어 이름", "e\u0301\u0302 combined",
				strings.Repeat("渡", 60), "🇩🇪 flag"} {
				b.Join("部屋"+strings.Repeat("長", 40), name)
			}
		})
		p.sees("family")
		aligned(t, p, 80)
		p.does("meeting.end")
		aligned(t, p, 80)
		p.presses("esc").opens("Webhooks")
		aligned(t, p, 80)
	})
}

// A screen on which nothing counts time sends nothing.
func TestAnIdleScreenIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, func(b *tuitest.Backend) { b.AddRoom(app.RoomSpec{Name: "quiet", Account: "daily"}) })
		p.wait(10 * time.Second)
		before, calls := len(p.written()), p.backend.Count("")
		p.wait(time.Hour)
		if len(p.written()) != before || p.backend.Count("") != calls {
			t.Errorf("%d bytes were written in an idle hour", len(p.written())-before)
		}
	})
}
