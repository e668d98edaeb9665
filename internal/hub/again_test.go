package hub

import (
	"context"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// A machine has one name towards relays: it is made once, stays over restarts, and asking for it again writes nothing.
func TestTheNameOfThisMachineStays(t *testing.T) {
	b := newBench(t)
	device := func() string {
		t.Helper()
		s, err := b.TunnelState(t.Context(), app.TunnelQuery{})
		if err != nil || s.Device == "" {
			t.Fatalf("%+v, %v", s, err)
		}
		return s.Device
	}
	first := device()
	commits := b.store.Commits()
	if again := device(); again != first || b.store.Commits() != commits {
		t.Errorf("%s, then %s; %d commits", first, again, b.store.Commits()-commits)
	}
	b.close()
	b.open()
	if again := device(); again != first {
		t.Errorf("after a restart %s, not %s", again, first)
	}
}

// A batch that can't be stored is logged and refused; that its sender has left is no news.
func TestABatchThatCanNotBeStored(t *testing.T) {
	b, l := logged(t)
	in := b.relayed(1, "bad", nil)
	if got := b.batch(in); !got[0].Stored || l.lines("could not be stored") != 0 {
		t.Errorf("%+v", got)
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.batch(b.relayed(2, "bad", nil)); got[0].Stored || got[0].Status < 500 || l.lines("a batch of webhooks could not be stored") != 1 {
		t.Errorf("%+v", got)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := b.IngestBatch(gone, app.Batch{Requests: []app.Inbound{b.relayed(3, "bad", nil)}}); err == nil || l.lines("could not be stored") != 0 {
		t.Errorf("of a sender that left: %v", err)
	}
}

// A new name of a room is that of all its meetings.
func TestARenamedRoomRenamesItsMeetings(t *testing.T) {
	b := newBench(t)
	b.room("old")
	for range 3 {
		b.end(b.start("old").ID)
		b.clock.Advance(time.Minute)
	}
	b.edit(app.RoomPatch{Ref: "old", Name: ptr("new")})
	all := b.meetings()
	for _, m := range all {
		if m.Room != "new" {
			t.Errorf("%s is a meeting of %s", m.ID, m.Room)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d meetings", len(all))
	}
}

// A report of a tunnel is news only when it is the first one, the last one, or shows something else.
func TestARenewedReportOfATunnelIsNoNews(t *testing.T) {
	b := newBench(t)
	up := live("a", "https://a.example")
	down, last := up, up
	down.Status.State, last.Lease = "degraded", 0
	for _, c := range []struct {
		name   string
		report app.TunnelReport
		news   bool
	}{{"the first", up, true}, {"renewed", up, false}, {"down", down, true}, {"still down", down, false}, {"up again", up, true}, {"the last", last, true}} {
		ctx, cancel := context.WithCancel(t.Context())
		changes, err := b.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.report(c.report)
		b.bus.publish([]app.Change{{Kind: app.RoomChange}})
		if got := <-changes; (got.Kind == app.StatusChange) != c.news {
			t.Errorf("%s: %s", c.name, got.Kind)
		}
		cancel()
	}
}

// Guests' links carry tokens on platforms that say so, and have a page of ours.
func TestWhichGuestsLinksCarryTokens(t *testing.T) {
	b := newBench(t)
	b.platform.traits.GuestTokens = true
	if b.tokensForGuests("daily") || b.tokensForGuests("none") {
		t.Error("without a page of ours")
	}
	b.close()
	b.accounts[0].Provider = pageless{platform: b.platform}
	b.open()
	if !b.tokensForGuests("daily") {
		t.Error("with a page of ours")
	}
	b.platform.traits.GuestTokens = false
	if b.tokensForGuests("daily") {
		t.Error("on a platform without tokens")
	}
}

// A meeting that ended is not compared with its next change.
func TestCallsForgetMeetingsThatEnded(t *testing.T) {
	b := newBench(t)
	c := b.calls
	m := app.Meeting{ID: "m", Status: app.Live, Platform: provider.Daily}
	change := func(s app.MeetingStatus) bool {
		m.Status = s
		one := m
		return c.note(app.Change{Kind: app.MeetingChange, Meeting: &one})
	}
	if !change(app.Live) || len(c.meetings) != 1 {
		t.Errorf("%v", c.meetings)
	}
	if change(app.Live) {
		t.Error("the same again is worth a look")
	}
	if !change(app.Ended) || len(c.meetings) != 0 {
		t.Errorf("after its end: %v", c.meetings)
	}
}

// What is noted for the accounts and the forwards of the configuration is noted for each of them.
func TestEveryAccountAndForwardIsNoted(t *testing.T) {
	b := forwarding(t, map[string]*receiver{hooks: newReceiver(accepts)})
	b.close()
	b.accounts[0].AutoDownload = true
	b.accounts = append(b.accounts, Account{Account: provider.Account{Name: "other", Platform: provider.Daily}, Provider: b.platform, AutoDownload: true})
	b.configured = []app.ForwardSpec{{Name: "a", URL: hooks}, {Name: "b", URL: hooks}}
	b.open()
	b.Start()
	noted := func() (names []string) {
		t.Helper()
		if err := b.store.View(t.Context(), func(tx *store.Tx) error {
			for _, a := range b.order {
				if tx.Value(autoKey(a.Name)) != nil {
					names = append(names, a.Name)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return names
	}
	if got := noted(); len(got) != 2 {
		t.Errorf("only %v are noted", got)
	}
	b.close()
	b.accounts[0].AutoDownload, b.accounts[1].AutoDownload, b.configured = false, false, nil
	b.open()
	b.Start()
	if got := noted(); len(got) != 0 {
		t.Errorf("%v are still noted", got)
	}
	for _, name := range []string{"a", "b"} {
		if f := b.forward1(name); f.State != app.ForwardPaused {
			t.Errorf("%s, which the file lacks, is %s", name, f.State)
		}
	}
}
