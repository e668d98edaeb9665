package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// aWeek is meetings on several days, one of a room that was deleted, and one that lasts.
func aWeek(b *tuitest.Backend) {
	for _, name := range []string{"all-hands", "design", "gone"} {
		b.AddRoom(app.RoomSpec{Name: name, Account: "daily"})
	}
	b.Start("gone")
	b.JoinAs("gone", app.Stay{Name: "Margaret", Owner: true})
	time.Sleep(20 * time.Minute)
	b.End("gone")
	b.Delete("gone")
	time.Sleep(34 * time.Hour)
	b.Start("all-hands")
	b.JoinAs("all-hands", app.Stay{Name: "Ada Lovelace", UserID: "u-ada", Owner: true})
	time.Sleep(3 * time.Minute)
	b.Join("all-hands", "Grace Hopper")
	b.Join("all-hands", "Zoë 渡辺")
	b.JoinAs("all-hands", app.Stay{Name: "Linus", Waiting: true})
	time.Sleep(4 * time.Minute)
	b.Admit("all-hands", "Linus")
	b.Record("all-hands")
	b.JoinAs("all-hands", app.Stay{Name: "Recorder", Bot: true, Role: "recorder"})
	time.Sleep(15 * time.Minute)
	b.Depart("all-hands", "Grace Hopper", "connection lost")
	time.Sleep(2 * time.Minute)
	b.Join("all-hands", "Grace Hopper")
	b.Depart("all-hands", "Linus", "left")
	time.Sleep(20*time.Minute + 17*time.Second)
	b.PutRecording(app.Recording{ID: "rec-1", Account: "daily", Meeting: b.Last("all-hands").ID, Room: "all-hands", Status: app.RecordingReady,
		StartedAt: b.Ago(37*time.Minute + 17*time.Second), DurationS: 30 * 60})
	b.End("all-hands")
	time.Sleep(9 * time.Hour)
	b.Start("design")
	b.Join("design", "Linus")
	time.Sleep(90 * time.Second)
}

func TestAHostLooksBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 34, aWeek)
		p.opens("Meetings").sees("Today, Sun 2000-01-02", "Sat 2000-01-01", "all-hands", "gone", "design")
		p.pane("Meetings").row("gone").sees("20:00", "1")
		p.pane("design").sees("LIVE", "1 here", "Linus")
		p.moves("down").pane("all-hands").sees("ended   began today 10:20, lasted 44 min", "peak 4", "1 recording", "Ada Lovelace", "Grace Hopper", "recorded", "Recorder (recorder)")
		// It is opened where most people were there.
		p.pane("all-hands").sees("10:27:00", "4 here", "Here at 10:27:00", "Linus joined, Recorder joined, recording")
		p.moves("in")
		p.does("moment.first").sees("Here at 10:20:00", "1 here", "Ada Lovelace joined").pane("all-hands").row("★ Ada").sees("█")
		p.does("moment.forward").sees("Here at 10:21:00").does("moment.forward-ten").sees("Here at 10:31:00", "4 here")
		p.does("moment.back").sees("Here at 10:30:00").does("moment.back-ten").sees("Here at 10:20:00", "1 here")
		p.does("moment.next").sees("Here at 10:23:00", "Grace Hopper joined, Linus asked to be let in", "3 here", "waiting")
		p.does("moment.next", "moment.next").sees("Here at 10:42:00", "Grace Hopper left (connection lost)", "3 here")
		p.does("moment.previous").sees("Here at 10:27:00")
		p.does("moment.last").sees("Here at 11:04:17", "0 here", "No one.", "meeting ended")
		p.does("moment.forward-ten").sees("Here at 11:04:17").presses("\x1b[1;2D").sees("Here at 10:54:17")
		// out of the detail the keys are those of the list again
		p.moves("out").presses("left").does("moment.next").sees("Here at 10:54:17").misses("11:04:17")
		p.moves("down").sees("Margaret").pane("gone").sees("ended   began 2000-01-01 00:00, lasted 20 min")
	})
}

func TestTheMouseMovesTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 34, aWeek)
		p.opens("Meetings").clicks("all-hands").sees("Here at 10:27:00")
		p.clicks("░░░░").sees("{moment.next} next event") // the first cell of Linus's bar, in the lobby
		at := func() string {
			_, rest, _ := strings.Cut(p.screen(), "Here at ")
			return rest[:8]
		}
		if got := at(); got < "10:22:30" || got > "10:24:00" {
			t.Errorf("the click went to %s", got)
		}
		p.does("moment.last").clicks("▼").sees("Here at 11:04:17")
		p.turns(down, 2, 100, 12).sees("Here at 11:04:17") // the wheel scrolls the people
		aligned(t, p, 120)
	})
}

