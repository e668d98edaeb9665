package tui

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/cell"
	"greenroom/tui/tuitest"
)

// sizes are those of the golden screens. The smallest has no map of its styles.
var sizes = [...][2]int{{80, 24}, {100, 30}, {160, 45}, {300, 80}, {40, 10}}

// view is a state of the screen: what there is, and the way to it.
type view struct {
	name    string
	prepare func(*tuitest.Backend)
	walk    func(*person)
	change  func(*Options)
}

// screens are all tabs, dialogs and states of the screen.
var screens = []view{
	{name: "rooms", prepare: busyDay},
	{name: "hundreds", prepare: hundreds, walk: func(p *person) { p.moves("half-down", "half-down") }},
	{name: "roster", prepare: busyDay, walk: func(p *person) { p.moves("in", "down") }},
	{name: "rooms-empty"},
	{name: "no-accounts", prepare: func(b *tuitest.Backend) { b.Stat.Accounts = nil }, change: func(o *Options) { o.SetUp = true }},
	{name: "new-room", prepare: busyDay, walk: func(p *person) { p.does("room.new") }},
	{name: "end", prepare: busyDay, walk: func(p *person) { p.does("meeting.end") }},
	{name: "rooms-help", prepare: busyDay, walk: func(p *person) { p.does("help") }},
	{name: "meetings-help", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").does("help") }},
	{name: "recordings-help", prepare: takes, walk: func(p *person) { p.opens("Recordings").does("help") }},
	{name: "webhooks-help", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("help") }},
	{name: "status-help", prepare: relayed, walk: func(p *person) { p.opens("Status").does("help") }},
	{name: "help-end", prepare: busyDay, walk: func(p *person) { p.does("help").presses("G") }},
	{name: "messages-empty", prepare: busyDay, walk: func(p *person) { p.does("messages") }},
	{name: "palette-search", prepare: busyDay, walk: func(p *person) { p.does("palette").types("rec") }},
	{name: "palette-nothing", prepare: busyDay, walk: func(p *person) { p.does("palette").types("xyzzy") }},
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
	{name: "replay-edited", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.edit") }},
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
	{name: "new-room-wrong", prepare: busyDay, walk: func(p *person) { p.does("room.new").types("office").presses("enter") }},
	{name: "new-room-failed", prepare: busyDay, walk: func(p *person) { failing(p.backend, "CreateRoom"); p.does("room.new").types("x").presses("enter") }},
	{name: "plan-wrong", prepare: needy, walk: func(p *person) { p.does("room.plan").types("soonish").presses("enter") }},
	{name: "failed", prepare: busyDay, walk: func(p *person) { failing(p.backend, "MeetingLink"); p.does("copy.guest") }},
	{name: "refused", prepare: busyDay, walk: func(p *person) { p.moves("bottom").does("meeting.end") }},
	{name: "undo", prepare: busyDay, walk: func(p *person) { p.moves("bottom").does("room.delete").presses("y") }},
	{name: "reconnecting", prepare: busyDay, walk: func(p *person) { p.backend.Leave(); p.rest() }},
	{name: "unreadable", prepare: func(b *tuitest.Backend) { failing(b, "Rooms") }},
	{name: "copy-by-hand", prepare: busyDay, walk: func(p *person) { p.does("copy.guest") }, change: func(o *Options) { o.Copy = nil }},
	{name: "no-browser", prepare: crowd, walk: func(p *person) { p.does("open.guest") }, change: func(o *Options) { o.Open = nil }},
	{name: "browser-failed", prepare: crowd, walk: func(p *person) { p.does("open.guest") }, change: func(o *Options) {
		o.Open = func(string) error { return errors.New("exit status 3") }
	}},
	{name: "no-player", prepare: fetched, walk: func(p *person) {
		p.opens("Recordings").moves("down", "down", "down", "down", "down").does("recording.open")
	},
		change: func(o *Options) { o.Open = nil }},
	{name: "player-failed", prepare: fetched, walk: func(p *person) {
		p.opens("Recordings").moves("down", "down", "down", "down", "down").does("recording.open")
	},
		change: func(o *Options) { o.Open = func(string) error { return errors.New("exit status 3") } }},
	{name: "tunnel-qr", prepare: relayed, walk: func(p *person) { p.opens("Status").does("tunnel.qr") }},
	{name: "tunnel-probed", prepare: func(b *tuitest.Backend) { relayed(b); b.Probed.Reason = "relay.example answered 502" }, walk: func(p *person) { p.opens("Status").does("tunnel.probe") }},
	{name: "accounts-failing", prepare: needy, walk: func(p *person) { p.opens("Status") }},
	{name: "adopt-empty", prepare: func(b *tuitest.Backend) { busyDay(b); b.Failing = map[string]error{"whereby": broken} }, walk: func(p *person) { p.does("room.adopt") }},
	{name: "adopt-waiting", prepare: func(b *tuitest.Backend) { years(b); b.Slow = time.Minute }, walk: func(p *person) { p.does("room.adopt") }},
	{name: "adopt-marked", prepare: years, walk: func(p *person) { p.does("room.adopt").presses("up", "up", "up", "space", "down", "space") }},
	{name: "remove-banned", prepare: crowd, walk: func(p *person) { p.moves("in", "down").does("person.remove") }},
	{name: "expected", prepare: func(b *tuitest.Backend) {
		aWeek(b)
		b.Expect = []app.Person{{Name: "ada lovelace"}, {Name: "Zed", Mail: "zed@example.com"}}
	},
		walk: func(p *person) { p.opens("Meetings").moves("down").does("meeting.attendance") }},
	{name: "meetings-nothing", prepare: aWeek, walk: func(p *person) { p.opens("Meetings").does("filter").types("nowhere").presses("enter") }},
	{name: "rooms-nothing", prepare: busyDay, walk: func(p *person) { p.does("filter").types("nowhere").presses("enter") }},
	{name: "recordings-nothing", prepare: takes, walk: func(p *person) { p.opens("Recordings").does("filter").types("nowhere").presses("enter") }},
	{name: "webhooks-nothing", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("filter").types("verdict:ignored").presses("enter") }},
	{name: "webhooks-hex", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").moves("in").does("webhook.hex") }},
	{name: "forwards-empty", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.forwards") }},
	{name: "values-searched", prepare: rejected, walk: func(p *person) { p.opens("Webhooks").does("webhook.values").types("deep") }},
	{name: "lasting", prepare: lasting},
}

// Each screen has one file: its text at every size; its text in ASCII at 80x24, and wherever a screen draws something of its own
// in ASCII; and the map of its styles, one line a line, which styles.golden explains for every look. In every look the text is the same.
func TestScreens(t *testing.T) {
	styles := newPaints()
	for _, c := range screens {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var file strings.Builder
			for _, size := range sizes {
				synctest.Test(t, func(t *testing.T) {
					p := sit(t, size[0], size[1], c.prepare, func(o *Options) {
						if c.change != nil {
							c.change(o)
						}
					})
					if c.walk != nil {
						c.walk(p)
					}
					p.wait(1050 * time.Millisecond) // between two seconds, when nothing is due
					file.WriteString(p.portrait(styles, fmt.Sprintf("%dx%d", size[0], size[1])))
				})
			}
			golden(t, filepath.Join("screens", c.name), strings.TrimSuffix(file.String(), "\n"))
		})
	}
}

