package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/tui/theme"
	"greenroom/tui/tuitest"
)

var plainStyles = theme.New(theme.Options{Profile: colorprofile.ASCII})

func TestKeysAreRebound(t *testing.T) {
	k, err := NewKeyMap(map[string][]string{"room.new": {"N"}, "quit": {"ctrl+q"}})
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := k.find(tabRooms, tea.KeyPressMsg{Code: 'N', Text: "N"}); a != actNewRoom {
		t.Errorf("N does %q", a)
	}
	if a, ok := k.find(tabRooms, tea.KeyPressMsg{Code: 'n', Text: "n"}); ok {
		t.Errorf("n still does %q", a)
	}
	if k.name(actNewRoom) != "N" {
		t.Errorf("sentences say %q", k.name(actNewRoom))
	}
	for _, bad := range []map[string][]string{
		{"no.such": {"x"}}, {"quit": {}}, {"quit": {"n"}}, {"room.new": {"j"}}, {"webhook.follow": {"?"}},
	} {
		if _, err := NewKeyMap(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if _, err := NewKeyMap(nil); err != nil {
		t.Errorf("the default keys clash: %v", err)
	}
	if len(Actions()) < 30 {
		t.Errorf("only %d actions have names", len(Actions()))
	}
}

func TestEveryBindingExplainsItself(t *testing.T) {
	for _, g := range defaultKeys().groups() {
		for _, b := range g.bindings {
			if b.Help().Key == "" || b.Help().Desc == "" || b.Long == "" || b.Action == "" {
				t.Errorf("%+v says too little", b)
			}
			for _, k := range b.Keys() {
				if strings.HasPrefix(k, "ctrl+") && slices.Contains([]Action{actDeleteRoom, actEnd, actEject, actRecord}, b.Action) {
					t.Errorf("%s is destructive on %s", b.Action, k)
				}
			}
		}
	}
}

func TestNoColor(t *testing.T) {
	for env, want := range map[string]bool{"NO_COLOR=1": true, "NO_COLOR=yes": true, "NO_COLOR=0": true, "NO_COLOR=": false, "NO_COLORS=1": false, "TERM=x": false} {
		if got := noColor([]string{env}); got != want {
			t.Errorf("%s: %v", env, got)
		}
	}
}

func TestTimes(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "00:00", 42*time.Minute + 10*time.Second: "42:10", 3723 * time.Second: "1:02:03", -time.Second: "00:00"} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q", d, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Second: "just now", 12 * time.Second: "12 s ago", 90 * time.Second: "1 min ago", 5 * time.Hour: "5 h ago", 72 * time.Hour: "3 days ago"} {
		if got := ago(d); got != want {
			t.Errorf("ago(%v) = %q", d, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1200: "1.2 kB", 55000: "55 kB", 734003200: "734 MB", 5 << 50: "5.6 PB"} {
		if got := bytes(n); got != want {
			t.Errorf("bytes(%d) = %q", n, got)
		}
	}
	now := time.Date(2026, 11, 22, 15, 4, 0, 0, time.UTC)
	if got := day(app.At(now.Add(-time.Hour)), now, time.UTC) + day(app.Time{}, now, time.UTC); got != "today 14:04at an unknown time" {
		t.Error(got)
	}
}

func TestOnlyWebAddressesAreLinks(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://a.example/x?y=z": true, "http://a.example": true, "javascript:alert(1)": false, "file:///etc/passwd": false,
		"https://": false, "https://a.example/\x1b]": false, "https://user@a.example": false, "https://a.example/ü": false, "": false,
		"https://a.example/\"": false,
	} {
		if _, ok := webURL(raw); ok != want {
			t.Errorf("%q: %v", raw, ok)
		}
	}
	for raw, want := range map[string]string{
		"https://a.example/x?t=secret#f": "a.example/x", "https://a.example/": "a.example", "nonsense?key=secret": "nonsense", "%zz": "%zz",
	} {
		if got := bareLink(raw); got != want {
			t.Errorf("%q is shown as %q", raw, got)
		}
	}
}

func TestActivityIsToldInSentences(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range append(provider.EventKinds(), "other.thing") {
		s := sentence(app.Activity{Kind: k, Who: "Ada"}, time.UTC)
		if s == "" || seen[s] {
			t.Errorf("%s is told as %q", k, s)
		}
		seen[s] = true
	}
	if got := sentence(app.Activity{Kind: provider.KindParticipantLeft, Detail: "connection lost"}, time.UTC); got != "A participant left · connection lost" {
		t.Error(got)
	}
}

func TestAnAddressIsNeverCutInItsHost(t *testing.T) {
	m := &Model{}
	m.restyle()
	for _, c := range []struct {
		raw  string
		w    int
		want string
	}{
		{"http://127.0.0.1:33305", 30, "127.0.0.1:33305"}, {"http://127.0.0.1:33305", 14, ":33305"},
		{"http://127.0.0.1:33305", 5, ""}, {"http://[::1]:7070", 6, ":7070"},
		{"https://gr.example/h/8f2kabcdefgh", 40, "gr.example/h/8f2kabcdefgh"},
		{"https://gr.example/h/8f2kabcdefgh", 16, "gr.example/h/8f…"}, {"https://gr.example/h/8f2kabcdefgh", 10, "gr.example"},
		{"https://gr.example/h/8f2kabcdefgh", 9, ""}, {"", 20, ""},
	} {
		if got := m.address(c.raw, c.w); got != c.want {
			t.Errorf("%q in %d cells: %q, want %q", c.raw, c.w, got, c.want)
		}
	}
}

func TestSafeText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "\x1b[31m": "␛[31m", "👨‍👩‍👧": "👨👩👧", "❤️": "❤", "👍🏽": "👍", "क्\u200dष": "क्\u200dष",
	} {
		if got := safe(in); got != want {
			t.Errorf("safe(%q) = %q, want %q", in, got, want)
		}
	}
	if got := safe(strings.Repeat("渡", 5000)); len(got) > longest+3 || !strings.HasSuffix(got, "渡…") {
		t.Errorf("%d bytes are drawn", len(got))
	}
}

