package tui

import (
	"regexp"
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
	}{{"80x24", 80, 24}, {"100x30", 100, 30}, {"160x45", 160, 45}, {"300x80", 300, 80}, {"40x10", 40, 10}}
	for _, c := range []struct {
		name    string
		prepare func(*tuitest.Backend)
		walk    func(*person)
		change  func(*Options)
	}{
		{name: "rooms", prepare: busyDay},
		{name: "hundreds", prepare: hundreds, walk: func(p *person) { p.moves("half-down", "half-down") }},
		{name: "roster", prepare: busyDay, walk: func(p *person) { p.moves("in", "down") }},
		{name: "no-rooms"},
		{name: "no-accounts", prepare: func(b *tuitest.Backend) { b.Stat.Accounts = nil }},
		{name: "new-room", prepare: busyDay, walk: func(p *person) { p.does("room.new") }},
		{name: "end", prepare: busyDay, walk: func(p *person) { p.does("meeting.end") }},
		{name: "help", prepare: busyDay, walk: func(p *person) { p.does("help") }},
		{name: "messages", prepare: busyDay, walk: func(p *person) {
			p.opens("Status").does("filter", "room.new").opens("Rooms").does("copy.guest", "messages")
		}},
		{name: "palette", prepare: busyDay, walk: func(p *person) { p.does("palette") }},
		{name: "meetings-empty", walk: func(p *person) { p.opens("Meetings") }},
		{name: "meetings", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").moves("down") }},
		{name: "rewind", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").moves("down", "in").does("moment.first", "moment.next") }},
		{name: "attendance", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").moves("down").does("meeting.attendance") }},
		{name: "forwards", prepare: someForwards, walk: func(p *person) { p.opens("Webhooks").does("webhook.forwards") }},
		{name: "export", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").moves("down").does("meeting.attendance").presses("e") }},
		{name: "needs", prepare: needy, walk: func(p *person) { p.moves("down", "down", "down", "down").does("room.mark") }},
		{name: "groups", prepare: grouped, walk: func(p *person) { p.moves("down", "down") }},
		{name: "plan", prepare: needy, walk: func(p *person) { p.does("room.plan") }},
		{name: "bookings", prepare: needy, walk: func(p *person) { p.moves("down", "down", "down", "down").does("room.plan") }},
		{name: "recordings-empty", walk: func(p *person) { p.opens("Recordings") }},
		{name: "recordings", walk: func(p *person) { p.opens("Recordings").moves("down") }, prepare: takes},
		{name: "downloads", walk: func(p *person) { p.opens("Recordings").moves("down") }, prepare: fetched},
		{name: "download-failed", walk: func(p *person) { p.opens("Recordings").moves("down", "down", "down", "down", "down", "down") }, prepare: fetched},
		{name: "platform-says", prepare: odd},
		{name: "remove", prepare: crowd, walk: func(p *person) { p.moves("in", "down", "down").does("person.remove") }},
		{name: "consent", prepare: busyDay, walk: func(p *person) { p.does("open.host") }},
		{name: "adopt", prepare: years, walk: func(p *person) { p.does("room.adopt").presses("up", "up", "up") }},
		{name: "adopt-name", prepare: years, walk: func(p *person) { p.does("room.adopt").presses("up", "up", "up", "enter") }},
		{name: "checks", prepare: found, walk: func(p *person) { p.opens("Status") }},
		{name: "webhooks-empty", walk: func(p *person) { p.opens("Webhooks") }},
		{name: "webhooks", prepare: rejected, walk: func(p *person) { p.opens("Webhooks") }},
		{name: "webhooks-filter", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("filter").types("kind:left") }},
		{name: "status", prepare: busyDay, walk: func(p *person) { p.opens("Status") }},
		{name: "tunnel", prepare: relayed, walk: func(p *person) { p.opens("Status") }},
		{name: "start", prepare: busyDay, walk: func(p *person) { p.moves("bottom").does("meeting.start") }},
		{name: "edit-room", prepare: busyDay, walk: func(p *person) { p.moves("bottom").does("room.edit") }},
		{name: "delete-room", prepare: busyDay, walk: func(p *person) { p.moves("bottom").does("room.delete") }},
		{name: "start-marked", prepare: busyDay, walk: func(p *person) { p.does("room.mark-all", "meeting.start") }},
		{name: "delete-marked", prepare: grouped, walk: func(p *person) { p.does("room.mark-all", "room.delete") }},
		{name: "stop-recording", prepare: busyDay, walk: func(p *person) { p.does("recording.switch") }},
		{name: "edit-booking", prepare: needy, walk: func(p *person) { p.moves("down", "down", "down", "down").does("room.plan").presses("enter") }},
		{name: "remove-booking", prepare: needy, walk: func(p *person) { p.moves("down", "down", "down", "down").does("room.plan").presses("D") }},
		{name: "qr", prepare: busyDay, walk: func(p *person) { p.does("qr") }},
		{name: "copied", prepare: busyDay, walk: func(p *person) { p.does("copy.guest") }},
		{name: "delete-recording", prepare: takes, walk: func(p *person) { p.opens("Recordings").moves("down").does("recording.delete") }},
		{name: "limit", prepare: takes, walk: func(p *person) { p.opens("Recordings").does("recording.limit") }},
		{name: "replay", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.replay") }},
		{name: "export-events", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.export") }},
		{name: "values", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.values") }},
		{name: "receipt", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.chain") }},
		{name: "quit", prepare: relayed, walk: func(p *person) { p.does("quit") }},
		{name: "mute", prepare: crowd, walk: func(p *person) { p.moves("in", "down", "down").does("person.mute") }},
		{name: "cancel-download", prepare: fetched, walk: func(p *person) { p.opens("Recordings").moves("bottom", "up").does("recording.cancel") }},
		{name: "replace-webhook", prepare: relayed, walk: func(p *person) { p.opens("Status").does("webhook.register") }},
		{name: "diff", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.mark").moves("down").does("webhook.diff") }},
		{name: "filter-wrong", prepare: hundreds, walk: func(p *person) { p.does("filter").types("-is:lve") }},
		{name: "filter-whole", prepare: hundreds, walk: func(p *person) { p.does("filter").types("room:team").presses("enter") }},
		{name: "meetings-filter-whole", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").does("filter").types("person:grace").presses("enter") }},
		{name: "demo", prepare: busyDay, change: func(o *Options) { o.Demo = true }},
	} {
		for _, size := range sizes {
			name := c.name + "-" + size.name
			// show runs the program in a theme, and returns the text and the styles on the screen.
			show := func(t *testing.T, theme func(*Options), look func(p *person)) {
				synctest.Test(t, func(t *testing.T) {
					p := sit(t, size.w, size.h, c.prepare, theme, func(o *Options) {
						if c.change != nil {
							c.change(o)
						}
					})
					if c.walk != nil {
						c.walk(p)
					}
					p.wait(time.Second)
					look(p)
				})
			}
			dark := ""
			t.Run(name, func(t *testing.T) {
				show(t, func(o *Options) { o.Theme = "auto" }, func(p *person) {
					dark = p.screen()
					golden(t, name, dark)
					aligned(t, p, size.w)
					// On a light background the text is the same, in other colours.
					styled := p.styled()
					p.presses("\x1b]11;rgb:ffff/ffff/ffff\x07")
					if light := p.screen(); !sameText(light, dark) || p.styled() == styled {
						t.Errorf("on a light background:\n%s", light)
					}
				})
			})
			if size.name != "80x24" && size.name != "300x80" {
				continue
			}
			for theme, change := range map[string]func(*Options){
				"no-color":      func(o *Options) { o.Env = []string{"TERM=xterm-256color", "NO_COLOR=yes"} },
				"high-contrast": func(o *Options) { o.Theme = HighContrast },
			} {
				t.Run(name+"-"+theme, func(t *testing.T) {
					show(t, change, func(p *person) {
						if got := p.screen(); !sameText(got, dark) {
							t.Errorf("the text differs from that of the dark theme:\n%s", got)
						}
						if theme == "no-color" && strings.Contains(p.written(), "38;2;") {
							t.Error("there is colour in spite of NO_COLOR=yes")
						}
						aligned(t, p, size.w)
					})
				})
			}
		}
	}
}

// counting matches clocks and ages, which the next second changes.
var counting = regexp.MustCompile(`[0-9]+`)

// sameText reports whether two screens have the same text, whatever the time.
func sameText(a, b string) bool {
	return counting.ReplaceAllString(a, "0") == counting.ReplaceAllString(b, "0")
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

// The looks: the same screen in every theme, with its styles.
func TestThemes(t *testing.T) {
	ansi16, ansi256, none := colorprofile.ANSI, colorprofile.ANSI256, colorprofile.TrueColor
	for name, change := range map[string]func(*Options){
		"dark":          func(*Options) {},
		"light":         func(o *Options) { o.Theme = "light" },
		"256":           func(o *Options) { o.Profile = &ansi256 },
		"16":            func(o *Options) { o.Profile = &ansi16 },
		"high-contrast": func(o *Options) { o.Theme = HighContrast },
		"ascii":         func(o *Options) { o.Env = append(o.Env, "LANG=C") },
		"no-color":      func(o *Options) { o.Profile, o.Env = &none, []string{"TERM=xterm-256color", "NO_COLOR=yes"} },
	} {
		for screen, walk := range map[string]func(*person){
			"":          func(*person) {},
			"-rewind":   func(p *person) { p.opens("Meetings").moves("down", "in").does("moment.first", "moment.next") },
			"-webhooks": func(p *person) { p.opens("Webhooks") },
			"-plan":     func(p *person) { p.does("room.plan") },
			"-end":      func(p *person) { p.does("meeting.end") },
		} {
			t.Run(name+screen, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := sit(t, 80, 24, busyDay, change)
					walk(p)
					golden(t, "theme-"+name+screen, p.styled())
					if name == "no-color" && strings.Contains(p.written(), "38;2;") {
						t.Error("there is colour in spite of NO_COLOR=yes")
					}
				})
			})
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
				Cannot: map[app.Ability]string{app.AbilityAdopt: evil, app.AbilityLogo: evil}})
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
