package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	"rsc.io/qr"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// quiet is the margin of a code, in its own squares.
const quiet = 2

// squares reads the squares of a code back from the screen: those on which something is drawn.
func squares(t *testing.T, p *person) func(x, y int) bool {
	t.Helper()
	var lines [][]rune
	left := -1
	for _, l := range strings.Split(p.screen(), "\n") {
		if r := []rune(l); strings.Contains(l, "██") {
			if left < 0 {
				left = strings.IndexRune(string(r), '█')
				left = len([]rune(string(r)[:left]))
			}
			lines = append(lines, append(r, []rune(strings.Repeat(" ", 80))...))
		}
	}
	if left < 0 {
		t.Fatalf("there is no code:\n%s", p.screen())
	}
	return func(x, y int) bool {
		switch r := lines[y/2][left+x]; r {
		case '█':
			return true
		case '▀':
			return y%2 == 0
		case '▄':
			return y%2 == 1
		}
		return false
	}
}

// shows fails unless the screen shows the code of a link.
func shows(t *testing.T, p *person, link string) {
	t.Helper()
	code, err := qr.Encode(link, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	light := squares(t, p)
	for y := range code.Size {
		for x := range code.Size {
			if light(x+quiet, y+quiet) == code.Black(x, y) {
				t.Fatalf("square %d,%d is not that of %s:\n%s", x, y, link, p.screen())
			}
		}
	}
}

// The code of a link as long as the platforms make them is shown whole in the smallest usual window.
// Without Unicode there are no blocks to draw a code with: the link remains.
func TestQRWithoutUnicode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, busyDay, func(o *Options) { o.Env = append(o.Env, "LANG=C") })
		p.does("qr").sees("needs a terminal with UTF-8").sees("https://acme.daily.co/")
	})
}

func TestTheCodeFitsAnOrdinaryTerminal(t *testing.T) {
	for _, c := range []struct {
		name    string
		link, h int
		record  bool
	}{
		{"short", 50, 24, false}, {"Whereby's", 104, 24, false}, {"recorded", 134, 24, true}, {"tall", 104, 45, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				link := "https://acme.whereby.com/" + strings.Repeat("x", c.link-25)
				p := sit(t, 80, c.h, func(b *tuitest.Backend) {
					b.AddRoom(app.RoomSpec{Name: "board", Account: "whereby"})
					b.Start("board")
					b.Alter("board", func(m *app.MeetingDetail) {
						m.GuestURL = link
						if c.record {
							m.Record = "cloud"
						}
					})
				})
				p.does("qr").misses("too small")
				if c.record {
					p.sees("recorded")
				}
				shows(t, p, link)
				p.presses("esc").sees("Rooms")
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 40, 10, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
			b.Start("board")
		})
		p.does("qr").sees("too small")
	})
}
