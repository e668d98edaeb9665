package dialog

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"greenroom/tui/theme"
)

var styles = theme.New(theme.Options{Profile: colorprofile.TrueColor})

func key(name string) tea.KeyPressMsg {
	codes := map[string]tea.Key{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "up": {Code: tea.KeyUp},
		"down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "backspace": {Code: tea.KeyBackspace},
		"shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl},
		"ctrl+s": {Code: 's', Mod: tea.ModCtrl}, "space": {Code: tea.KeySpace, Text: " "},
	}
	if k, ok := codes[name]; ok {
		return tea.KeyPressMsg(k)
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func press(d Dialog, keys ...string) (cmd tea.Cmd, done bool) {
	for _, k := range keys {
		cmd, done = d.Update(key(k))
	}
	return cmd, done
}

func text(d Dialog, w, h int) string {
	return ansi.Strip(strings.Join(d.View(styles, w, h).Lines, "\n"))
}

// row finds the line and column of a text.
func row(t *testing.T, d Dialog, what string) Click {
	t.Helper()
	for y, line := range strings.Split(text(d, 70, 20), "\n") {
		if before, _, ok := strings.Cut(line, what); ok {
			return Click{X: ansi.StringWidth(before), Y: y}
		}
	}
	t.Fatalf("no %q in\n%s", what, text(d, 70, 20))
	return Click{}
}

func TestConfirmBeginsWithNo(t *testing.T) {
	for _, c := range []struct {
		keys []string
		yes  bool
	}{
		{[]string{"enter"}, false}, {[]string{"esc"}, false}, {[]string{"n"}, false}, {[]string{"q"}, false}, {[]string{"y"}, true},
		{[]string{"tab", "enter"}, true}, {[]string{"left", "right", "enter"}, true}, {[]string{"right", "left", "enter"}, false}, {[]string{"l", "space"}, true},
	} {
		said := false
		d := &Confirm{Title: "Delete?", Text: "It goes.", Yes: "Delete", No: "Keep", OnYes: func() tea.Cmd { said = true; return nil }}
		if _, done := press(d, c.keys...); !done || said != c.yes {
			t.Errorf("%v: done %v, yes %v", c.keys, done, said)
		}
	}
	d := &Confirm{Text: "It goes.", Yes: "Delete", No: "Keep"}
	if s := text(d, 40, 20); !strings.Contains(s, "[ Keep ]") || strings.Contains(s, "[ Delete ]") {
		t.Errorf("the focus is not on no:\n%s", s)
	}
}

// Keys that were typed for something else, and the second half of a double click, answer no question that has just appeared.
func TestAQuestionIsNotAnsweredBeforeItCanBeRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, msg := range map[string]tea.Msg{
		"y": tea.KeyPressMsg(tea.Key{Code: 'y', Text: "y"}), "enter": tea.KeyPressMsg(tea.Key{Code: tea.KeyEnter}), "click": nil,
	} {
		said := false
		d := &Confirm{Text: "It goes.", Yes: "Delete", No: "Keep", focus: yes, OnYes: func() tea.Cmd { said = true; return nil }}
		if name == "click" {
			msg = row(t, d, "Delete")
		}
		s := &Stack{Now: func() time.Time { return now }}
		s.Push(d)
		now = now.Add(Unread - 1)
		if s.Update(msg); said || s.Front() == nil {
			t.Errorf("%s answers a question that no one has read", name)
		}
		now = now.Add(1)
		if s.Update(msg); !said || s.Front() != nil {
			t.Errorf("%s doesn't answer a question that was there long enough", name)
		}
		s.Push(d)
		s.Push(&Sheet{})
		now = now.Add(time.Hour)
		s.Close(s.Front())
		if said = false; s.Update(msg) != nil || said {
			t.Errorf("%s answers a question that came to the front just now", name)
		}
		if s.Update(tea.KeyPressMsg(tea.Key{Code: tea.KeyEscape})); s.Front() != nil {
			t.Error("a new question can't be closed")
		}
	}
}

func TestConfirmTakesClicks(t *testing.T) {
	said := false
	d := &Confirm{Text: "It goes.", Yes: "Delete", No: "Keep", OnYes: func() tea.Cmd { said = true; return nil }}
	if _, done := d.Update(Click{X: 1, Y: 0}); done {
		t.Error("a click on nothing answered")
	}
	if _, done := d.Update(row(t, d, "Delete")); !done || !said {
		t.Error("a click on yes did not answer")
	}
	said = false
	if _, done := d.Update(row(t, d, "Keep")); !done || said {
		t.Error("a click on no did not answer no")
	}
}

func TestConfirmHasAThirdAnswer(t *testing.T) {
	said := ""
	say := func(what string) func() tea.Cmd { return func() tea.Cmd { said += what; return nil } }
	ask := func() *Confirm {
		said = ""
		return &Confirm{Text: "Ada goes.", No: "Keep her in", Yes: "Remove her", Also: "Remove her and keep her out", Danger: true,
			OnNo: say("no"), OnYes: say("yes"), OnAlso: say("also")}
	}
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"enter"}, "no"}, {[]string{"n"}, "no"}, {[]string{"esc"}, ""}, {[]string{"y"}, "yes"}, {[]string{"tab", "enter"}, "yes"},
		{[]string{"right", "right", "enter"}, "also"}, {[]string{"up", "enter"}, "no"}, {[]string{"tab", "tab", "tab", "enter"}, "also"},
	} {
		d := ask()
		if _, done := press(d, c.keys...); !done || said != c.want {
			t.Errorf("%v: done %v, said %q", c.keys, done, said)
		}
	}
	for label, want := range map[string]string{"Keep her in": "no", "Remove her ": "yes", "Remove her and": "also"} {
		d := ask()
		if _, done := d.Update(row(t, d, label)); !done || said != want {
			t.Errorf("a click on %q said %q", label, said)
		}
		d = ask() // where the answers stand below each other
		narrow := strings.Split(text(d, 30, 20), "\n")
		for y, line := range narrow {
			if strings.Contains(line+" ", label) {
				d.Update(Click{X: 4, Y: y})
				break
			}
		}
		if said != want {
			t.Errorf("a click on %q said %q in\n%s", label, said, strings.Join(narrow, "\n"))
		}
	}
}

