package tui

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/tui/tuitest"
)

func TestTheSetUpLeavesTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, func(b *tuitest.Backend) { b.Stat.Accounts = nil }, func(o *Options) { o.SetUp = true })
		p.sees("i set up").does("set-up")
		if err := p.leave(); !errors.Is(err, ErrSetUp) {
			t.Errorf("the screen ended with %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, busyDay, func(o *Options) { o.SetUp = true })
		p.does("set-up").sees("greenroom init")
	})
}

// The themes none and 16 limit the colours of any terminal.
func TestThemesLimitTheColours(t *testing.T) {
	for theme, colour := range map[string]string{None: `\x1b\[([0-9;]*;)?([34]|9|10)[0-9][0-9;]*m`, Sixteen: `\x1b\[[0-9;]*[34]8;[0-9;]*m`} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 80, 24, busyDay, func(o *Options) { o.Theme = theme })
			if found := regexp.MustCompile(colour).FindString(p.written()); found != "" {
				t.Errorf("theme %s writes %q", theme, found)
			}
		})
	}
}

func TestWithoutUnicodeEverythingIsASCII(t *testing.T) {
	for _, env := range []string{"LANG=C", "LC_ALL=POSIX", "LC_CTYPE=de_DE.ISO-8859-1"} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 100, 30, busyDay, func(o *Options) { o.Env = append(o.Env, "LANG=en_US.UTF-8", env) })
			p.does("help").presses("\x1b").opens("Status").opens("Recordings").opens("Webhooks")
			if strings.Contains(env, "LANG") || !strings.Contains(p.screen(), "│") {
				for _, c := range p.written() {
					if c > 0x7e {
						t.Fatalf("%s: %q was written", env, c)
					}
				}
			}
			if !strings.Contains(p.screen(), "+-") {
				t.Errorf("%s: no frame in\n%s", env, p.screen())
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		if p := sit(t, 100, 30, busyDay, func(o *Options) { o.Env = append(o.Env, "LANG=C.utf8") }); !strings.Contains(p.screen(), "│") {
			t.Error("a terminal with UTF-8 gets none")
		}
	})
}

func TestTheMouseCanBeReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, busyDay)
		p.does("mouse").sees("select text")
		if !strings.Contains(p.written(), "\x1b[?1002l") {
			t.Error("the terminal still reports the mouse")
		}
		before := strings.Count(p.written(), "\x1b[?1002h")
		p.does("mouse")
		if strings.Count(p.written(), "\x1b[?1002h") != before+1 {
			t.Error("the terminal doesn't report the mouse again")
		}
	})
}
