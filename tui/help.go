package tui

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// help shows the keys that work on the open tab.
func (m *Model) help() tea.Cmd {
	groups := m.Keys.On(m.Current)
	return m.Dialogs.Push(&dialog.Sheet{Title: "Keys on " + m.Current.Title(), Draw: func(s *theme.Styles, w int) []string {
		var out []string
		for _, g := range groups {
			out = append(out, s.Title.Render(g.Title))
			for _, a := range g.Actions {
				out = append(out, "  "+s.Key.Render(s.Fit(a.Hint(), 14))+" "+s.Text.Render(s.Clip(a.Long, w-17)))
			}
			out = append(out, "")
		}
		out = append(out, s.Title.Render("Signs"))
		for _, l := range legend {
			out = append(out, "  "+s.Strong.Render(s.Fit(l.sign, 14))+" "+s.Text.Render(s.Clip(l.means, w-17)))
		}
		if m.opts.Mouse {
			out = append(out, "", s.Muted.Render(s.Clip("Mouse: click tabs, rows, charts and the keys in the bottom line; the wheel scrolls.", w)))
		}
		return out
	}})
}

// legend explains the glyphs.
var legend = []struct{ sign, means string }{
	{theme.Live, "live: someone is in the meeting"}, {theme.Open, "open: a meeting without participants"},
	{theme.Ended, "no meeting, or ended"}, {theme.Rec, "recording"}, {theme.Pending, "waiting, or in progress"}, {theme.Soon, "a booking starts soon"},
	{theme.Host, "host, or a favourite room"}, {theme.Bot, "bot, such as a recorder; not counted"}, {theme.Good, "done, or OK"},
	{theme.Bad, "failed"}, {theme.Doubtful, "needs attention"}, {theme.Full, "in the meeting (chart)"},
	{theme.Lobby, "in the lobby (chart)"}, {theme.Recorded, "recorded"}, {theme.Here, "the selected moment"},
	{"↑3 ↓12", "rows above and below"},
}

// palette finds any action by its words, those of the open tab first, and shows why some are not possible now.
func (m *Model) palette() tea.Cmd {
	menu := &dialog.Menu{Title: "Commands", Search: true, Wide: true}
	about, _ := m.Current.Target()
	for _, g := range append(m.Keys.On(m.Current), m.Keys.Elsewhere(m.Current)...) {
		for _, a := range g.Actions {
			if g.Title == moving || a.Name == palette {
				continue
			}
			menu.Items = append(menu.Items, dialog.Item{
				Label: a.Long, Key: a.Hint(), Why: m.why(&a),
				Do: func() tea.Cmd {
					if now, _ := m.Current.Target(); a.Aims && now != about {
						return m.Refuse("The selected row changed while the palette was open, so nothing was done.")
					}
					return m.act(&a)
				},
			})
		}
	}
	return m.Dialogs.Push(menu)
}