func TestMeetingsAreFiltered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 34, aWeek)
		p.opens("Meetings").does("filter").types("grace").sees("1 match  / grace", "all-hands").misses("gone", "design").presses("enter")
		p.moves("in").does("moment.first").sees("Here at 10:20:00").moves("out", "out").sees("design", "gone")
		for filter, want := range map[string][]string{
			"is:live": {"design"}, "is:ended": {"all-hands", "gone"}, "date:2000-01-01": {"gone"}, "person:lin* -is:live": {"all-hands"}, "room:gone": {"gone"},
		} {
			list := p.does("filter").types(filter).presses("enter").pane("Meetings")
			for _, room := range []string{"design", "all-hands", "gone"} {
				if shown := strings.Contains(want[0]+" "+want[len(want)-1], room); shown {
					list.sees(" " + room + " ")
				} else {
					list.misses(" " + room + " ")
				}
			}
			p.presses("esc")
		}
		p.does("filter").types("sate:x").sees("✗ character 1: there is no", `field "sate"`).presses("esc").misses(`field "sate"`)
		p.does("filter").types("nowhere").sees("No meeting matches").presses("esc").sees("design")
	})
}

// The list is read in pages while the cursor moves, and shows how much there is.
func TestManyMeetingsAreReadInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "daily-standup", Account: "daily"})
			for range 250 {
				b.Start("daily-standup")
				b.Join("daily-standup", "Ada")
				time.Sleep(time.Hour)
				b.End("daily-standup")
			}
		})
		p.opens("Meetings").sees("newest 100 of 250", "Ada")
		p.moves("bottom").sees("newest 200 of 250").moves("bottom").misses("of 250").moves("bottom").sees("Sat 2000-01-01")
		p.moves("top").sees("Tue 2000-01-11")
		p.backend.Start("daily-standup")
		p.sees("○").moves("top").pane("daily-standup").sees("OPEN")
	})
}

func TestALiveMeetingIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, aWeek)
		p.opens("Meetings").moves("in").sees("1 here", "Linus")
		p.backend.Join("design", "Ada")
		p.sees("2 here", "Ada")
		p.does("moment.first").sees("Linus joined", "1 here")
		p.backend.Depart("design", "Ada", "left")
		p.wait(2 * time.Second)
		p.sees("Linus joined", "1 here") // the moment stays
		p.does("moment.last").sees("1 here")
	})
}

func TestAttendanceIsShownCopiedAndExported(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 34, aWeek)
		p.opens("Meetings").moves("down").does("meeting.attendance")
		p.sees("Attendance of all-hands", "★ Ada Lovelace", "10:20", "11:04", "44", "4 people came", "c copy")
		p.presses("c").sees("Attendance of all-hands as a table copied")
		p.presses("v").sees("as CSV copied", "Attendance of").presses("m").sees("as Markdown copied", "Attendance of").presses("esc")
		for i, want := range []string{"NAME                 FIRST IN          LAST OUT", "name,user_id,owner", "| Ada Lovelace (host) | 2000-01-02 10:20 | 2000-01-02 11:04 | 44 | 1 |"} {
			if got := p.clipboard()[i]; !strings.Contains(got, want) {
				t.Errorf("copied %q", got)
			}
		}
		path := filepath.Join(dir, "out.csv")
		for i, c := range []struct{ path, want string }{{path, "Attendance exported"}, {path, "already exists"}, {filepath.Join(dir, "a", "b.md"), "the file can't be created"}, {filepath.Join(dir, "x.pdf"), "Enter a file name that ends in"}} {
			p.does("meeting.attendance").presses("e").sees("all-hands-2000-01-02-1020.csv", "The extension sets")
			p.presses("ctrl+u").types(c.path).presses("enter").sees(c.want)
			if i > 0 {
				p.sees(c.path[len(c.path)-5:]).presses("esc") // what was typed is kept
			}
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "Grace Hopper,,false,2000-01-02T10:23:00Z,2000-01-02T11:04:17Z,39,2") {
			t.Errorf("%v: %s", err, b)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("files: %v", left)
		}
	})
}

// Times of the chart are exact for any width, and every line keeps its border.
func TestACrowdIsCharted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "town hall", Account: "daily"})
			b.Start("town hall")
			for i := range 60 {
				b.Join("town hall", fmt.Sprintf("Guest %02d 渡辺", i))
				time.Sleep(20 * time.Second)
			}
		})
		for _, size := range [][2]int{{80, 24}, {100, 30}, {160, 45}, {300, 80}, {40, 10}, {60, 12}} {
			p.resizes(size[0], size[1]).opens("Meetings")
			aligned(t, p, size[0])
			p.moves("in").does("moment.first", "moment.forward-ten")
			aligned(t, p, size[0])
			if size[1] > 20 {
				p.sees("31 here", "Guest 0")
			}
			p.does("moment.last").moves("bottom", "out")
		}
	})
}

// The list of who attended has who was expected, who is still there, and what they answered on the room's page.
func TestAttendanceShowsWhoWasExpectedAndConsents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 34, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Start("board")
			b.JoinAs("board", app.Stay{Name: "Ada", Consent: app.ConsentYes})
			b.Expect = []app.Person{{Name: "ada"}, {Name: "Zed", Mail: "zed@example.com"}}
			b.Alter("board", func(m *app.MeetingDetail) {
				m.Guests = append(m.Guests, app.Guest{ID: "g1", Name: "Mallory", Consent: app.ConsentNo})
			})
		})
		p.opens("Meetings").does("meeting.attendance").sees("Ada", "still here, agreed to be recorded", "✗ Zed", "never came", "✗ Mallory", "declined to be recorded",
			"1 person came, 1 still here, 1 expected but never came, 1 declined to be recorded")
	})
}
