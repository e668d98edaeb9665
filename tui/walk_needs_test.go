package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// needy is rooms in every state that the list puts in order.
func needy(b *tuitest.Backend) {
	for _, name := range []string{"board 10", "board 9", "asked", "broken", "live", "soon", "open", "refused"} {
		account := "daily"
		if name == "refused" {
			account = "acme"
		}
		b.AddRoom(app.RoomSpec{Name: name, Account: account})
	}
	b.Stat.Accounts = append(b.Stat.Accounts, app.AccountStatus{Name: "acme", Platform: provider.Daily, Health: "failing", Detail: "Daily refused the API key", Hint: "Check ACME_KEY"})
	for _, name := range []string{"asked", "broken", "live", "open"} {
		b.Start(name)
	}
	b.JoinAs("asked", app.Stay{Name: "Margaret", Waiting: true})
	b.Join("broken", "Ken")
	b.Alter("broken", func(m *app.MeetingDetail) { m.RecordingError = "no space" })
	b.Join("live", "Linus")
	b.Plan("soon", 12*time.Minute, "")
	b.Plan("board 9", 40*time.Minute, "FREQ=WEEKLY")
}

// order returns the rooms as they are listed.
func (p *person) order(rooms ...string) (got []string) {
	for line := range strings.Lines(p.pane("Rooms").text()) {
		for _, r := range rooms {
			if strings.Contains(line, r+" ") {
				got = append(got, r)
			}
		}
	}
	return got
}

func TestRoomsThatNeedAttentionAreFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, needy)
		all := []string{"asked", "broken", "refused", "live", "soon", "open", "board 9", "board 10"}
		if got := p.order(all...); fmt.Sprint(got) != fmt.Sprint(all) {
			t.Errorf("the order is %v\n%s", got, p.screen())
		}
		p.sees("2 live · 2 here · 1 waiting").pane("Rooms").row("soon").sees("» soon", "12m")
		p.pane("Rooms").row("refused").sees("✗")
		// the header counts on every tab
		for _, tab := range []string{"Meetings", "Recordings", "Webhooks", "Status"} {
			p.opens(tab).sees("2 live · 2 here · 1 waiting", "✗ acme fails")
		}
		p.opens("Rooms").moves("down", "down").pane("refused").sees("✗ acme fails: Daily refused the API key. Check ACME_KEY")
		p.moves("down", "down").pane("soon").sees("next   today 00:12–01:12, in 12 minutes", "once", "{room.plan} plan")
		p.wait(5 * time.Minute)
		p.pane("soon").sees("in 7 minutes")
		p.wait(8 * time.Minute)
		p.pane("Rooms").row("soon").sees("now")
		p.pane("soon").sees("overdue")
		// With time another booking comes near.
		p.wait(13 * time.Minute)
		if got := p.order("soon", "board 9", "open"); fmt.Sprint(got) != "[board 9 soon open]" {
			t.Errorf("after a while the order is %v\n%s", got, p.screen())
		}
	})
}

func TestRoomsAreFoundByPeopleAndStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, needy)
		all := []string{"asked", "broken", "refused", "live", "soon", "open", "board 9", "board 10"}
		for filter, want := range map[string]string{
			"linus": "live", "margaret or ken": "asked broken", "is:live": "broken live", "is:open": "asked open", "is:waiting": "asked", "is:failing": "broken refused", "is:soon": "soon",
			"acme": "refused", "board": "board 9 board 10", "-is:live -is:open board": "board 9 board 10", "person:Lin*": "live",
		} {
			p.does("filter").types(filter).presses("enter").wait(time.Second)
			if got := strings.Join(p.order(all...), " "); got != want {
				t.Errorf("%s: %q, want %q\n%s", filter, got, want, p.screen())
			}
			p.presses("esc")
		}
		p.does("filter").types("li").sees("live").types(" is:x").sees("✗ character 7: there is no is:x").presses("esc").sees("board 10")
	})
}

func TestMarkedRoomsAreStartedAndDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			for _, name := range []string{"alpha", "beta", "gamma", "delta"} {
				b.AddRoom(app.RoomSpec{Name: name, Account: "daily"})
			}
			b.Start("delta")
		})
		p.sees("▌○ delta").does("room.mark", "room.mark").sees("▌· beta", "✓alpha", "✓delta", "2 marked").does("room.mark").sees("3 marked")
		p.does("meeting.start").sees("Start 2 meetings", "In alpha, beta.").presses("j", "enter").sees("2 started", "alpha, beta")
		p.misses("✓alpha", "✓beta").sees("✓delta", "1 marked")
		p.presses("esc").misses("marked")
		p.does("room.mark-all").sees("4 marked").does("room.delete").sees("Delete 4 rooms?", "Rooms with a meeting are not deleted").presses("esc").does("room.mark-all").misses("marked")
		p.moves("bottom").sees("▌· gamma").does("room.mark").moves("top").does("room.delete").sees("Delete 1 room?").presses("y").sees("1 deleted").misses("· gamma")
		// rooms with which it failed stay marked
		p.does("room.mark-all")
		p.backend.Lock()
		p.backend.Fail = &app.Error{Kind: provider.Conflict, Text: "the room has a meeting", Hint: "end it first"}
		p.backend.Unlock()
		p.does("room.delete").presses("y").sees("0 deleted, 3 failed: alpha, beta, delta: the room has a meeting", "end it first")
		p.backend.Lock()
		p.backend.Fail = nil
		p.backend.Unlock()
		p.sees("3 marked").does("messages").sees("delete the room alpha: the room has a meeting")
	})
}

// What is done with many rooms can be stopped: the others stay marked.
func TestWhatIsDoneWithManyRoomsIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow *slowStarts
		p := sit(t, 120, 40, hundreds, func(o *Options) {
			slow = &slowStarts{Backend: o.Backend.(*tuitest.Backend)}
			o.Backend = slow
		})
		p.does("filter").types("is:soon").presses("enter").sees("5 of 500").does("room.mark-all").sees("5 marked").does("meeting.start").presses("enter")
		p.sees("Starting meetings: 1 of 5, team 101 (esc stops)").wait(3 * time.Second)
		p.does("meeting.start").presses("enter").sees("An action on several rooms is still running")
		p.presses("esc").wait(5 * time.Second)
		p.sees(" marked").does("messages").sees(" started, stopped before ")
		if n := p.backend.Count("StartMeeting") - 100; n < 1 || n > 4 {
			t.Errorf("%d meetings were started", n)
		}
	})
}

// slowStarts starts a meeting in two seconds.
type slowStarts struct{ *tuitest.Backend }

func (s slowStarts) StartMeeting(ctx context.Context, r app.StartMeeting) (app.StartedMeeting, error) {
	time.Sleep(2 * time.Second)
	return s.Backend.StartMeeting(ctx, r)
}

func TestMarkedPlatformRoomsAreAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, years)
		p.does("room.adopt").sees("interview-7", "space mark").presses("up", "up", "up", "space", "down", "space", "down", "space", "down", "space", "space", "space").sees("✓ interview-7", "✓ design-4711")
		p.presses("enter").sees("3 adopted", "▌· board", "○ design-4711", "○ interview-7", "○ weekly-sync")
	})
}

func TestMeetingsArePlannedChangedAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) { b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"}) })
		p.does("room.plan").sees("Plan a meeting of board", "2000-01-01 01:00", "1h", "only for repeated meetings", "UTC")
		p.presses("ctrl+u").types("tomorrow").presses("enter").sees("write it like '2026-12-01 10:00'")
		p.presses("ctrl+u").types("2000-01-03 10:00").presses("down", "ctrl+u").types("Mars").presses("enter").sees("write it like Europe/Berlin")
		p.presses("ctrl+u").types("Europe/Berlin").presses("down", "ctrl+u").types("45").presses("enter").sees("write it like 45m")
		p.types("m").presses("down", "right", "right").sees("on weekdays").presses("down").types("31.1.").presses("enter").sees("write it like 2026-12-31")
		p.presses("ctrl+u").types("2000-01-31").presses("enter").sees("Meeting of board planned", "Mon 2000-01-03 10:00–10:45 Europe/Berlin")
		p.pane("board").sees("next   2000-01-03 09:00–09:45", "weekday")
		p.does("room.plan").sees("Bookings of board", "Plan another meeting", "▌ Mon 2000-01-03 10:00–10:45 Europe/Berlin", "next 2000-01-03 09:00")
		p.presses("enter").sees("Edit a booking of board", "45m", "2000-01-03 10:00", "Europe/Berlin")
		p.presses("ctrl+u").types("2000-01-04 10:00").presses("enter").sees("Meeting of board changed", "next   2000-01-04 09:00–09:45")
		p.does("room.plan").presses("up", "enter").sees("Plan a meeting of board").presses("esc")
		p.does("room.plan").presses("D").sees("Remove this booking of board?", "[ Keep ]").presses("y").sees("The booking of board was removed").misses("next ")
		// what the backend refuses is shown in the form, which keeps what was typed
		p.does("room.plan").presses("down", "down", "down", "right", "down").types("1999-01-01").presses("enter").sees("the repetition has no occurrence", "check its last day", "1999-01-01")
	})
}

