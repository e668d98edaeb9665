package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"greenroom/provider"
	"greenroom/tui/theme"
)

// check asks the platforms how the accounts do. What was found before stays until the answer comes.
func (m *Model) check() tea.Cmd {
	m.status.checking = m.now()
	return m.read(slotChecks)
}

// checkOnce checks when the Status tab is first looked at. From then on only somebody's key does: each check costs calls
// of the platforms.
func (m *Model) checkOnce() tea.Cmd {
	if l := &m.loads[slotChecks]; !m.linked || l.n > 0 {
		return nil
	}
	return m.check()
}

// diagnosis gives the checks of an account; the empty name is Greenroom itself.
func (t *statusTab) diagnosis(account string) []provider.Check {
	for _, d := range t.checks {
		if d.Account == account {
			return d.Checks
		}
	}
	return nil
}

// checkState says in a line how far the checks are.
func (t *statusTab) checkState(m *Model) (string, theme.Ink) {
	l, again := &m.loads[slotChecks], m.keys.name(actCheck)
	switch {
	case l.busy:
		return theme.Pending + " asking the platforms… " + span(m.now().Sub(t.checking)), m.st.Warn
	case l.err != nil:
		return theme.Bad + " the checks failed; " + again + " tries again", m.st.Bad
	case len(t.checks) == 0:
		return again + " checks the accounts with their platforms", m.st.Muted
	}
	all, failed, missing := 0, 0, 0
	for _, d := range t.checks {
		for _, c := range d.Checks {
			all++
			switch {
			case c.OK:
			case c.Optional:
				missing++
			default:
				failed++
			}
		}
	}
	when := " " + ago(m.now().Sub(t.checkedAt)) + "; " + again + " checks again"
	switch {
	case failed > 0:
		return fmt.Sprintf("%s %d of %d failed,%s", theme.Bad, failed, all, when), m.st.Bad
	case missing > 0:
		return fmt.Sprintf("%s none of %d failed, %d missing,%s", theme.Doubtful, all, missing, when), m.st.Warn
	}
	return theme.Good + " " + plural(all, "check", "checks") + " passed," + when, m.st.Good
}

// checkLines draws the checks of an account: a glyph and a word, what was found, and what to do about it.
func (t *statusTab) checkLines(m *Model, f *facts, account string) {
	s := m.st
	for _, c := range t.diagnosis(account) {
		word, ink := theme.Good+" ok", s.Good
		switch {
		case c.OK:
		case c.Unknown:
			word, ink = theme.Doubtful+" unknown", s.Warn
		case c.Optional:
			word, ink = theme.Doubtful+" missing", s.Warn
		default:
			word, ink = theme.Bad+" failed", s.Bad
		}
		f.check(word, ink, safe(c.Name), safe(c.Detail))
		if !c.OK {
			f.row("  do", safe(c.Hint), s.Warn)
		} else {
			f.row("", safe(c.Hint), s.Muted)
		}
	}
}

// check is a row whose word has the colour of its result.
func (f *facts) check(word string, ink theme.Ink, name, detail string) {
	const col = 12
	s := f.m.st
	for i, line := range s.Wrap(name+": "+detail, max(f.w-col-5, 8)) {
		lead := ""
		if i == 0 {
			lead = word
		}
		f.lines = append(f.lines, "   "+ink.Render(s.Fit(lead, col))+s.Text.Render(line))
	}
}