func TestChangesAreGathered(t *testing.T) {
	var c changes
	for i := range 5000 {
		c.add(app.Change{Kind: app.DeliveryChange, Delivery: &app.Delivery{Seq: uint64(i + 1)}})
		c.add(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{}})
		c.add(app.Change{Kind: app.MeetingChange, Meeting: &app.Meeting{ID: "m", Here: i}})
	}
	for _, k := range []app.ChangeKind{app.DeliveryChange, app.ActivityChange, app.MeetingChange, app.RoomChange, app.RecordingChange, app.StatusChange, app.Missed, "new kind"} {
		c.add(app.Change{Kind: k})
	}
	if c.total != 5000 || len(c.deliveries) >= 2*maxDeliveries || c.deliveries[len(c.deliveries)-1].Seq != 5000 {
		t.Errorf("%d of %d deliveries", len(c.deliveries), c.total)
	}
	if len(c.activity) >= 2*maxActivity || len(c.meetings) != 1 || c.meetings["m"].Here != 4999 {
		t.Errorf("%d activities, %d meetings", len(c.activity), len(c.meetings))
	}
	if !c.rooms || !c.recordings || !c.status || !c.missed {
		t.Errorf("%+v", c)
	}
}

// 2,000 changes a second reach the screen as few messages.
func TestTheFeedCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := tuitest.New(clockwork.NewRealClock())
		f := newFeed(b, b.Clock)
		f.start(ctx, nil)
		if c := f.next(ctx)().(changes); c.link != linkUp {
			t.Fatalf("%+v", c)
		}
		batches, total := 0, 0
		go func() {
			for {
				c, ok := f.next(ctx)().(changes)
				if !ok {
					return
				}
				batches, total = batches+1, total+c.total
			}
		}()
		for range 2000 {
			b.Publish(app.Change{Kind: app.DeliveryChange, Delivery: &app.Delivery{}})
			time.Sleep(500 * time.Microsecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if total != 2000 || batches > 45 {
			t.Errorf("%d changes in %d messages", total, batches)
		}
		cancel()
		f.wait()
	})
}

func TestTheFeedTriesLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := tuitest.New(clockwork.NewRealClock())
		b.Leave()
		f := newFeed(b, b.Clock)
		f.start(ctx, nil)
		go func() {
			for f.next(ctx)() != nil {
			}
		}()
		time.Sleep(time.Minute)
		if n := b.Count("Subscribe"); n < 10 || n > 20 {
			t.Errorf("%d attempts in a minute", n)
		}
		cancel()
		f.wait()
	})
}

func TestTheWheelIsCoalesced(t *testing.T) {
	clock := clockwork.NewFakeClock()
	w := newWheel(clock)
	turn := func(b tea.MouseButton) tea.Msg { return w.filter(nil, tea.MouseWheelMsg{Button: b, X: 3, Y: 4}) }
	total := 0
	for range 100 {
		clock.Advance(4 * time.Millisecond)
		if m, ok := turn(tea.MouseWheelDown).(wheelMsg); ok {
			total += m.rows
		}
	}
	if total < 95 || total > 100 {
		t.Errorf("100 turns moved %d rows", total)
	}
	clock.Advance(time.Second)
	if m := turn(tea.MouseWheelUp); m != (wheelMsg{x: 3, y: 4, rows: -1}) {
		t.Errorf("after a while: %+v", m)
	}
	if turn(tea.MouseWheelLeft) != nil {
		t.Error("a turn to the side does something")
	}
	if msg := w.filter(nil, tea.KeyPressMsg{Code: 'x'}); msg == nil {
		t.Error("a key was lost")
	}
}

func TestAPanicIsNotedBeforeTheTerminalIsRestored(t *testing.T) {
	var got crash.Report
	m, err := New(t.Context(), Options{Backend: tuitest.New(clockwork.NewFakeClock()), Env: []string{"X=y"},
		Crash: &crash.Group{OnPanic: func(r crash.Report) { got = r }}})
	if err != nil {
		t.Fatal(err)
	}
	m.hooks.feed = nil
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
		if got.Name != "screen update" || len(got.Stack) == 0 {
			t.Errorf("noted %+v", got)
		}
	}()
	m.Update(changes{total: 1, link: linkUp})
}

func TestNewNeedsABackendAndRightKeys(t *testing.T) {
	if _, err := New(t.Context(), Options{}); err == nil {
		t.Error("no backend is no error")
	}
	if err := Run(t.Context(), Options{Backend: tuitest.New(clockwork.NewFakeClock()), Keys: map[string][]string{"x": {"y"}}}); err == nil {
		t.Error("an unknown action is no error")
	}
}

// An answer that comes after something else was chosen changes nothing.
func TestStaleAnswersAreDropped(t *testing.T) {
	m, err := New(t.Context(), Options{Backend: tuitest.New(clockwork.NewFakeClock()), Env: []string{"X=y"}})
	if err != nil {
		t.Fatal(err)
	}
	m.read(slotRooms)
	old := answer{slot: slotRooms, n: m.loads[slotRooms].n, value: []app.RoomView{{Room: app.Room{ID: "old", RoomSettings: app.RoomSettings{Name: "old"}}}}}
	m.read(slotRooms)
	now := answer{slot: slotRooms, n: m.loads[slotRooms].n, value: []app.RoomView{{Room: app.Room{ID: "new", RoomSettings: app.RoomSettings{Name: "new"}}}}}
	m.Update(now)
	m.Update(old)
	if len(m.rooms.all) != 1 || m.rooms.all[0].Name != "new" {
		t.Errorf("%+v", m.rooms.all)
	}
	m.Update(page{n: 99, page: app.EventPage{Events: []app.Delivery{{Seq: 1}}}})
	if m.hooks.feed.Held() != 0 {
		t.Error("a page that nobody awaits was taken")
	}
}

func TestAFailedReadingIsShownAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Fail = &app.Error{Text: "the store is locked", Hint: "close the other program"}
		})
		p.sees("The rooms can't be read", "the store is locked", "close the other")
		p.presses("2").sees("The recordings can't be read").presses("3").sees("The webhooks can't be read").presses("4").sees("The status can't be read").presses("1")
		p.backend.Lock()
		p.backend.Fail = nil
		p.backend.Unlock()
		p.sees("board").misses("can't be read")
		p.presses("2").sees("No recordings yet").presses("4").sees("Listener").presses("3").sees("No webhook has arrived yet")
		deliver(p.backend, 1)
		p.sees("#1", `"n": 1`)
	})
	if e := errors.New("x"); isNotFound(e) || !isNotFound(provider.NotFound) {
		t.Error("kinds of errors are mixed up")
	}
}

func TestTheStatusTellsWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 70, func(b *tuitest.Backend) {
			b.Stat.Accounts[0].Webhook = "https://gr.example/h/8f2k/hooks/daily"
			b.Stat.Accounts[1].Webhook = "http://127.0.0.1:7070/hooks/whereby"
			b.Stat.Accounts = append(b.Stat.Accounts, app.AccountStatus{Name: "work", Platform: provider.Daily, Health: "failing",
				Detail: "the key is wrong", Hint: "make another key"}, app.AccountStatus{Name: "odd", Health: "strange", Platform: provider.LiveKit, Webhook: "https://x.example/"},
				app.AccountStatus{Name: "new", Health: "unchecked", Platform: provider.Whereby, Webhook: "https://y.example/"})
			b.Stat.Tunnel = app.TunnelStatus{Driver: "relay", State: "live", URL: "https://gr.example/h/8f2k", RTTMs: 12, StoreAndForward: true,
				Spool: 2, Hooks: map[string]string{"daily": "https://gr.example/h/8f2k"}}
			b.Stat.Pollers = []app.PollerStatus{{Name: "presence", Account: "daily", LastAt: b.Ago(10 * time.Second)},
				{Name: "presence", Account: "whereby", Error: "rate limited"}, {Name: "recordings", Account: "work"}}
		})
		p.presses("4").sees("● tunnel up", "✗ failing", "! no webhook secret", "make another key", "not checked yet", "2 deliveries wait",
			"asking the platform for its webhook", "presence  ✓ 10 s ago", "rate limited", "this screen", "listening on 127.0.0.1")
		p.presses("c").sees("Webhook URL copied")
		p.sees("Reachable from this machine only").presses("j", "j", "c").sees("No webhook URL yet")
		p.presses("j", "j", "G", "g", "ctrl+d", "ctrl+u", "k")
		if p.clipboard()[0] != "https://gr.example/h/8f2k/hooks/daily" {
			t.Errorf("copied %q", p.clipboard())
		}
		for _, c := range [][2]string{{"connecting", "◌ tunnel connecting"}, {"degraded", "! tunnel degraded"}, {"closed", "✗ tunnel closed"}} {
			p.backend.Lock()
			p.backend.Stat.Tunnel.State = c[0]
			p.backend.Unlock()
			p.backend.Publish(app.Change{Kind: app.StatusChange})
			p.sees(c[1])
		}
		p.backend.Lock()
		p.backend.Stat.Listener = app.ListenerStatus{Problem: "the port is taken"}
		p.backend.Unlock()
		p.presses("ctrl+r").sees("not listening", "the port is taken")
	})
}