// grouped is rooms in groups.
func grouped(b *tuitest.Backend) {
	for _, r := range [][2]string{{"free", ""}, {"one", "Team"}, {"two", "Team"}, {"other", "Customers"}} {
		b.AddRoom(app.RoomSpec{Name: r[0], Account: "daily", Group: r[1]})
	}
}

func TestGroupsAndFavouritesAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, grouped)
		p.pane("Rooms").sees("▌· free", "Customers", "Team")
		if got := p.order("free", "Customers", "other", "Team", "one", "two"); fmt.Sprint(got) != "[free Customers other Team one two]" {
			t.Errorf("%v", got)
		}
		p.moves("down").sees("▌· other").moves("down").sees("▌· one").moves("up").sees("▌· other").moves("top").sees("▌· free").moves("bottom").sees("▌· two")
		p.does("room.favourite").sees("two is a favourite", "▌·★two")
		if got := p.order("free", "one", "two"); fmt.Sprint(got) != "[two free one]" {
			t.Errorf("%v", got)
		}
		p.does("filter").types("is:favourite").presses("enter").misses("free").sees("two").presses("esc").does("filter").types("group:Team").presses("enter").sees("one").misses("other").presses("esc")
		p.does("room.favourite").sees("two is no longer a favourite")
		p.clicks("Customers").sees("▌· other") // a heading is no row
	})
}

func TestTheMousePlansAndLooksBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 34, needy)
		p.clicks("soon ").clicks("{room.plan} plan").sees("Bookings of soon").clicks("Plan another meeting").sees("Plan a meeting of soon")
		p.clicks("How often").sees("every day").clicks("  Plan ").sees("Meeting of soon planned", ", day")
		p.clicks("{tab.meetings} Meetings").sees("Today").clicks("00:00 live").pane("live").sees("Linus")
		p.clicks("{meeting.attendance} attendance").sees("Attendance of live").presses("esc")
		p.clicks("Today, Sat").sees("▌○ 00:00 open") // a heading is no row: the one below it
	})
}

// With a hundred live meetings people join and leave all the time. Counts are shown as they are reported; the rooms are read again only for
// what changes the order of the list or what is in it.
func TestCountsAreShownWithoutReadingTheRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, needy)
		p.pane("Rooms").row("live").sees("1")
		before := p.backend.Count("Rooms")
		for i := range 5 {
			p.backend.Join("live", fmt.Sprintf("Guest %d", i))
			p.pane("Rooms").row("live").sees(fmt.Sprint(i + 2))
		}
		p.backend.Depart("live", "Guest 0", "left")
		p.sees("2 live · 6 here · 1 waiting")
		if n := p.backend.Count("Rooms") - before; n != 0 {
			t.Errorf("the rooms were read %d times for counts", n)
		}
		for _, change := range []struct {
			what string
			make func()
			sees string
		}{
			{"the first person came", func() { p.backend.Join("open", "Radia") }, "3 live · 7 here · 1 waiting"},
			{"a person waits", func() { p.backend.JoinAs("live", app.Stay{Name: "Grace", Waiting: true}) }, "3 live · 7 here · 2 waiting"},
			{"the meeting ended", func() { p.backend.End("open") }, "2 live · 6 here · 2 waiting"},
			{"a meeting began", func() { p.backend.Start("board 10"); p.backend.Join("board 10", "Ada") }, "3 live · 7 here · 2 waiting"},
		} {
			before := p.backend.Count("Rooms")
			change.make()
			p.sees(change.sees)
			if p.backend.Count("Rooms") == before {
				t.Errorf("the rooms weren't read again after %s", change.what)
			}
		}
		// A filter can select by people and counts.
		p.does("filter").types("barbara").presses("enter").pane("Rooms").sees("No room matches")
		p.backend.Join("live", "Barbara")
		p.pane("Rooms").sees("live")
	})
}
