package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/tui/pane"
	"greenroom/tui/tuitest"
)

// bound returns the panes and the keys of their actions.
func bound(t *testing.T, rebound map[string][]string) (*Model, *pane.Keys) {
	t.Helper()
	m := newPanes(&pane.Screen{})
	k, err := pane.NewKeys(m.rows(), rebound)
	if err != nil {
		t.Fatal(err)
	}
	return m, k
}

func TestKeysAreRebound(t *testing.T) {
	_, k := bound(t, nil)
	newRoom, down, help := k.First("room.new"), k.First("move.down"), k.First("help")
	m, k := bound(t, map[string][]string{"room.new": {"N"}, "quit": {"ctrl+q"}})
	if a := k.Pressed(m.Current, tea.KeyPressMsg{Code: 'N', Text: "N"}); a == nil || a.Name != "room.new" {
		t.Errorf("N does %v", a)
	}
	if a := k.Pressed(m.Current, tea.KeyPressMsg{Text: newRoom}); a != nil {
		t.Errorf("%s still does %v", newRoom, a)
	}
	if k.First("room.new") != "N" {
		t.Errorf("sentences say %q", k.First("room.new"))
	}
	for _, bad := range []map[string][]string{
		{"no.such": {"x"}}, {"quit": {}}, {"quit": {newRoom}}, {"room.new": {down}}, {"webhook.follow": {help}},
	} {
		if CheckKeys(bad) == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	if err := CheckKeys(nil); err != nil {
		t.Errorf("the default keys clash: %v", err)
	}
}

// The table of the actions and their default keys: names and keys are a contract with configurations and fingers. Every row
// explains itself.
func TestTheRows(t *testing.T) {
	m := newPanes(&pane.Screen{})
	var got strings.Builder
	for _, g := range m.rows() {
		fmt.Fprintf(&got, "%s\n", g.Title)
		for _, a := range g.Actions {
			if a.Name == "" || a.Keys == "" || a.Word == "" || a.Long == "" || a.Do == nil {
				t.Errorf("%+v says too little", a)
			}
			marks := ""
			for _, mark := range []struct {
				name string
				on   bool
			}{{" footer", a.Footer}, {" aims", a.Aims}, {" anywhere", a.Anywhere}, {" yields", a.Yields}} {
				if mark.on {
					marks += mark.name
				}
			}
			fmt.Fprintln(&got, strings.TrimRight(fmt.Sprintf("  %-20s %-14s%s", a.Name, a.Keys, marks), " "))
		}
	}
	golden(t, "rows", strings.TrimSuffix(got.String(), "\n"))
}

func TestNoColor(t *testing.T) {
	for env, want := range map[string]bool{"NO_COLOR=1": true, "NO_COLOR=yes": true, "NO_COLOR=0": true, "NO_COLOR=": false, "NO_COLORS=1": false, "TERM=x": false} {
		if got := noColor([]string{env}); got != want {
			t.Errorf("%s: %v", env, got)
		}
	}
}

func TestAnAddressIsNeverCutInItsHost(t *testing.T) {
	m := newPanes(&pane.Screen{})
	m.Restyle(false)
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
	if c.Total != 5000 || len(c.Deliveries) >= 2*maxDeliveries || c.Deliveries[len(c.Deliveries)-1].Seq != 5000 {
		t.Errorf("%d of %d deliveries", len(c.Deliveries), c.Total)
	}
	if len(c.Activity) >= 2*maxActivity || len(c.Meetings) != 1 || c.Meetings["m"].Here != 4999 {
		t.Errorf("%d activities, %d meetings", len(c.Activity), len(c.Meetings))
	}
	if !c.Rooms || !c.Recordings || !c.Status || !c.Missed {
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
				batches, total = batches+1, total+c.Total
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
	m.Current = nil
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
		if got.Name != "screen update" || len(got.Stack) == 0 {
			t.Errorf("noted %+v", got)
		}
	}()
	m.Update(changes{})
}

func TestNewNeedsABackendAndRightKeys(t *testing.T) {
	if _, err := New(t.Context(), Options{}); err == nil {
		t.Error("no backend is no error")
	}
	if err := Run(t.Context(), Options{Backend: tuitest.New(clockwork.NewFakeClock()), Keys: map[string][]string{"x": {"y"}}}); err == nil {
		t.Error("an unknown action is no error")
	}
}

func TestAFailedReadingIsShownAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Fail = &app.Error{Text: "the store is locked", Hint: "close the other program"}
		})
		p.sees("The rooms can't be read", "the store is locked", "close the other")
		p.opens("Recordings").sees("The recordings can't be read").opens("Webhooks").sees("The webhooks can't be read").opens("Status").sees("The status can't be read").opens("Rooms")
		p.backend.Lock()
		p.backend.Fail = nil
		p.backend.Unlock()
		p.sees("board").misses("can't be read")
		p.opens("Recordings").sees("No recordings yet").opens("Status").sees("Listener").opens("Webhooks").sees("No webhook has arrived yet")
		deliver(p.backend, 1)
		p.sees("#1", `"n": 1`)
	})
}

func TestTheStatusShowsWhatToDo(t *testing.T) {
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
		p.opens("Status").sees("● tunnel up", "✗ failing", "! no webhook secret", "make another key", "not checked yet", "2 requests waiting",
			"asking the platform for its webhook", "presence  ✓ 10 s ago", "rate limited", "this screen", "listening on 127.0.0.1")
		p.does("status.copy").sees("Webhook URL copied")
		p.sees("Reachable from this machine only").moves("down", "down").does("status.copy").sees("No webhook URL yet")
		p.moves("down", "down", "bottom", "top", "half-down", "half-up", "up")
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
		p.does("reload").sees("not listening", "the port is taken")
	})
}

// Readings of presence confirm what is known many times a second. They come in one batch a second, and no list is read again for them.
func TestConfirmationsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tuitest.New(clockwork.NewRealClock())
		f := newFeed(b, b.Clock)
		ctx, cancel := context.WithCancel(t.Context())
		f.start(ctx, nil)
		next := func() changes {
			c, ok := f.next(ctx)().(changes)
			if !ok {
				t.Fatal("no batch")
			}
			return c
		}
		next() // the subscription
		m := app.Meeting{ID: "m", Status: app.Live, Here: 2}
		report := func(evidence time.Duration, here int) {
			m.EvidenceAt, m.Here = app.At(time.Unix(0, 0).Add(evidence)), here
			copied := m
			b.Publish(app.Change{Kind: app.MeetingChange, Meeting: &copied})
		}
		report(1, 2)
		if c := next(); len(c.Meetings) != 1 {
			t.Fatalf("a meeting that wasn't known: %+v", c)
		}
		began := time.Now()
		report(2, 2)
		report(3, 2)
		if c := next(); len(c.Meetings) != 0 || c.Confirmed["m"].EvidenceAt != m.EvidenceAt || time.Since(began) != unhurried {
			t.Errorf("after %s: %+v", time.Since(began), c)
		}
		began = time.Now()
		report(4, 2)
		report(5, 3)
		report(6, 3)
		if c := next(); len(c.Confirmed) != 0 || c.Meetings["m"].EvidenceAt != m.EvidenceAt || time.Since(began) != steady {
			t.Errorf("right after another batch, after %s: %+v", time.Since(began), c)
		}
		<-time.After(steady)
		began = time.Now()
		report(7, 4)
		if c := next(); c.Meetings["m"].Here != 4 || time.Since(began) != coalesce {
			t.Errorf("after a quiet time, after %s: %+v", time.Since(began), c)
		}
		cancel()
		f.wait()
	})
}
