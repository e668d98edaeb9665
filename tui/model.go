package tui

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/jonboulle/clockwork"
	"golang.org/x/text/language"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/order"
	"greenroom/tui/cell"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// tab is one of the four screens.
type tab int

const (
	tabRooms tab = iota
	tabRecordings
	tabWebhooks
	tabStatus
)

func (t tab) String() string { return [...]string{"Rooms", "Recordings", "Webhooks", "Status"}[t] }

// Model is the whole screen. It is changed in place by Update, which Bubble Tea calls from one goroutine.
type Model struct {
	ctx     context.Context
	opts    Options
	backend app.Backend
	clock   clockwork.Clock
	keys    *KeyMap
	feed    *feed
	// indicator says that the terminal shows progress by itself.
	indicator bool

	// language is that of the user, for sorting.
	language language.Tag

	st      *theme.Styles
	look    theme.Options
	noColor bool
	w, h    int

	tab     tab
	dialogs dialog.Stack
	toast   toast
	// messages are what the screen has said, newest first.
	messages []message
	// slipped is when the row under the cursor last became another one without a key.
	slipped time.Time
	zones   []zone
	loads   [slots]loader
	// linked is false until the subscription stands, lost true after it broke.
	linked, lost bool
	seenWebhooks bool
	// gap says that the activity strip may lack something.
	gap bool
	// warned is true once the listener's first state was looked at.
	warned bool

	rooms    roomsTab
	recs     recordingsTab
	hooks    hooksTab
	status   statusTab
	activity []app.Activity // newest first
	removed  []app.Activity // removals whose echo has not come yet

	ticks tickState
	// statusAt is when the status was last asked for by the clock.
	statusAt time.Time
	// jobs suspends the process; nil where that is not possible.
	jobs *jobs
}

// New makes the screen without a terminal: [Run] runs it in one.
func New(ctx context.Context, o Options) (*Model, error) {
	if o.Backend == nil {
		return nil, fmt.Errorf("screen: no backend")
	}
	o.defaults()
	keys, err := NewKeyMap(o.Keys)
	if err != nil {
		return nil, err
	}
	m := &Model{
		ctx: ctx, opts: o, backend: o.Backend, clock: o.Clock, keys: keys,
		feed: newFeed(o.Backend, o.Clock), noColor: noColor(o.Env) || colourless(o.Env), language: order.Language(lookIn(o.Env)), indicator: hasIndicator(o.Env),
		look: theme.Options{Light: o.Theme == "light", Profile: colorprofile.TrueColor},
	}
	if o.Profile != nil {
		m.look.Profile = *o.Profile
	}
	m.dialogs.Now = m.now
	m.restyle()
	m.hooks.init()
	return m, nil
}

// restyle builds the styles anew, after something about the terminal became known.
func (m *Model) restyle() {
	if m.noColor {
		m.look.Profile = colorprofile.ASCII
	}
	m.st = theme.New(m.look)
	m.hooks.redraw()
}

// Init subscribes and asks what the terminal's background is. Reading begins when the subscription stands, so that
// nothing falls between the two.
func (m *Model) Init() tea.Cmd {
	m.feed.start(m.ctx, m.opts.Crash)
	cmds := []tea.Cmd{m.feed.next(m.ctx)}
	if m.opts.Theme == "" || m.opts.Theme == "auto" {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return tea.Batch(cmds...)
}

// Update takes one message. A panic is noted in the log before Bubble Tea restores the terminal.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer m.note("screen update")
	before, tab, empty := m.target(), m.tab, m.shownEmpty()
	cmd := m.take(msg)
	m.watchTarget(msg, before, tab, empty)
	return m, tea.Batch(cmd, m.keepTime())
}

func (m *Model) note(where string) {
	if v := recover(); v != nil {
		if g := m.opts.Crash; g != nil && g.OnPanic != nil {
			g.OnPanic(crash.Report{Name: where, Value: v, Stack: debug.Stack()})
		}
		panic(v)
	}
}

