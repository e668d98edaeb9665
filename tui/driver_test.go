package tui

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	stdio "io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/vt"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/tuitest"
)

var update = flag.Bool("update", false, "rewrite the golden screens")

// person sits before a real program in an emulated terminal, in a bubble of fake time: sees waits, in that time, until
// the screen shows something.
type person struct {
	t       *testing.T
	mu      sync.Mutex // guards what the program's goroutines write: term, raw, title, copied, opened
	backend *tuitest.Backend
	model   *Model
	keys    *pane.Keys
	term    *vt.Emulator
	raw     strings.Builder // every byte that reached the terminal
	title   string
	copied  []string
	opened  []string
	cancel  context.CancelFunc
	done    chan error
	err     error
	over    bool
}

// sit starts the program. It must run inside a synctest bubble.
func sit(t *testing.T, w, h int, prepare func(*tuitest.Backend), change ...func(*Options)) *person {
	t.Helper()
	p := &person{t: t, term: vt.NewEmulator(w, h), done: make(chan error, 1)}
	_, p.keys = bound(t, nil)
	p.term.SetCallbacks(vt.Callbacks{Title: func(s string) { p.title = s }})
	clock := clockwork.NewRealClock() // the bubble's
	p.backend = tuitest.New(clock)
	if prepare != nil {
		prepare(p.backend)
	}
	profile := colorprofile.TrueColor
	o := Options{
		Backend: p.backend, Theme: "dark", Clock: clock, Zone: time.UTC, PID: 1, Version: "1.0.0", Profile: &profile,
		Env: []string{"TERM=xterm-256color"}, Mouse: true, Input: p.term, Output: p, Size: [2]int{w, h},
		Copy:        func(s string) error { p.mu.Lock(); defer p.mu.Unlock(); p.copied = append(p.copied, s); return nil },
		Open:        func(s string) error { p.mu.Lock(); defer p.mu.Unlock(); p.opened = append(p.opened, s); return nil },
		AccountHelp: []string{"DAILY_API_KEY, DAILY_WEBHOOK_SECRET", "WHEREBY_API_KEY, WHEREBY_WEBHOOK_SECRET"},
		Log:         func() []string { return []string{"10:00:00 INFO listening on 127.0.0.1:7070"} },
	}
	for _, f := range change {
		f(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	m, err := New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	p.model = m
	go func() { p.done <- m.run(ctx, cancel) }()
	t.Cleanup(func() {
		cancel()
		p.leave()
	})
	p.rest()
	return p
}

// Write is the terminal's end of the program's output.
func (p *person) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw.Write(b)
	if _, err := p.term.Write([]byte(strings.ReplaceAll(string(b), "\n", "\r\n"))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// rest lets a tenth of a second pass.
func (p *person) rest() { p.wait(100 * time.Millisecond) }

func (p *person) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// leave waits for the end of the program.
func (p *person) leave() error {
	if !p.over {
		p.over = true
		select {
		case p.err = <-p.done:
		case <-time.After(time.Minute):
			p.t.Errorf("the program does not end; the screen:\n%s", p.screen())
			p.cancel()
			p.err = <-p.done
		}
		p.term.Close()
		synctest.Wait()
	}
	return p.err
}

var keyBytes = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C",
	"left": "\x1b[D", "shift+left": "\x1b[1;2D", "shift+right": "\x1b[1;2C", "home": "\x1b[H", "end": "\x1b[F", "backspace": "\x7f", "ctrl+c": "\x03", "ctrl+d": "\x04", "ctrl+u": "\x15", "ctrl+r": "\x12", "ctrl+p": "\x10", "space": " ",
}

// presses types keys by name, slowly enough to read what they open.
func (p *person) presses(keys ...string) *person {
	p.t.Helper()
	for _, k := range keys {
		b, ok := keyBytes[k]
		if !ok {
			b = k
		}
		if _, err := stdio.WriteString(p.term.InputPipe(), b); err != nil {
			p.t.Fatalf("press %q: %v", k, err)
		}
		p.wait(dialog.Unread + 100*time.Millisecond) // as long as it takes to read a question
		if k == "esc" {
			p.wait(time.Second) // it might have begun a sequence
		}
	}
	return p
}

// does presses the key of an action, by the action's name.
func (p *person) does(names ...string) *person {
	p.t.Helper()
	for _, name := range names {
		a := p.keys.Find(pane.Name(name))
		if a == nil {
			p.t.Fatalf("there is no action %q", name)
		}
		p.presses(strings.Fields(a.Keys)[0])
	}
	return p
}

// opens goes to a tab, moves moves the cursor, types types text.
func (p *person) opens(tab string) *person {
	p.t.Helper()
	return p.does("tab." + strings.ToLower(tab))
}

func (p *person) moves(to ...string) *person {
	p.t.Helper()
	for _, m := range to {
		p.does("move." + m)
	}
	return p
}

func (p *person) types(text string) *person {
	p.t.Helper()
	return p.presses(strings.Split(text, "")...)
}

var named = regexp.MustCompile(`\{[a-z.-]+\}`)

// keyed replaces the names of actions in braces by their keys.
func (p *person) keyed(text string) string {
	return named.ReplaceAllStringFunc(text, func(name string) string {
		return cmp.Or(p.keys.First(pane.Name(strings.Trim(name, "{}"))), name)
	})
}

// clicks presses the left button on the first occurrence of text.
func (p *person) clicks(text string) *person {
	p.t.Helper()
	text = p.keyed(text)
	for y, line := range strings.Split(p.screen(), "\n") {
		if before, _, ok := strings.Cut(line, text); ok {
			x := p.width(before) + 1
			fmt.Fprintf(p.term.InputPipe(), "\x1b[<0;%d;%dM\x1b[<0;%d;%dm", x+1, y+1, x+1, y+1)
			p.wait(dialog.Unread + 100*time.Millisecond)
			return p
		}
	}
	p.t.Fatalf("there is no %q to click on:\n%s", text, p.screen())
	return p
}

// The buttons of the wheel.
const up, down = 64, 65

// turns turns the wheel n times at a column and a line.
func (p *person) turns(button, n, x, y int) *person {
	for range n {
		fmt.Fprintf(p.term.InputPipe(), "\x1b[<%d;%d;%dM", button, x, y)
		p.rest()
	}
	return p
}

func (p *person) width(s string) int { return p.term.WidthMethod().StringWidth(s) }

// resizes changes the terminal.
func (p *person) resizes(w, h int) *person {
	p.mu.Lock()
	p.term.Resize(w, h)
	p.mu.Unlock()
	fmt.Fprintf(p.term.InputPipe(), "\x1b[48;%d;%d;0;0t", h, w)
	p.rest()
	return p
}

// screen returns the text on the screen.
func (p *person) screen() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := strings.Split(strings.ReplaceAll(p.term.String(), "\r", ""), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// styled returns the screen with its styles.
func (p *person) styled() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.term.Render()
}

// written is every byte that reached the terminal.
func (p *person) written() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raw.String()
}

// clipboard and browser are what was copied and opened.
func (p *person) clipboard() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.copied)
}

