// Package status is the Status tab: accounts, tunnel, listener and store, what is wrong with them, and the log.
package status

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
)

// Pane is the tab.
type Pane struct {
	*pane.Screen

	log []string
	// name is the selected account, index its place. The cursor follows the name.
	name  string
	index int
	view  grid.List
	// spans are the lines of the accounts. Those of the selected one come into view when moved is set.
	spans []span
	moved bool
	// checks are the last answers of the platforms, at checkedAt. checking is when they were last asked.
	checks              []app.Diagnosis
	checking, checkedAt time.Time

	readLog, readChecks *pane.Slot
}

// span is where something begins and ends.
type span struct{ from, to int }

// New makes the tab.
func New(s *pane.Screen) *Pane {
	p := &Pane{Screen: s}
	p.readLog = pane.NewSlot(s, "the log", p.askLog, func(lines []string) tea.Cmd {
		p.log = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.TrimSpace(l) == "" })
		return nil
	})
	p.readChecks = pane.NewSlot(s, "the checks",
		pane.Always(func(ctx context.Context) ([]app.Diagnosis, error) {
			return s.Backend.Diagnose(ctx, app.DiagnosisQuery{})
		}),
		func(checks []app.Diagnosis) tea.Cmd {
			p.checks, p.checkedAt = checks, p.Now()
			return nil
		}).Once()
	return p
}

// The actions that sentences of this tab refer to.
const (
	check      pane.Name = "status.check"
	copyURL    pane.Name = "status.copy"
	register   pane.Name = "webhook.register"
	copyTunnel pane.Name = "tunnel.copy"
	showQR     pane.Name = "tunnel.qr"
)

// Actions implements [pane.Pane], as do the methods below.
func (p *Pane) Actions() []pane.Action {
	return []pane.Action{
		{Name: check, Keys: "d", Word: "check", Long: "Check the accounts with their platforms", Footer: true, Why: p.whyNoCheck, Do: p.check},
		{Name: copyURL, Keys: "c", Word: "copy webhook URL", Long: "Copy the webhook URL of the account", Footer: true, Aims: true, Anywhere: true,
			Why: p.whyNoURL, Do: p.copyURL},
		{Name: register, Keys: "R", Word: "register", Long: "Register the webhook with the account's platform", Footer: true, Aims: true,
			Why: p.whyNoRegistration, Do: p.register},
		{Name: copyTunnel, Keys: "u", Word: "copy address", Long: "Copy the tunnel's public URL", Footer: true, Why: p.whyNoAddress, Do: p.copyTunnel},
		{Name: showQR, Keys: "Q", Word: "QR", Long: "Show the tunnel's public URL as a QR code", Why: p.whyNoAddress, Do: p.showQR},
		{Name: "tunnel.probe", Keys: "p", Word: "probe", Long: "Send a request through the tunnel", Footer: true, Why: p.whyNoProbe, Do: p.probe},
	}
}

// Title implements [pane.Pane].
func (p *Pane) Title() string { return "Status" }

// Filter implements [pane.Pane].
func (p *Pane) Filter() *pane.Filter { return nil }

// Refresh implements [pane.Pane].
func (p *Pane) Refresh() tea.Cmd { return p.readLog.Want() }

// Enter implements [pane.Enterer]. The accounts are checked once; later only on demand, since each check costs calls.
func (p *Pane) Enter() tea.Cmd {
	cmds := []tea.Cmd{p.StatusRead.Want(), p.readLog.Want()}
	if p.Linked && !p.readChecks.Asked() {
		cmds = append(cmds, p.check())
	}
	return tea.Batch(cmds...)
}

// Changed implements [pane.Pane]. The status itself belongs to the whole screen; here deliveries change its counts.
func (p *Pane) Changed(c pane.Changes) tea.Cmd {
	if c.Total > 0 && p.Current == pane.Pane(p) {
		return p.StatusRead.Want()
	}
	return nil
}

// Pace implements [pane.Pane]: ages are counted in seconds.
func (p *Pane) Pace() time.Duration { return time.Second }

// Tick implements [pane.Ticker].
func (p *Pane) Tick() tea.Cmd { return p.readLog.Want() }

// Guide implements [pane.Pane].
func (p *Pane) Guide() string { return p.Key(pane.TabRooms) + " goes back to the rooms." }

// Target implements [pane.Pane].
func (p *Pane) Target() (id string, empty bool) { return p.account().Name, false }

// account returns the selected account. If it no longer exists, the one in its place is selected.
func (p *Pane) account() app.AccountStatus {
	all := p.Status.Accounts
	if len(all) == 0 {
		return app.AccountStatus{}
	}
	if i := slices.IndexFunc(all, func(a app.AccountStatus) bool { return a.Name == p.name }); i >= 0 {
		p.index = i
	}
	p.index = min(p.index, len(all)-1)
	p.name = all[p.index].Name
	return all[p.index]
}

// choose selects an account.
func (p *Pane) choose(i int) {
	p.index = i
	if i < len(p.Status.Accounts) {
		p.name = p.Status.Accounts[i].Name
	}
}

// Move implements [pane.Pane]: up and down select an account, and scroll before the first and after the last one.
func (p *Pane) Move(m pane.Motion) tea.Cmd {
	p.account()
	if l := (grid.List{Len: len(p.Status.Accounts), Cursor: p.index, Height: 1}); m == pane.Up || m == pane.Down {
		if m.Move(&l); l.Len > 0 && l.Cursor != p.index {
			p.moved = true
			p.choose(l.Cursor)
			return nil
		}
	}
	if m == pane.Top {
		p.moved = false // the lines above the accounts come into view
		p.choose(0)
	}
	m.Scroll(&p.view)
	return nil
}

// Body implements [pane.Pane]: the log is beside the status, or below it.
func (p *Pane) Body(y, h int) []string {
	p.AddZone(0, y, p.W, h, nil, func(rows int) tea.Cmd { p.view.Scroll(rows); return nil })
	if p.W >= 120 {
		lw := p.W * 55 / 100
		p.AddZone(0, y+1, lw, h-2, p.click, nil)
		rw := p.W - lw
		left := p.visible(p.lines(lw-2), h-2)
		return p.Styles.Frame([]cell.Section{
			p.Section("Status", p.view.More(), left, lw, h-2, true),
			p.Section("Log", "", p.logLines(rw-2, h-2), rw, h-2, false)})
	}
	log := min(max(h/4, 2), 8, max(len(p.log), 1))
	inner := h - 3 - log
	p.AddZone(0, y+1, p.W, inner, p.click, nil)
	lines := p.visible(p.lines(p.W-2), inner)
	return p.Styles.Frame(
		[]cell.Section{p.Section("Status", p.view.More(), lines, p.W, inner, true)},
		[]cell.Section{p.Section("Log", "", p.logLines(p.W-2, log), p.W, log, false)})
}

// click selects the account whose lines were clicked.
func (p *Pane) click(_, row int) tea.Cmd {
	if i := slices.IndexFunc(p.spans, func(at span) bool { return at.from <= p.view.Top+row && p.view.Top+row < at.to }); i >= 0 {
		p.choose(i)
	}
	return nil
}

// visible returns the lines in view.
func (p *Pane) visible(lines []string, h int) []string {
	p.view.Resize(len(lines), h)
	if p.moved && p.index < len(p.spans) {
		p.moved = false
		at := p.spans[p.index]
		if at.to > p.view.Top+h {
			p.view.Scroll(at.to - p.view.Top - h)
		}
		if at.from < p.view.Top {
			p.view.Scroll(at.from - p.view.Top)
		}
	}
	from, to := p.view.Range()
	return lines[from:to]
}
