package tui

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// statusTab is what works and what doesn't.
type statusTab struct {
	status app.Status
	log    []string
	// name is the chosen account's, which the cursor follows when accounts come and go; chosen is where it stands.
	name   string
	chosen int
	view   grid.List
	// ends are the lines of the chosen account, kept in view when it changes.
	top, bottom int
	moved       bool
	// checks are what the platforms said last, at checkedAt; checking is when they were asked.
	checks              []app.Diagnosis
	checking, checkedAt time.Time
}

// take puts in a new status and keeps the cursor on its account.
func (t *statusTab) take(st app.Status) {
	t.status = st
	i := slices.IndexFunc(st.Accounts, func(a app.AccountStatus) bool { return a.Name == t.name })
	if i < 0 {
		i = max(min(t.chosen, len(st.Accounts)-1), 0)
	}
	t.chosen = i
	t.name = t.account().Name
}

// account is the chosen one.
func (t *statusTab) account() app.AccountStatus {
	if t.chosen < len(t.status.Accounts) {
		return t.status.Accounts[t.chosen]
	}
	return app.AccountStatus{}
}

func (t *statusTab) move(a Action, by func(*grid.List)) {
	switch a {
	case actUp, actDown:
		if l := (grid.List{Len: len(t.status.Accounts), Cursor: t.chosen, Height: 1}); by != nil && l.Len > 0 {
			by(&l)
			if l.Cursor != t.chosen {
				t.chosen, t.moved = l.Cursor, true
				t.name = t.account().Name
				return
			}
		}
		t.view.Scroll(map[Action]int{actUp: -1, actDown: 1}[a])
	case actHalfDown:
		t.view.Scroll(max(t.view.Height/2, 1))
	case actHalfUp:
		t.view.Scroll(-max(t.view.Height/2, 1))
	case actTop:
		t.chosen, t.moved = 0, false // what is above the accounts becomes visible
		t.name = t.account().Name
		t.view.Scroll(-t.view.Len)
	case actBottom:
		t.view.Scroll(t.view.Len)
	}
}

// health gives an account's word with its glyph and ink.
func (m *Model) health(a app.AccountStatus) (string, theme.Ink) {
	switch a.Health {
	case "ok":
		return theme.Good + " ok", m.st.Good
	case "failing":
		return theme.Bad + " failing", m.st.Bad
	case "no webhook secret":
		return theme.Doubtful + " no webhook secret", m.st.Warn
	case "unchecked", "":
		return theme.Open + " not checked yet", m.st.Muted
	}
	return theme.Doubtful + " " + safe(a.Health), m.st.Warn
}

// facts is a small builder of indented lines.
type facts struct {
	m     *Model
	w     int
	lines []string
}

func (f *facts) head(text string) {
	if len(f.lines) > 0 {
		f.lines = append(f.lines, "")
	}
	f.lines = append(f.lines, " "+f.m.st.Title.Render(text))
}

func (f *facts) row(name, value string, ink theme.Ink) {
	const col = 12
	s := f.m.st
	if value == "" {
		return
	}
	for i, line := range s.Wrap(value, max(f.w-col-5, 8)) {
		if i > 0 {
			name = ""
		}
		f.lines = append(f.lines, "   "+s.Muted.Render(s.Fit(name, col))+ink.Render(line))
	}
}

// lines draws everything but the log.
func (t *statusTab) lines(m *Model, w int) []string {
	s, st := m.st, &t.status
	l := &m.loads[slotStatus]
	if !l.ready {
		if l.err != nil {
			return m.trouble("The status can't be read", l.err, w)
		}
		return []string{" " + s.Muted.Render("reading…")}
	}
	f := &facts{m: m, w: w}
	if configured(st.Tunnel) {
		t.tunnelLines(m, f)
	}
	f.head("Accounts")
	if len(st.Accounts) == 0 {
		f.row("none", "No account is configured. Set one of these and start again, or write them into the file that "+
			"greenroom config path names:", s.Text)
		for _, h := range m.opts.AccountHelp {
			f.row("", h, s.Accent)
		}
	}
	if len(st.Accounts) > 0 {
		text, ink := t.checkState(m)
		f.row("checks", text, ink)
		if err := m.loads[slotChecks].err; err != nil {
			e := app.AsError(err)
			f.row("", safe(e.Text), s.Bad)
			f.row("  do", safe(e.Hint), s.Warn)
		}
	}
	for i, a := range st.Accounts {
		t.accountLines(m, f, i, a)
	}
	t.listenerLines(m, f)
	if !configured(st.Tunnel) {
		t.tunnelLines(m, f)
	}
	f.head("Store")
	f.row("file", safe(st.Store.Path), s.Text)
	if st.Store.Problem != "" {
		f.row("problem", theme.Bad+" "+safe(st.Store.Problem), s.Bad)
	}
	size := bytes(st.Store.Bytes)
	if st.Store.FreeBytes > 0 {
		size += ", of it " + bytes(st.Store.FreeBytes) + " free for new deliveries"
	}
	f.row("size", size, s.Text)
	f.row("deliveries", fmt.Sprintf("%d", st.Store.Deliveries), s.Text)
	owner := fmt.Sprintf("process %d", st.Store.Owner)
	if st.Store.Owner == m.opts.PID {
		owner = "this screen"
	}
	if st.Store.Owner != 0 {
		if !st.Store.Since.IsZero() {
			owner += ", since " + day(st.Store.Since, m.now(), m.opts.Zone)
		}
		f.row("held by", owner, s.Text)
	}
	if len(st.Pollers) > 0 {
		f.head("Pollers")
		for _, p := range st.Pollers {
			text, ink := theme.Good+" "+ago(since(p.LastAt, m.now())), s.Text
			switch {
			case p.Error != "":
				text, ink = theme.Bad+" "+safe(p.Error), s.Bad
			case p.LastAt.IsZero():
				text, ink = theme.Open+" not yet", s.Muted
			}
			f.row(safe(p.Account), safe(p.Name)+"  "+text, ink)
		}
	}
	f.head("Greenroom")
	f.row("version", safe(cmpOr(st.Version, m.opts.Version)), s.Text)
	t.checkLines(m, f, "")
	return f.lines
}