func form(submitted *string) *Form {
	return &Form{Title: "New", Submit: "Make it", Fields: []*Field{
		{Name: "name", Label: "Name", Help: "What it is called.", Check: func(v string, _ func(string) string) string {
			if v == "" {
				return "It needs a name."
			}
			return ""
		}},
		{Name: "kind", Label: "Kind", Value: "a", Options: []Option{{Value: "a", Label: "first"}, {Value: "b", Label: "second"}}},
		{Name: "more", Label: "More", Off: func(v func(string) string) string {
			if v("kind") == "a" {
				return "only with the second kind"
			}
			return ""
		}},
	}, OnSubmit: func(v func(string) string) tea.Cmd {
		*submitted = v("name") + "/" + v("kind") + "/" + v("more")
		return nil
	}}
}

func TestFormIsFilledIn(t *testing.T) {
	var got string
	f := form(&got)
	press(f, "enter")
	if s := text(f, 70, 20); got != "" || !strings.Contains(s, "It needs a name.") {
		t.Fatalf("an empty form was submitted: %q\n%s", got, s)
	}
	press(f, "x", " ", "y", "down", "right", "down", "z", "enter")
	if got != "x y/b/z" {
		t.Errorf("submitted %q", got)
	}
	if press(f, "enter", "q"); got != "x y/b/z" || !strings.Contains(text(f, 70, 20), "working…") {
		t.Error("a busy form was submitted again")
	}
	f.Fail("The name is taken.\nChoose another.")
	if s := text(f, 70, 20); !strings.Contains(s, "The name is taken.") || !strings.Contains(s, "x y") {
		t.Errorf("the failure is not shown:\n%s", s)
	}
	if _, done := press(f, "esc"); !done {
		t.Error("esc does not close")
	}
}

// Tabbing through the fields moves nothing: the box keeps its size whatever is explained.
func TestFormKeepsItsSize(t *testing.T) {
	var submitted string
	f := form(&submitted)
	f.Fields[1].Help = strings.Repeat("a long explanation ", 6)
	s := theme.New(theme.Options{})
	var w, h int
	for i := range len(f.Fields) + 1 {
		box := frame(s, f.View(s, 72, 20), 76, 24)
		if i > 0 && (s.Width(box[0]) != w || len(box) != h) {
			t.Errorf("field %d: %dx%d, was %dx%d", i, s.Width(box[0]), len(box), w, h)
		}
		w, h = s.Width(box[0]), len(box)
		f.Update(tea.KeyPressMsg(tea.Key{Code: tea.KeyTab}))
	}
}

