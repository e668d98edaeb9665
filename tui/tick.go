package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
)

// tickState is the clock of the screen. It runs only while something that is visible counts time: a quiet screen draws
// nothing.
type tickState struct {
	n  uint64
	at time.Time // of the tick that is on its way, zero for none
}

// statusEvery is how often the health of the accounts is read while something counts time: every tab shows it.
const statusEvery = 20 * time.Second

type tickMsg struct{ n uint64 }

// pace says how often what is visible changes by itself; 0 is never.
func (m *Model) pace() time.Duration {
	const fine, coarse = time.Second, 20 * time.Second
	switch m.tab {
	case tabRooms:
		mt, ok := m.rooms.meeting()
		switch {
		case !ok || mt.Status == app.Ended:
			return 0
		case mt.Status == app.Live || mt.Recording == app.IsRecording:
			return fine
		}
		return coarse
	case tabRecordings:
		if m.recs.running() {
			return fine
		}
	case tabStatus:
		return fine
	}
	return 0
}

// keepTime starts the tick that is needed, if there is none that comes early enough.
func (m *Model) keepTime() tea.Cmd {
	d := m.pace()
	if d == 0 {
		return nil
	}
	// Full seconds of the clock, so that everything that counts turns over together.
	due := m.now().Truncate(d).Add(d)
	if !m.ticks.at.IsZero() && !m.ticks.at.After(due) {
		return nil
	}
	m.ticks.n++
	m.ticks.at = due
	return m.after(due.Sub(m.now()), tickMsg{m.ticks.n})
}

func (m *Model) ticked(t tickMsg) tea.Cmd {
	if t.n != m.ticks.n {
		return nil
	}
	m.ticks.at = time.Time{}
	if m.tab == tabStatus {
		return tea.Batch(m.want(slotLog))
	}
	if m.now().Sub(m.statusAt) >= statusEvery {
		m.statusAt = m.now()
		return m.want(slotStatus)
	}
	return nil
}