func (t *statusTab) accountLines(m *Model, f *facts, i int, a app.AccountStatus) {
	s := m.st
	word, ink := m.health(a)
	mark := "  "
	if i == t.chosen {
		mark = " " + s.Marker.Render(theme.Marker)
		t.top = len(f.lines)
	}
	name := safe(a.Name)
	if string(a.Platform) != a.Name {
		name += " (" + safe(string(a.Platform)) + ")"
	}
	f.lines = append(f.lines, mark+" "+s.Strong.Render(s.Fit(name, 20))+" "+ink.Render(word))
	f.row("", safe(a.Detail), s.Muted)
	f.row("do", safe(a.Hint), s.Warn)
	f.row("API", bareLink(a.APIURL), s.Muted)
	t.webhookLines(m, f, a)
	last := "none yet"
	if !a.LastEventAt.IsZero() {
		last = ago(since(a.LastEventAt, m.now()))
	}
	f.row("last event", last, s.Muted)
	t.checkLines(m, f, a.Name)
	if i == t.chosen {
		t.bottom = len(f.lines)
	}
}

// local says whether a URL can be reached from its own machine alone.
func local(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// listenerLines draws the listener.
func (t *statusTab) listenerLines(m *Model, f *facts) {
	s, st := m.st, &t.status
	f.head("Listener")
	if st.Listener.URL != "" {
		f.row("listens on", safe(st.Listener.URL), s.Text)
		f.row("answered", fmt.Sprintf("%d accepted, %d rejected, %d busy", st.Listener.Accepted, st.Listener.Rejected, st.Listener.Busy), s.Text)
	} else {
		f.row("state", theme.Bad+" nothing listens", s.Warn)
	}
	switch {
	case st.Listener.Problem != "" && st.Listener.URL != "":
		f.row("but", theme.Doubtful+" "+safe(st.Listener.Problem), s.Warn)
	default:
		f.row("problem", safe(st.Listener.Problem), s.Bad)
	}
}

// visible is the part of the lines that the view shows.
func (t *statusTab) visible(lines []string, h int) []string {
	t.view.Resize(len(lines), h)
	if t.moved {
		t.moved = false
		if t.bottom > t.view.Top+h {
			t.view.Scroll(t.bottom - t.view.Top - h)
		}
		if t.top < t.view.Top {
			t.view.Scroll(t.top - t.view.Top)
		}
	}
	from, to := t.view.Range()
	return lines[from:to]
}

// logLines is the tail of the log.
func (t *statusTab) logLines(m *Model, w, h int) []string {
	s := m.st
	if len(t.log) == 0 {
		return []string{" " + s.Muted.Render("The log is empty.")}
	}
	var out []string
	for _, l := range t.log[max(len(t.log)-h, 0):] {
		ink := s.Muted
		switch up := strings.ToUpper(l); {
		case strings.Contains(up, "ERROR"), strings.Contains(up, "PANIC"):
			ink = s.Bad
		case strings.Contains(up, "WARN"):
			ink = s.Warn
		}
		l = safe(m.logLine(l))
		out = append(out, " "+ink.Render(s.Clip(l, w-2)))
	}
	return out
}

// record is a line of the log as package slog writes it.
var record = regexp.MustCompile(`^time=(\S+) level=(\S+) msg=("(?:[^"\\]|\\.)*"|\S*) ?(.*)$`)

// logLine is a line of the log as it is read on screen: the time of day, what is worse than a word, and what happened. A
// line of another form is left as it is.
func (m *Model) logLine(l string) string {
	f := record.FindStringSubmatch(l)
	if f == nil {
		return l
	}
	at, err := time.Parse(time.RFC3339, f[1])
	if err != nil {
		return l
	}
	msg := f[3]
	if text, err := strconv.Unquote(msg); err == nil {
		msg = text
	}
	words := []string{at.In(m.opts.Zone).Format(time.TimeOnly)}
	if f[2] != "INFO" {
		words = append(words, f[2])
	}
	return strings.Join(append(words, strings.TrimSpace(msg+"  "+f[4])), " ")
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
