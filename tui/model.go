package tui

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/crash"
	"greenroom/internal/order"
	"greenroom/tui/cell"
	"greenroom/tui/dialog"
	"greenroom/tui/meetings"
	"greenroom/tui/pane"
	"greenroom/tui/recordings"
	"greenroom/tui/rooms"
	"greenroom/tui/status"
	"greenroom/tui/theme"
	"greenroom/tui/webhooks"
)

// Model is the frame around the panes: it has the terminal, hands keys, clicks and changes to the open tab, and draws
// header and footer. It is changed in place by Update, which Bubble Tea calls from one goroutine.
type Model struct {
	*pane.Screen
	opts Options

	// panes are the tabs in order. Quitting, title and header also need some of them by name.
	panes      []pane.Pane
	rooms      *rooms.Pane
	recordings *recordings.Pane
	statusTab  *status.Pane

	feed *feed
	// lost reports that the stream of changes broke and is not open again.
	lost bool
	// slipped is when the row under the cursor last became another one without a key.
	slipped time.Time
	// tickAt is when the next tick is due, zero without one; tick is its number.
	tickAt time.Time
	tick   uint64
	// statusAt is when a tick last read the status.
	statusAt time.Time
	noColor  bool
	// setsUp reports that the user left the screen to set up an account.
	setsUp bool
	// indicator reports that the terminal shows progress itself.
	indicator bool
	// jobs suspends the process; nil where that is impossible.
	jobs *jobs
}

// New makes the screen without a terminal: [Run] runs it in one.
func New(ctx context.Context, o Options) (*Model, error) {
	if o.Backend == nil {
		return nil, fmt.Errorf("screen: no backend")
	}
	o.defaults()
	m := newPanes(&pane.Screen{
		Ctx: ctx, Backend: o.Backend, Clock: o.Clock, Zone: o.Zone, ZoneName: o.ZoneName, Language: order.Language(lookIn(o.Env)), Demo: o.Demo,
		AccountHelp: o.AccountHelp, Open: o.Open, Copy: o.Copy, Send: o.Send, Logger: o.Logger, Log: o.Log, Version: o.Version, PID: o.PID,
		Look: theme.Options{Light: o.Theme == Light, Contrast: o.Theme == HighContrast, Profile: colorprofile.TrueColor},
	})
	keys, err := pane.NewKeys(m.rows(), o.Keys)
	if err != nil {
		return nil, err
	}
	m.Keys, m.Act = keys, func(name pane.Name) tea.Cmd { return m.act(m.Keys.Find(name)) }
	m.opts, m.feed = o, newFeed(o.Backend, o.Clock)
	m.noColor, m.indicator = noColor(o.Env) || colourless(o.Env) || o.Theme == None, hasIndicator(o.Env)
	m.ASCII = ASCIIOnly(lookIn(o.Env))
	if o.Profile != nil {
		m.Look.Profile = m.few(*o.Profile)
	}
	m.Restyle(m.noColor)
	return m, nil
}

// newPanes makes the tabs. Adding a tab is a line here.
func newPanes(s *pane.Screen) *Model {
	s.Init()
	m := &Model{Screen: s, rooms: rooms.New(s), recordings: recordings.New(s), statusTab: status.New(s)}
	m.panes = []pane.Pane{m.rooms, meetings.New(s), m.recordings, webhooks.New(s), m.statusTab}
	m.Current = m.panes[0]
	return m
}

// Init subscribes to changes and asks for the terminal's background. Reading begins once the subscription is open, so
// that nothing is lost between the two.
func (m *Model) Init() tea.Cmd {
	m.feed.start(m.Ctx, m.opts.Crash)
	cmds := []tea.Cmd{m.feed.next(m.Ctx)}
	if m.asksBackground() {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return tea.Batch(cmds...)
}

func (m *Model) asksBackground() bool {
	return m.opts.Theme != Light && m.opts.Theme != Dark && m.opts.Theme != None
}

// Update handles one message. A panic is logged before Bubble Tea restores the terminal.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer m.note("screen update")
	tab := m.Current
	before, empty := tab.Target()
	cmd := m.handle(msg)
	m.watch(msg, tab, before, empty)
	return m, tea.Batch(cmd, m.keepTime())
}

// note logs a panic and continues it.
func (m *Model) note(where string) {
	if v := recover(); v != nil {
		if g := m.opts.Crash; g != nil && g.OnPanic != nil {
			g.OnPanic(crash.Report{Name: where, Value: v, Stack: debug.Stack()})
		}
		panic(v)
	}
}

func (m *Model) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case pane.Call:
		return msg()
	case changes:
		return tea.Batch(m.changed(msg), m.feed.next(m.Ctx))
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		return m.paste(msg)
	case tea.MouseClickMsg:
		return m.click(msg)
	case wheelMsg:
		return m.turn(msg)
	case tea.WindowSizeMsg:
		m.W, m.H = msg.Width, msg.Height
		m.arrange()
		if f, ok := m.Current.(pane.Filler); ok {
			return f.Fill()
		}
	case tea.BackgroundColorMsg:
		if m.asksBackground() {
			m.Look.Light = !msg.IsDark()
			m.Restyle(m.noColor)
		}
	case tea.ColorProfileMsg:
		if m.opts.Profile == nil || m.noColor {
			m.Look.Profile = m.few(msg.Profile)
			m.Restyle(m.noColor)
		}
	case tea.ModeReportMsg:
		// The renderer measures by grapheme from now on, and so must the layout.
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeReset || msg.Value == ansi.ModeSet || msg.Value == ansi.ModePermanentlySet) {
			m.Look.Ruler = cell.Ruler{Method: ansi.GraphemeWidth}
			m.Restyle(m.noColor)
		}
	case suspendMsg:
		return m.suspend(msg.group)
	case continuedMsg:
		return m.released(func() error { return nil })
	}
	return nil
}

