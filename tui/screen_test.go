package tui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/colorprofile"

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

func TestScreens(t *testing.T) {
	sizes := []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"100x30", 100, 30}, {"160x45", 160, 45}, {"40x10", 40, 10}}
	for _, c := range []struct {
		name    string
		prepare func(*tuitest.Backend)
		keys    []string
		change  func(*Options)
	}{
		{name: "rooms", prepare: busyDay},
		{name: "roster", prepare: busyDay, keys: []string{"l", "j"}},
		{name: "no-rooms"},
		{name: "no-accounts", prepare: func(b *tuitest.Backend) { b.Stat.Accounts = nil }},
		{name: "new-room", prepare: busyDay, keys: []string{"n"}},
		{name: "end", prepare: busyDay, keys: []string{"e"}},
		{name: "help", prepare: busyDay, keys: []string{"?"}},
		{name: "messages", prepare: busyDay, keys: []string{"4", "/", "n", "1", "c", "!"}},
		{name: "palette", prepare: busyDay, keys: []string{":"}},
		{name: "recordings-empty", keys: []string{"2"}},
		{name: "recordings", keys: []string{"2", "j"}, prepare: takes},
		{name: "downloads", keys: []string{"2", "j"}, prepare: fetched},
		{name: "download-failed", keys: []string{"2", "j", "j", "j", "j", "j", "j"}, prepare: fetched},
		{name: "platform-says", prepare: odd},
		{name: "remove", prepare: crowd, keys: []string{"l", "j", "j", "x"}},
		{name: "consent", prepare: busyDay, keys: []string{"O"}},
		{name: "adopt", prepare: years, keys: []string{"A", "up", "up", "up"}},
		{name: "adopt-name", prepare: years, keys: []string{"A", "up", "up", "up", "enter"}},
		{name: "checks", prepare: found, keys: []string{"4"}},
		{name: "webhooks-empty", keys: []string{"3"}},
		{name: "webhooks", prepare: rejected, keys: []string{"3"}},
		{name: "webhooks-filter", prepare: rejected, keys: []string{"3", "/", "kind:left"}},
		{name: "status", prepare: busyDay, keys: []string{"4"}},
		{name: "tunnel", prepare: relayed, keys: []string{"4"}},
		{name: "demo", prepare: busyDay, change: func(o *Options) { o.Demo = true }},
	} {
		for _, size := range sizes {
			t.Run(c.name+"-"+size.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					change := c.change
					if change == nil {
						change = func(*Options) {}
					}
					p := sit(t, size.w, size.h, c.prepare, change)
					p.presses(c.keys...).wait(time.Second)
					golden(t, c.name+"-"+size.name, p.screen())
					aligned(t, p, size.w)
				})
			})
		}
	}
}

// aligned checks that every border stands in its column: what begins with a bar ends with one at the edge.
func aligned(t *testing.T, p *person, w int) {
	t.Helper()
	for y, line := range strings.Split(p.screen(), "\n") {
		if strings.HasPrefix(line, "│") && (p.width(line) != w || !strings.HasSuffix(line, "│")) {
			t.Errorf("line %d is %d cells wide, not %d: %q", y, p.width(line), w, line)
		}
	}
}

// The looks: the same screen in every theme, with its styles.
func TestThemes(t *testing.T) {
	ansi16, ansi256, none := colorprofile.ANSI, colorprofile.ANSI256, colorprofile.TrueColor
	for name, change := range map[string]func(*Options){
		"dark":     func(*Options) {},
		"light":    func(o *Options) { o.Theme = "light" },
		"256":      func(o *Options) { o.Profile = &ansi256 },
		"16":       func(o *Options) { o.Profile = &ansi16 },
		"no-color": func(o *Options) { o.Profile, o.Env = &none, []string{"TERM=xterm-256color", "NO_COLOR=yes"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := sit(t, 80, 24, busyDay, change)
				golden(t, "theme-"+name, p.styled())
				if name == "no-color" && strings.Contains(p.written(), "38;2;") {
					t.Error("there is colour in spite of NO_COLOR=yes")
				}
			})
		})
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
			for _, tab := range []string{"1", "2", "3", "4"} {
				p.resizes(size[0], size[1]).presses(tab)
				aligned(t, p, size[0])
				if lines := strings.Split(p.screen(), "\n"); len(lines) != size[1] || strings.TrimSpace(lines[size[1]-1]) == "" {
					t.Errorf("tab %s at %v: %d lines, the last one %q", tab, size, len(lines), lines[len(lines)-1])
				}
			}
			for _, open := range []string{"n", "A", "O", "e", "x", "?", ":"} {
				p.presses("1", "l", open)
				if lines := strings.Split(p.screen(), "\n"); len(lines) != size[1] {
					t.Errorf("%s at %v draws %d lines", open, size, len(lines))
				}
				aligned(t, p, size[0])
				p.presses("esc", "h")
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
				Cannot: map[app.Ability]string{app.AbilityAdopt: evil, app.AbilityLogo: evil}})
			b.Stat.Accounts[0].Detail, b.Stat.Accounts[0].Hint, b.Stat.Accounts[0].Webhook = evil, evil, "https://"+evil
			b.Stat.Tunnel = app.TunnelStatus{Driver: evil, State: "live", URL: evil, Reason: evil, Gap: evil, Hooks: map[string]string{evil: evil}}
			b.Stat.Accounts[1].Webhook = evil
			b.Stat.Accounts[1].Registration = &app.RegisteredWebhook{State: app.WebhookForeign, Foreign: evil, Problem: evil, Hint: evil}
			b.Stat.Listener.Problem, b.Stat.Store.Path = evil, evil
			b.Stat.Pollers = []app.PollerStatus{{Name: evil, Account: evil, Error: evil}}
		}, func(o *Options) { o.Log = func() []string { return []string{evil} } })
		p.sees("␛]0;pwned␇")
		p.presses("r").sees("not recording yet: ␛]0;pwned␇").presses("O").sees("This meeting is recorded").presses("esc")
		p.presses("l", "j", "x").sees("Remove ␛]0;pwned␇").presses("y").sees("was removed").presses("r", "esc", "h")
		p.presses("A").sees("✗ whereby: ␛]0;pwned␇", ": ␛]0;pwned␇").presses("enter").sees("Adopt ␛]0;pwned␇")
		p.presses("x", "enter").sees("✓ room ").presses("esc", "esc")
		p.presses("4").sees("✗ failed    ␛]0;pwned␇", "✓ ok        ␛]0;pwned␇").presses("1")
		p.presses("l", "e", "esc", "E", "esc", "D", ":", "esc", "c", "Q", "esc", "2", "3", "l", "b", "b", "y", "h", "4", "ctrl+d")
		p.presses("g", "j", "R", "esc", "u", "Q", "esc", "p", "1")
		p.backend.Fail = &app.Error{Text: evil, Hint: evil}
		p.presses("c")
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
		p.presses("e")
		aligned(t, p, 80)
		p.presses("esc", "3")
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