func (p *person) browser() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.opened)
}

// eventually waits until is returns true, for at most ten seconds of the bubble's time, and reports whether it did.
func (p *person) eventually(is func() bool) bool {
	for range 100 {
		if is() {
			return true
		}
		p.rest()
	}
	return is()
}

// sees waits until every text is on the screen. {names} of actions stand for their keys.
func (p *person) sees(texts ...string) *person {
	p.t.Helper()
	part{p, func() string { return p.screen() }, "the screen"}.sees(texts...)
	return p
}

// misses checks that no text is on the screen.
func (p *person) misses(texts ...string) *person {
	p.t.Helper()
	part{p, func() string { return p.screen() }, "the screen"}.misses(texts...)
	return p
}

// part is a part of the screen.
type part struct {
	p    *person
	text func() string
	name string
}

func (a part) sees(texts ...string) part {
	a.p.t.Helper()
	for _, text := range texts {
		if text = a.p.keyed(text); !a.p.eventually(func() bool { return strings.Contains(a.text(), text) }) {
			a.p.t.Fatalf("%s does not show %q:\n%s", a.name, text, a.p.screen())
		}
	}
	return a
}

func (a part) misses(texts ...string) part {
	a.p.t.Helper()
	for _, text := range texts {
		if text = a.p.keyed(text); strings.Contains(a.text(), text) {
			a.p.t.Fatalf("%s shows %q:\n%s", a.name, text, a.p.screen())
		}
	}
	return a
}

// row is the first line of the part with a text.
func (a part) row(with string) part {
	return part{a.p, func() string {
		for line := range strings.Lines(a.text()) {
			if strings.Contains(line, with) {
				return line
			}
		}
		return ""
	}, "the row of " + with}
}

// pane is the bordered part of the screen with a title.
func (p *person) pane(title string) part {
	return part{p, func() string {
		var out strings.Builder
		left, right := -1, -1
		for _, l := range strings.Split(p.screen(), "\n") {
			line := []rune(l)
			if left >= 0 {
				if left >= len(line) || line[left] != '│' {
					break
				}
				out.WriteString(string(line[left+1:min(right, len(line))]) + "\n")
				continue
			}
			for i := range line {
				if rest := string(line[i:]); strings.HasPrefix(rest, "╭ "+title+" ") || strings.HasPrefix(rest, "├ "+title+" ") {
					left, right = i, i+1
					for right < len(line) && !strings.ContainsRune("╮┤┬┼", line[right]) {
						right++
					}
				}
			}
		}
		return out.String()
	}, "the pane " + title}
}

// golden compares with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got+"\n", "\n"), strings.Split(string(want), "\n")
	at := 0
	for at < min(len(gotLines), len(wantLines)) && gotLines[at] == wantLines[at] {
		at++
	}
	t.Errorf("%s differs from line %d on; go test ./tui -update rewrites it. It has:\n%s\nIt is now:\n%s", path, at+1,
		strings.Join(wantLines[at:min(at+12, len(wantLines))], "\n"), strings.Join(gotLines[at:min(at+12, len(gotLines))], "\n"))
}

// busyDay is rooms in every state.
func busyDay(b *tuitest.Backend) {
	b.AddRoom(app.RoomSpec{Name: "all-hands", Account: "daily", Locked: true, Recording: provider.RecordingCloud,
		Trigger: provider.TriggerAutomatic2nd})
	b.AddRoom(app.RoomSpec{Name: "design", Account: "whereby"})
	b.AddRoom(app.RoomSpec{Name: "board", Account: "livekit"})
	b.AddRoom(app.RoomSpec{Name: "office"})
	b.Start("all-hands")
	b.JoinAs("all-hands", app.Stay{Name: "Ada Lovelace", Owner: true})
	time.Sleep(38 * time.Second)
	b.Join("all-hands", "Grace Hopper")
	b.Join("all-hands", "Linus")
	b.Record("all-hands")
	b.JoinAs("all-hands", app.Stay{Name: "Recorder", Bot: true, Role: "recorder"})
	time.Sleep(11 * time.Minute)
	b.Join("all-hands", "Zoë 渡辺")
	b.Depart("all-hands", "Linus", "connection lost")
	b.JoinAs("all-hands", app.Stay{Name: "Margaret", Waiting: true})
	b.Start("design")
	time.Sleep(7 * time.Second)
}