// changed applies one batch of changes.
func (m *Model) changed(c changes) tea.Cmd {
	var cmds []tea.Cmd
	switch c.link {
	case linkUp:
		if m.lost {
			m.Toast.Clear()
			cmds = append(cmds, m.Say("Connected again", ""))
		}
		m.Linked, m.lost = true, false
		m.ResetDelays()
		c.Missed = true
	case linkDown:
		m.Linked, m.lost = false, true
		return nil
	}
	if c.Missed {
		cmds = append(cmds, m.refresh())
	}
	if c.Status {
		cmds = append(cmds, m.StatusRead.Want())
	}
	for _, p := range m.panes {
		cmds = append(cmds, p.Changed(c.Changes))
	}
	return tea.Batch(append(cmds, m.called(c.calls))...)
}

// refresh reads everything again.
func (m *Model) refresh() tea.Cmd {
	cmds := []tea.Cmd{m.StatusRead.Want()}
	for _, p := range m.panes {
		cmds = append(cmds, p.Refresh())
	}
	return tea.Batch(cmds...)
}

// reload is the action for refresh.
func (m *Model) reload() tea.Cmd {
	m.ResetDelays()
	return tea.Batch(m.refresh(), m.Say("Refreshed", ""))
}

// open goes to a tab.
func (m *Model) open(p pane.Pane) tea.Cmd {
	m.Current = p
	m.arrange()
	if e, ok := p.(pane.Enterer); ok {
		return e.Enter()
	}
	return nil
}

// beside returns the tab d places further, in a circle.
func (m *Model) beside(d int) pane.Pane {
	return m.panes[(slices.Index(m.panes, m.Current)+d+len(m.panes))%len(m.panes)]
}

// next changes between the two parts of a tab, and goes to the next tab if there is one part.
func (m *Model) next() tea.Cmd {
	if s, ok := m.Current.(pane.Split); ok {
		if inner := s.Inner(); inner != nil && *inner {
			return m.move(pane.Out)()
		} else if inner != nil {
			return m.move(pane.In)()
		}
	}
	return m.open(m.beside(1))
}

// move is the action for a motion.
func (m *Model) move(to pane.Motion) func() tea.Cmd {
	return func() tea.Cmd {
		cmd := m.Current.Move(to)
		if to == pane.In || to == pane.Out {
			m.arrange()
		}
		return cmd
	}
}

// messages is the action that lists the messages.
func (m *Model) messages() tea.Cmd {
	return m.Dialogs.Push(m.MessageSheet())
}

// statusEvery is how often ticks read the status: every tab shows failing accounts.
const statusEvery = 20 * time.Second

// keepTime starts a timer if the open tab counts time and no earlier timer runs.
func (m *Model) keepTime() tea.Cmd {
	d := m.Current.Pace()
	if d == 0 {
		return nil
	}
	// At full seconds of the clock everything that counts changes together.
	due := m.Now().Truncate(d).Add(d)
	if !m.tickAt.IsZero() && !m.tickAt.After(due) {
		return nil
	}
	m.tick++
	m.tickAt = due
	n := m.tick
	return m.After(due.Sub(m.Now()), func() tea.Cmd {
		if n != m.tick {
			return nil
		}
		m.tickAt = time.Time{}
		if t, ok := m.Current.(pane.Ticker); ok {
			return t.Tick()
		}
		if m.Now().Sub(m.statusAt) < statusEvery {
			return nil
		}
		m.statusAt = m.Now()
		return m.StatusRead.Want()
	})
}

// act runs an action, or shows why it is not possible now.
func (m *Model) act(a *pane.Action) tea.Cmd {
	if a.Aims && m.Now().Sub(m.slipped) < dialog.Unread {
		return m.Refuse("The selected row has just changed, so nothing was done. Press the key again.")
	}
	if why := m.why(a); why != "" {
		return m.Refuse(why)
	}
	return a.Do()
}

// why returns what prevents an action, safe to draw; empty if nothing does.
func (m *Model) why(a *pane.Action) string {
	if home := a.Home(); home != nil && home != m.Current && !a.Anywhere {
		return "Use this on the " + home.Title() + " tab: " + m.Key(tabName(home))
	}
	if a.Why == nil {
		return ""
	}
	return a.Why()
}

// watch notes when a message that is not the user's has changed the row under the cursor. before and empty are the
// target of tab until then: the first row of an empty list also appears under the cursor.
func (m *Model) watch(msg tea.Msg, tab pane.Pane, before string, empty bool) {
	switch msg.(type) {
	case tea.KeyPressMsg, tea.PasteMsg, tea.MouseClickMsg, wheelMsg:
		return
	}
	if tab == m.Current && slipped(before, empty, tab) {
		m.slipped = m.Now()
	}
}