// broken is the answer of a backend that has a problem.
var broken = &app.Error{Kind: provider.Unavailable, Text: "Daily can't be reached: connection refused", Hint: "Check the network, then try again."}

// failing lets calls of one method fail. The order in which several fail would be chance.
func failing(b *tuitest.Backend, method string) {
	b.Lock()
	defer b.Unlock()
	called := b.Called
	b.Called = func(m string) error {
		if m == method {
			return broken
		}
		return called(m)
	}
}

// lasting is a room with a lasting link, whose page is public, without a meeting.
func lasting(b *tuitest.Backend) {
	b.AddRoom(app.RoomSpec{Name: "board", Account: "daily", Link: app.LinkLasting, Size: 20, Group: "Sales", Favourite: true})
	b.PageOf = func(app.Room) app.PageLink {
		return app.PageLink{PageURL: "https://gr.example/r/board-abc", PageReach: app.PagePublic, PageTunnel: "ssh"}
	}
	b.Plan("board", 26*time.Hour, "FREQ=WEEKLY")
}

// portrait returns the sections of a golden file about one size, and checks what holds for every screen.
func (p *person) portrait(styles *paints, size string) string {
	p.t.Helper()
	aligned(p.t, p, p.model.W)
	text := p.screen()
	var looked [len(looks)][]row
	looked[0] = p.shows(looks[0].look)
	for i, l := range looks[1:] {
		looked[i+1] = p.paint(l.look, false)
		if got := textOf(looked[i+1]); got != text {
			p.t.Errorf("%s, %s: the text is another one:\n%s", size, l.name, got)
		}
	}
	lines := strings.Split(text, "\n")
	ascii := textOf(p.paint(looks[0].look, true))
	if i := strings.IndexFunc(ascii, func(c rune) bool { return c > '~' || c < ' ' && c != '\n' }); i >= 0 {
		p.t.Errorf("%s: %q is not ASCII", size, ascii[i:min(i+8, len(ascii))])
	}
	spelt := make([]string, len(lines))
	for i, l := range lines {
		spelt[i] = cell.Ruler{}.ASCII(l)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s --\n%s\n", size, folded(lines))
	if size == "80x24" || strings.Join(spelt, "\n") != ascii {
		fmt.Fprintf(&b, "-- %s in ASCII --\n%s\n", size, folded(strings.Split(ascii, "\n")))
	}
	if size != "40x10" {
		maps := make([]string, len(lines))
		for y := range lines {
			var rows [len(looks)]row
			for i := range looked {
				rows[i] = looked[i][y]
			}
			maps[y] = styles.runs(p.t, rows)
		}
		fmt.Fprintf(&b, "-- %s styles --\n%s\n", size, folded(maps))
	}
	return b.String()
}

// No golden file is left of a screen that isn't drawn any more.
func TestEveryGoldenFileHasItsScreen(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "screens"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".golden")
		if !slices.ContainsFunc(screens, func(c view) bool { return c.name == name }) {
			t.Errorf("%s has no screen", f.Name())
		}
	}
}