func TestFormSkipsWhatDoesNotMatter(t *testing.T) {
	var got string
	f := form(&got)
	press(f, "down", "down")
	if f.focus != 3 {
		t.Errorf("the focus is on field %d, not on the button", f.focus)
	}
	press(f, "tab")
	if f.focus != 0 {
		t.Errorf("the focus does not go round: %d", f.focus)
	}
	press(f, "up", "up", "left", "shift+tab")
	if f.Value("kind") != "b" || f.focus != 0 {
		t.Errorf("kind %q, focus %d", f.Value("kind"), f.focus)
	}
}

func TestFormTakesNoControls(t *testing.T) {
	var got string
	f := form(&got)
	f.Update(tea.PasteMsg{Content: "a\x1b[31mb\u202ec"})
	if v := f.Value("name"); strings.ContainsAny(v, "\x1b\u202e") || !strings.Contains(v, "a") {
		t.Errorf("pasted %q", v)
	}
}

// A text that the form can't show as it is, or not in full, is changed only by typing into it.
func TestFormKeepsATextThatIsNotEdited(t *testing.T) {
	for name, raw := range map[string]string{"controls": "a\x1b[2Jb", "spaces": " a ", "long": strings.Repeat("é", 300), "plain": "a", "empty": ""} {
		f := &Form{Title: "Edit", Submit: "Save", Fields: []*Field{{Name: "x", Label: "X", Value: raw}, {Name: "y", Label: "Y"}}}
		press(f, "right", "tab", "z", "shift+tab", "left")
		if got := f.Value("x"); got != raw || f.Value("y") != "z" {
			t.Errorf("%s: %q, want %q", name, got, raw)
		}
		if shown := text(f, 70, 20); strings.Contains(shown, "\x1b") {
			t.Errorf("%s: it shows %q", name, shown)
		}
		press(f, "w")
		if got := f.Value("x"); name != "long" && !strings.Contains(got, "w") || strings.Contains(got, "\x1b") {
			t.Errorf("%s: edited it is %q", name, got)
		}
	}
}

func TestFormTakesClicks(t *testing.T) {
	var got string
	f := form(&got)
	f.Update(row(t, f, "Kind"))
	if f.Value("kind") != "b" {
		t.Error("a click on a choice does not turn it")
	}
	f.Update(row(t, f, "Name"))
	press(f, "n")
	f.Update(row(t, f, "Make it"))
	if got != "n/b/" {
		t.Errorf("submitted %q", got)
	}
}

func TestMenuNarrowsAndTakes(t *testing.T) {
	var took string
	items := func() (out []Item) {
		for _, l := range []string{"Copy the guest link", "Copy the host link", "Quit"} {
			out = append(out, Item{Label: l, Key: "k", Do: func() tea.Cmd { took = l; return nil }})
		}
		return out
	}
	m := &Menu{Search: true, Items: items()}
	press(m, "h", "o", "s", "t")
	if s := text(m, 60, 20); strings.Contains(s, "Quit") || !strings.Contains(s, "host") {
		t.Errorf("narrowed to\n%s", s)
	}
	if _, done := press(m, "enter"); !done || took != "Copy the host link" {
		t.Errorf("took %q", took)
	}
	m = &Menu{Search: true, Items: items()}
	press(m, "z", "z", "z")
	if s := text(m, 60, 20); !strings.Contains(s, "No match") {
		t.Errorf("shows\n%s", s)
	}
	if _, done := press(m, "enter"); done {
		t.Error("took nothing")
	}
	press(m, "backspace", "backspace", "backspace")
	if _, done := press(m, "backspace"); !done {
		t.Error("backspace on nothing does not close")
	}
	m = &Menu{Items: items()}
	m.Choose(1)
	press(m, "j", "k", "down")
	if press(m, "enter"); took != "Quit" {
		t.Errorf("took %q", took)
	}
	if _, done := m.Update(row(t, m, "guest")); !done || took != "Copy the guest link" {
		t.Errorf("a click took %q", took)
	}
	m = &Menu{Search: true, Items: items()}
	m.Update(tea.PasteMsg{Content: "qu\x1b\nit"})
	if m.query != "quit" {
		t.Errorf("pasted %q", m.query)
	}
}

func TestMenuScrolls(t *testing.T) {
	m := &Menu{}
	for range 40 {
		m.Items = append(m.Items, Item{Label: "item"})
	}
	text(m, 40, 12)
	press(m, "ctrl+d", "ctrl+d", "ctrl+u", "up")
	m.Update(Wheel{Rows: 30})
	if m.list.Top != 30 || m.list.Cursor < 30 {
		t.Errorf("%+v", m.list)
	}
}

