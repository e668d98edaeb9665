package status

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"greenroom/provider"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

func (p *Pane) whyNoCheck() string {
	if p.readChecks.Busy {
		return "A check is running"
	}
	return ""
}

// check asks the platforms about the accounts. The earlier results are shown until the answer arrives.
func (p *Pane) check() tea.Cmd {
	p.checking = p.Now()
	return p.readChecks.Read()
}

// diagnosis returns the checks of an account; the empty name is Greenroom itself.
func (p *Pane) diagnosis(account string) []provider.Check {
	for _, d := range p.checks {
		if d.Account == account {
			return d.Checks
		}
	}
	return nil
}

// checkState returns the state of the checks in one line, and its ink.
func (p *Pane) checkState() (string, theme.Ink) {
	l, again := p.readChecks, p.Key(check)
	switch {
	case l.Busy:
		return theme.Pending + " asking the platforms… " + words.Span(p.Now().Sub(p.checking)), p.Styles.Warn
	case l.Err != nil:
		return theme.Bad + " the checks failed; " + again + " tries again", p.Styles.Bad
	case len(p.checks) == 0:
		return again + " checks the accounts with their platforms", p.Styles.Muted
	}
	all, failed, missing := 0, 0, 0
	for _, d := range p.checks {
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
	when := " " + words.Ago(p.Now().Sub(p.checkedAt)) + "; " + again + " checks again"
	switch {
	case failed > 0:
		return fmt.Sprintf("%s %d of %d failed,%s", theme.Bad, failed, all, when), p.Styles.Bad
	case missing > 0:
		return fmt.Sprintf("%s %d of %d missing, none failed,%s", theme.Doubtful, missing, all, when), p.Styles.Warn
	}
	return theme.Good + " " + words.Plural(all, "check", "checks") + " passed," + when, p.Styles.Good
}

// checkLines draws the checks of an account with what to do about them.
func (p *Pane) checkLines(f *facts, account string) {
	s := p.Styles
	for _, c := range p.diagnosis(account) {
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
		f.check(word, ink, words.Safe(c.Name), words.Safe(c.Detail))
		if !c.OK {
			f.row("  do", words.Safe(c.Hint), s.Warn)
		} else {
			f.row("", words.Safe(c.Hint), s.Muted)
		}
	}
}