// texters are the functions that make a dialog with a title of their caller, and the number of that argument. A code for phones
// has the name of its room as title.
var texters = map[string]int{"ShowText": 0}

// Every tab has a golden screen with something on it and one without, and the help and the palette of it; every dialog that is
// made anywhere has a golden screen.
func TestEveryTabAndDialogHasAGoldenScreen(t *testing.T) {
	drawn := map[string]string{}
	var all strings.Builder
	for _, c := range screens {
		b, err := os.ReadFile(filepath.Join("testdata", "screens", c.name+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		drawn[c.name] = string(b)
		_, wide, _ := strings.Cut(string(b), "-- 300x80 --\n") // where no title is cut
		all.WriteString(wide)
	}
	m, _ := bound(t, nil)
	for _, p := range m.panes {
		name := strings.ToLower(p.Title())
		for _, screen := range []string{name, name + "-empty", name + "-help"} {
			if drawn[screen] == "" && screen != "status-empty" { // there is always a status
				t.Errorf("there is no screen %q", screen)
			}
		}
	}
	n := 0
	for where, title := range titles(t) {
		n++
		if strings.Trim(title, ".*") == "" && !strings.HasPrefix(where, "pane/qr.go") {
			t.Errorf("%s: the title of this dialog is the caller's: add the function to texters", where)
		} else if !regexp.MustCompile("╭ " + title + " (─|.*╮)").MatchString(all.String()) {
			t.Errorf("%s: no golden screen has this dialog: %s", where, title)
		}
	}
	if n < 30 {
		t.Errorf("only %d dialogs are known", n)
	}
}

// titles returns the titles of all dialogs that the screen makes, as regular expressions, by their place in the source.
func titles(t *testing.T) map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "dialog") {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				_, made := texters[n.Name.Name]
				return !made
			case *ast.CompositeLit:
				if s, ok := n.Type.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == "dialog" && slices.Contains([]string{"Confirm", "Form", "Menu", "Sheet"}, s.Sel.Name) {
					out[set.Position(n.Pos()).String()] = pattern(field(n, "Title"))
				}
			case *ast.AssignStmt: // f.Title, f.Submit = …
				for i, l := range n.Lhs {
					if s, ok := l.(*ast.SelectorExpr); ok && s.Sel.Name == "Title" && len(n.Lhs) == len(n.Rhs) {
						out[set.Position(n.Pos()).String()] = pattern(n.Rhs[i])
					}
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok {
					if i, made := texters[s.Sel.Name]; made {
						// A title in a variable has one of the values that are assigned to it.
						if v, ok := n.Args[i].(*ast.Ident); ok {
							for at, title := range assigned(f, set, v.Name) {
								out[at] = title
							}
							return true
						}
						out[set.Position(n.Pos()).String()] = pattern(n.Args[i])
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// assigned returns what is assigned to a variable in a file.
func assigned(f *ast.File, set *token.FileSet, name string) map[string]string {
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, l := range a.Lhs {
				if v, ok := l.(*ast.Ident); ok && v.Name == name {
					out[set.Position(a.Rhs[i].Pos()).String()] = pattern(a.Rhs[i])
				}
			}
		}
		return true
	})
	return out
}

func field(l *ast.CompositeLit, name string) ast.Expr {
	for _, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && fmt.Sprint(kv.Key) == name {
			return kv.Value
		}
	}
	return nil
}

// verbs matches what fmt replaces.
var verbs = regexp.MustCompile(`%[a-z]`)

// pattern returns a regular expression for the values of an expression.
func pattern(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		return regexp.QuoteMeta(s)
	case *ast.BinaryExpr:
		return pattern(e.X) + pattern(e.Y)
	case *ast.CallExpr:
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Sprintf" {
			return verbs.ReplaceAllString(pattern(e.Args[0]), ".*")
		}
	}
	return ".*"
}