func TestSheetScrollsAndCloses(t *testing.T) {
	pressed := false
	d := &Sheet{Draw: func(*theme.Styles, int) (out []string) {
		for i := range 50 {
			out = append(out, "line "+string(rune('A'+i%26)))
		}
		return out
	}, Keys: map[string]func() tea.Cmd{"c": func() tea.Cmd { pressed = true; return nil }}}
	if s := text(d, 40, 12); !strings.Contains(s, "line A") || !strings.Contains(s, "j k scroll") {
		t.Errorf("shows\n%s", s)
	}
	press(d, "j", "ctrl+d", "k", "ctrl+u", "G")
	if s := text(d, 40, 12); !strings.Contains(s, "line X") {
		t.Errorf("the end shows\n%s", s)
	}
	press(d, "g")
	d.Update(Wheel{Rows: 2})
	if s := text(d, 40, 12); strings.Contains(s, "line B") {
		t.Errorf("the wheel did not scroll:\n%s", s)
	}
	if _, done := press(d, "c"); !done || !pressed {
		t.Error("its own key does nothing")
	}
	if _, done := press(d, "esc"); !done {
		t.Error("esc does not close")
	}
}

func TestTheFrontDialogHasTheKeys(t *testing.T) {
	var s Stack
	if s.Update(key("x")) != nil || s.Front() != nil || s.ClickAt(0, 0) != nil {
		t.Fatal("an empty stack does something")
	}
	answered := 0
	back := &Confirm{Text: "back", Yes: "y", No: "n", OnYes: func() tea.Cmd { answered += 10; return nil }}
	front := &Confirm{Text: "front", Yes: "y", No: "n", OnYes: func() tea.Cmd { answered++; return nil }}
	s.Push(back)
	s.Push(front)
	screen := make([]string, 24)
	for i := range screen {
		screen[i] = strings.Repeat("渡", 40)
	}
	drawn := s.Draw(styles, screen, 80, 24, ansi.Strip)
	for _, line := range drawn {
		if ansi.StringWidth(line) != 80 {
			t.Errorf("%d wide: %q", ansi.StringWidth(line), ansi.Strip(line))
		}
	}
	if all := ansi.Strip(strings.Join(drawn, "\n")); !strings.Contains(all, "front") || strings.Contains(all, "back") {
		t.Error("the front dialog is not in front")
	}
	s.ClickAt(0, 0)
	s.Update(key("y"))
	s.Update(key("y"))
	if answered != 11 || s.Front() != nil || s.Has(back) {
		t.Errorf("answered %d", answered)
	}
	s.Push(back)
	s.Draw(styles, screen, 80, 24, ansi.Strip)
	s.ClickAt(s.x+row(t, back, "y").X+1, s.y+back.spots[0].y)
	if s.Front() != nil {
		t.Error("a click did not answer")
	}
	s.Push(back)
	s.Push(front)
	s.Close(back)
	if s.Front() != front || s.Has(back) {
		t.Error("the wrong dialog was closed")
	}
}

func TestLittleRoomKeepsWhatMatters(t *testing.T) {
	var got string
	f := form(&got)
	press(f, "up")
	if s := text(f, 30, 4); !strings.Contains(s, "[ Make it ]") || len(strings.Split(s, "\n")) != 4 {
		t.Errorf("the focused button is not seen:\n%s", s)
	}
	press(f, "down")
	if s := text(f, 30, 4); !strings.Contains(s, "Name") {
		t.Errorf("the focused field is not seen:\n%s", s)
	}
	said := false
	c := &Confirm{Text: strings.Repeat("It goes. ", 30), Yes: "Delete", No: "Keep", OnYes: func() tea.Cmd { said = true; return nil }}
	s := strings.Split(text(c, 30, 4), "\n")
	if len(s) != 4 || !strings.Contains(s[3], "[ Keep ]") {
		t.Errorf("the answers are not seen:\n%s", strings.Join(s, "\n"))
	}
	c.Update(Click{X: strings.Index(s[3], "Delete"), Y: 3})
	if !said {
		t.Error("the answer is not where it is drawn")
	}
}

// A question that the user's own key opened can be answered as quickly as the user types.
func TestAQuestionThatWasAskedForIsAnsweredAtOnce(t *testing.T) {
	answered := false
	s := &Stack{Now: func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }, Direct: true}
	s.Push(&Confirm{Text: "It goes.", Yes: "Delete", No: "Keep", OnYes: func() tea.Cmd { answered = true; return nil }})
	if s.Update(tea.KeyPressMsg(tea.Key{Code: 'y', Text: "y"})); !answered || s.Front() != nil {
		t.Error("y is ignored")
	}
}