func (m *Model) take(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
		m.arrange()
		return m.fillWindow()
	case tea.BackgroundColorMsg:
		if m.opts.Theme == "" || m.opts.Theme == "auto" {
			m.look.Light = !msg.IsDark()
			m.restyle()
		}
	case tea.ColorProfileMsg:
		if m.opts.Profile == nil || m.noColor {
			m.look.Profile = msg.Profile
			m.restyle()
		}
	case tea.ModeReportMsg:
		// The renderer measures by grapheme from now on, and so must the layout.
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeReset || msg.Value == ansi.ModeSet || msg.Value == ansi.ModePermanentlySet) {
			m.look.Ruler = cell.Ruler{Method: ansi.GraphemeWidth}
			m.restyle()
		}
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		return m.paste(msg)
	case tea.MouseClickMsg:
		return m.click(msg)
	case wheelMsg:
		return m.turn(msg)
	case changes:
		return tea.Batch(m.changed(msg), m.feed.next(m.ctx))
	case answer:
		return m.answered(msg)
	case wake:
		return m.woken(msg)
	case tickMsg:
		return m.ticked(msg)
	case suspendMsg:
		return m.suspend(msg.group)
	case continuedMsg:
		return m.released(func() error { return nil })
	case resumed:
		return m.resume(msg)
	case toastOver:
		m.toast.over(msg)
	case outcome:
		return m.done(msg)
	case page:
		return m.hooks.paged(m, msg)
	case pageAgain:
		if msg.n == m.hooks.n {
			return m.hooks.load(m, msg.where)
		}
	case searchSoon:
		return m.hooks.soon(m)
	}
	return nil
}

// press gives a key to whoever has the keys: the front dialog, the filter being typed, or the key map.
func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	if m.keys.is(actSuspend, msg) {
		return m.suspend(true)
	}
	if m.dialogs.Front() != nil {
		if msg.String() == "ctrl+c" {
			return tea.Quit
		}
		m.toast.read()
		if s, ok := m.dialogs.Front().(*dialog.Sheet); !ok || !s.Through || s.Takes(msg.String()) {
			return m.dialogs.Update(msg)
		}
		m.dialogs.Close(m.dialogs.Front())
	}
	if m.toast.bad {
		m.toast.read()
	}
	if f := m.typing(); f != nil {
		m.toast.read()
		return m.typed(f, msg)
	}
	if a, ok := m.keys.find(m.tab, msg); ok {
		m.toast.read()
		return m.act(a)
	}
	return nil
}

func (m *Model) paste(msg tea.PasteMsg) tea.Cmd {
	m.toast.read()
	if m.dialogs.Front() != nil {
		return m.dialogs.Update(msg)
	}
	if f := m.typing(); f != nil {
		f.insert(msg.Content)
		return m.filtered()
	}
	return nil
}

// changed takes one batch of what happened.
func (m *Model) changed(c changes) tea.Cmd {
	var cmds []tea.Cmd
	switch c.link {
	case linkUp:
		if m.lost {
			m.toast.clear()
			cmds = append(cmds, m.say("Connected again", ""))
		}
		m.linked, m.lost = true, false
		for i := range m.loads {
			m.loads[i].next = time.Time{}
		}
		c.missed = true
	case linkDown:
		m.linked, m.lost = false, true
		return nil
	}
	if c.missed {
		m.gap = true
		cmds = append(cmds, m.readAll())
	}
	if len(c.activity) > 0 {
		m.addActivity(c.activity)
	}
	for _, mt := range c.meetings {
		m.rooms.meetingChanged(mt)
	}
	if c.rooms || len(c.meetings) > 0 {
		cmds = append(cmds, m.want(slotRooms))
	}
	if chosen, ok := m.rooms.meeting(); ok {
		if _, changed := c.meetings[chosen.ID]; changed {
			cmds = append(cmds, m.want(slotMeeting))
		}
	}
	if len(c.news) > 0 {
		m.recs.changed(c.news)
	}
	if c.recordings {
		cmds = append(cmds, m.want(slotRecordings))
	}
	if c.status || (c.total > 0 && m.tab == tabStatus) {
		cmds = append(cmds, m.want(slotStatus))
	}
	if c.total > 0 && !c.missed {
		cmds = append(cmds, m.hooks.arrived(m, c.deliveries, c.total))
	}
	return tea.Batch(cmds...)
}

func (m *Model) now() time.Time { return m.clock.Now() }

// hhmmss is a time of day on screen.
func (m *Model) hhmmss(t app.Time) string {
	if t.IsZero() {
		return theme.Nothing
	}
	return t.In(m.opts.Zone).Format("15:04:05")
}
