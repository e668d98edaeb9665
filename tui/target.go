package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
)

// target names what the actions of the tab act on, as it is shown: the row under the cursor, and the meeting or person that belongs
// to it. It is empty when there is none, and while the newest webhook is followed, whichever it is.
func (m *Model) target() string {
	switch m.tab {
	case tabRooms:
		v, ok := m.rooms.room()
		if !ok {
			return ""
		}
		parts := []string{v.ID}
		if mt, going := m.rooms.meeting(); going && mt.Status != app.Ended {
			parts = append(parts, mt.ID)
			if st, chosen := m.rooms.person(); chosen {
				parts = append(parts, st.Session, st.Name)
			}
		}
		return strings.Join(parts, "\x00")
	case tabRecordings:
		if v, ok := m.recs.chosen(); ok {
			return v.Account + "\x00" + v.ID
		}
	case tabWebhooks:
		if d, ok := m.hooks.feed.Chosen(); ok && !m.hooks.feed.Follow {
			return strconv.FormatUint(d.Seq, 10)
		}
	case tabStatus:
		return m.status.account().Name
	}
	return ""
}

// shownEmpty reports whether the tab's list is known to have no rows.
func (m *Model) shownEmpty() bool {
	switch m.tab {
	case tabRooms:
		return m.loads[slotRooms].ready && m.target() == ""
	case tabRecordings:
		return m.loads[slotRecordings].ready && m.target() == ""
	}
	return false
}

// watchTarget notes when something other than the user has changed what the cursor is on. empty reports whether the list was
// without rows: its first row comes under the cursor, too.
func (m *Model) watchTarget(msg tea.Msg, before string, tab tab, empty bool) {
	switch msg.(type) {
	case tea.KeyPressMsg, tea.PasteMsg, tea.MouseClickMsg, wheelMsg:
		return
	}
	now := m.target()
	appeared, changed := empty && now != "", before != "" && !strings.HasPrefix(now, before)
	if tab == m.tab && (appeared || changed) {
		m.slipped = m.now()
	}
}

// justSlipped reports whether an action was meant for what was under the cursor a moment ago.
func (m *Model) justSlipped(a Action) bool {
	return acts(a) && m.now().Sub(m.slipped) < dialog.Unread
}

// acts reports whether an action is about what the cursor is on.
func acts(a Action) bool {
	return slices.Contains([]Action{
		actEditRoom, actDeleteRoom, actStart, actEnd, actCopyGuest, actCopyHost, actOpenGuest, actOpenHost, actQR, actRecord, actEject,
		actDownload, actPauseDownload, actCancelDownload, actRetryDownload, actOpenFile, actReveal, actCopyPath, actDeleteRecording,
		actCurl, actCopyURL, actRegister,
	}, a)
}
