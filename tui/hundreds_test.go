package tui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// hundreds is 500 rooms with 100 live meetings: someone waits in three, a recording fails in two, five begin soon.
func hundreds(b *tuitest.Backend) {
	for i := range 500 {
		s := app.RoomSpec{Name: fmt.Sprintf("team %d", i+1), Account: []string{"daily", "whereby"}[i%2]}
		if i >= 300 {
			s.Group = fmt.Sprintf("Region %d", i%4+1)
		}
		b.AddRoom(s)
		switch {
		case i < 100:
			b.Start(s.Name)
			for k := range i%4 + 1 {
				b.Join(s.Name, fmt.Sprintf("Guest %d-%d", i+1, k+1))
			}
			if i < 3 {
				b.JoinAs(s.Name, app.Stay{Name: fmt.Sprintf("Knocking %d", i+1), Waiting: true})
			} else if i < 5 {
				b.Alter(s.Name, func(m *app.MeetingDetail) { m.RecordingError = "no space" })
			}
		case i < 105:
			b.Plan(s.Name, time.Duration(i-99)*2*time.Minute, "")
		}
	}
}

func TestHundredsOfRoomsAreFoundQuickly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, hundreds)
		p.sees("100 live · 250 here · 3 waiting").sees("↓478").pane("Rooms").sees("▌● team 1 ", "◌1", "team 4", "✗")
		p.does("filter").types("is:live").sees("100 of 500").presses("enter").moves("bottom").sees("▌● team 100").presses("esc", "esc")
		p.does("filter").types("guest 76-2").sees("▌● team 76", "1 of 500").presses("esc")
		p.does("filter").types("is:soon").sees("5 of 500", "» team 101", "2m", "10m").presses("esc")
		p.moves("bottom").sees("▌· team 500", "Region 4").moves("top").sees("▌● team 1 ")
		p.does("filter").types("group:\"Region 2\"").presses("enter").sees("50 of 500", "▌· team 302").presses("esc")
		p.opens("Meetings").sees("● ", "team 100", "↓").does("filter").types(`"guest 4-1"`).sees("1 match").presses("esc")
		aligned(t, p, 120)
	})
}

// busy is a desk with 500 rooms, 100 of them live, whose meetings change all the time.
func busy(b *testing.B) (*desk, *tuitest.Backend) {
	backend := tuitest.New(clockwork.NewRealClock())
	hundreds(backend)
	d := newDesk(b, backend)
	d.until(b, func() bool { return d.m.rooms.Ready() && d.shows("Guest 1-1") })
	return d, backend
}

// BenchmarkFirstFrameOfHundreds is the time from nothing to the first frame with 500 rooms and 100 live meetings.
func BenchmarkFirstFrameOfHundreds(b *testing.B) {
	backend := tuitest.New(clockwork.NewRealClock())
	hundreds(backend)
	for b.Loop() {
		d := newDesk(b, backend)
		d.until(b, func() bool { return d.m.rooms.Ready() })
		if !strings.Contains(d.m.View().Content, "100 live") {
			b.Fatal("no rooms")
		}
	}
}

// BenchmarkKeyToFrameOfHundreds is the time from a key to its frame with 500 rooms and 100 live meetings, on the list and in a filter.
func BenchmarkKeyToFrameOfHundreds(b *testing.B) {
	for name, keys := range map[string][]tea.Msg{
		"list":   {letter('j'), letter('j'), letter('k'), tea.KeyPressMsg{Code: 'd', Mod: tea.ModCtrl}, letter('G'), letter('g')},
		"filter": {letter('/'), letter('g'), letter('u'), letter('e'), tea.KeyPressMsg{Code: tea.KeyEscape}},
		"mark":   {letter('*'), letter('*')},
	} {
		b.Run(name, func(b *testing.B) {
			d, _ := busy(b)
			for i := 0; b.Loop(); i++ {
				d.take(keys[i%len(keys)])
			}
		})
	}
}

// BenchmarkChangesOfHundreds is one batch of changes of 100 live meetings, to its frame.
func BenchmarkChangesOfHundreds(b *testing.B) {
	d, backend := busy(b)
	var c changes
	for i := range 100 {
		m := backend.Last(fmt.Sprintf("team %d", i+1))
		c.add(app.Change{Kind: app.MeetingChange, Meeting: &m})
	}
	for b.Loop() {
		d.take(c)
	}
}

// BenchmarkRewind is a key that moves the moment in a meeting of 500 people, to its frame.
func BenchmarkRewind(b *testing.B) {
	backend := tuitest.New(clockwork.NewRealClock())
	backend.AddRoom(app.RoomSpec{Name: "town hall", Account: "daily"})
	backend.Start("town hall")
	for i := range 500 {
		backend.Join("town hall", fmt.Sprintf("Guest %d 渡辺", i))
	}
	began := app.At(time.Now().Add(-time.Hour))
	backend.Alter("town hall", func(m *app.MeetingDetail) {
		for i := range m.Participants {
			m.Participants[i].JoinedAt = app.At(began.Add(time.Duration(i) * 7 * time.Second))
		}
	})
	backend.End("town hall")
	d := newDesk(b, backend)
	d.take(letter('2'))
	d.until(b, func() bool { return d.shows("500 here") })
	d.take(letter('l'))
	for i := 0; b.Loop(); i++ {
		key := tea.KeyPressMsg{Code: tea.KeyLeft}
		if i%40 >= 20 {
			key.Code = tea.KeyRight
		}
		d.take(key)
	}
}
