package tui

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// helpSheet shows the keys of where one is.
func (m *Model) helpSheet() dialog.Dialog {
	groups := m.keys.of(m.tab)
	return &dialog.Sheet{Title: "Keys on " + m.tab.String(), Draw: func(s *theme.Styles, w int) []string {
		var out []string
		for _, g := range groups {
			if len(g.bindings) == 0 {
				continue
			}
			if len(out) > 0 {
				out = append(out, "")
			}
			out = append(out, s.Title.Render(g.name))
			for _, b := range g.bindings {
				out = append(out, "  "+s.Key.Render(s.Fit(b.Help().Key, 14))+" "+s.Text.Render(s.Clip(b.Long, w-17)))
			}
		}
		out = append(out, "", s.Title.Render("Signs"))
		for _, l := range legend {
			out = append(out, "  "+s.Strong.Render(s.Fit(l.sign, 14))+" "+s.Text.Render(s.Clip(l.means, w-17)))
		}
		if m.opts.Mouse {
			out = append(out, "", s.Muted.Render(s.Clip("Mouse: click tabs, rows and the keys in the last line; the wheel scrolls.", w)))
		}
		return out
	}}
}

// legend explains the glyphs.
var legend = []struct{ sign, means string }{
	{theme.Live, "live: someone is in the meeting"}, {theme.Open, "open: a meeting without participants"},
	{theme.Ended, "no meeting, or ended"}, {theme.Rec, "recording"}, {theme.Pending, "waiting, or under way"},
	{theme.Host, "host"}, {theme.Bot, "bot, such as a recorder; not counted"}, {theme.Good, "done, or all is well"},
	{theme.Bad, "failed"}, {theme.Doubtful, "needs a look"}, {"↑3 ↓12", "rows above and below what is shown"},
}

// palette finds any action by its words. What can't be done now says why.
func (m *Model) palette() dialog.Dialog {
	menu := &dialog.Menu{Title: "Commands", Search: true}
	about := m.target()
	here := map[Action]bool{}
	for _, g := range m.keys.of(m.tab) {
		for _, b := range g.bindings {
			here[b.Action] = true
		}
	}
	add := func(wanted bool) {
		for _, g := range m.keys.groups() {
			if g.name == "Moving" {
				continue
			}
			for _, b := range g.bindings {
				if here[b.Action] != wanted || b.Action == actPalette {
					continue
				}
				menu.Items = append(menu.Items, dialog.Item{
					Label: b.Long, Key: b.Help().Key, Why: m.why(b.Action),
					Do: func() tea.Cmd {
						if acts(b.Action) && m.target() != about {
							return m.refuse("The row that the commands were opened for has changed, so nothing was done.")
						}
						return m.act(b.Action)
					},
				})
			}
		}
	}
	add(true)
	add(false)
	return menu
}

// guide tells a newcomer in the demo what to press next.
func (m *Model) guide() string {
	if !m.opts.Demo || !m.loads[slotRooms].ready {
		return ""
	}
	k := m.keys.name
	v, ok := m.rooms.room()
	mt, has := m.rooms.meeting()
	ended := false
	for _, r := range m.rooms.all {
		ended = ended || r.Meeting != nil && r.Meeting.Status == "ended" && r.Meeting.EndReason == "ended here"
	}
	switch {
	case m.tab == tabWebhooks:
		return "Demo: each line is a signed request that arrived. " + k(actIn) + " reads it, " + k(actRooms) + " goes back."
	case m.tab == tabRecordings && m.recs.fetching() > 0:
		return "Demo: " + k(actPauseDownload) + " pauses a download and goes on, " + k(actOpenFile) + " opens what is here."
	case m.tab == tabRecordings && m.why(actDownload) == "":
		return "Demo: " + k(actDownload) + " downloads the recording, " + k(actDown) + " goes to the next, " + k(actRooms) + " back to the rooms."
	case m.tab == tabRecordings && m.why(actOpenFile) == "":
		return "Demo: " + k(actOpenFile) + " opens the file, " + k(actCopyPath) + " copies its path, " + k(actRooms) + " goes back to the rooms."
	case m.tab != tabRooms:
		return "Demo: " + k(actRooms) + " goes back to the rooms."
	case !ok:
		return "Demo: press " + k(actNewRoom) + " to make your first room."
	case has && mt.Status == "live" && !m.seenWebhooks:
		return "Demo: people come and go. Press " + k(actWebhooks) + " to read the webhooks that say so."
	case has && mt.Status == "live":
		more := k(actNewRoom) + " to make a room of your own."
		if mt.Recording != app.IsRecording && mt.Recording != app.StartingRecording && m.why(actRecord) == "" {
			more = k(actRecord) + " to record it, " + k(actNewRoom) + " to make a room."
		}
		return "Demo: press " + k(actEnd) + " to end the meeting, " + more
	case has && mt.Status == "open":
		return "Demo: people will join in a moment. " + k(actCopyGuest) + " copies the guest link meanwhile."
	case ended && m.seenWebhooks:
		text := "Demo: that is all of it. "
		if m.why(actAdopt) == "" {
			text += k(actAdopt) + " adopts rooms that exist, "
		}
		return text + k(actHelp) + " shows every key, " + k(actQuit) + " quits."
	}
	return "Demo: press " + k(actStart) + " to start a meeting in " + m.st.Clip(safe(v.Name), 20) + "."
}
