package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// adoption is the list of what exists on the platforms. Each account is asked by itself, so that one that doesn't answer
// hides nothing of the others.
type adoption struct {
	m        *Model
	menu     *dialog.Menu
	accounts []string // in the order of the configuration
	found    map[string]platformAnswer
	asked    uint64 // an answer to an earlier round no longer counts
}

// platformAnswer is what one account said.
type platformAnswer struct {
	rooms []app.PlatformRoom
	err   error
}

// whyNoAdoption says why no account can list its rooms; empty when one can, or when that is not known yet.
func (m *Model) whyNoAdoption() string {
	if !m.loads[slotStatus].ready {
		return ""
	}
	why := "No account is configured: " + m.keys.name(actStatus) + " explains how"
	for _, a := range m.status.status.Accounts {
		if why = safe(a.Cannot[app.AbilityAdopt]); why == "" {
			return ""
		}
	}
	return why
}

// adopt lists the rooms on the platforms, to adopt one.
func (m *Model) adopt() tea.Cmd {
	a := &adoption{m: m, menu: &dialog.Menu{
		Title: "Adopt existing rooms", Search: true, Wide: true, Hint: "type to find   ctrl+r refresh   ",
	}}
	a.menu.Keys = map[string]func() tea.Cmd{"ctrl+r": a.ask}
	for _, acc := range m.status.status.Accounts {
		if acc.Cannot[app.AbilityAdopt] == "" {
			a.accounts = append(a.accounts, acc.Name)
		}
	}
	if len(a.accounts) == 0 {
		a.accounts = []string{""} // all, whichever they are
	}
	m.dialogs.Push(a.menu)
	return a.ask()
}

// ask asks every account.
func (a *adoption) ask() tea.Cmd {
	a.asked++
	a.found = map[string]platformAnswer{}
	a.show()
	var cmds []tea.Cmd
	round, b := a.asked, a.m.backend
	for _, name := range a.accounts {
		cmds = append(cmds, try(a.m, "", nil,
			func(ctx context.Context) (platformAnswer, error) {
				rooms, err := b.PlatformRooms(ctx, app.PlatformRoomQuery{Account: name})
				return platformAnswer{rooms, err}, nil
			},
			func(got platformAnswer) tea.Cmd {
				if round == a.asked {
					a.found[name] = got
					a.show()
				}
				return nil
			}))
	}
	return tea.Batch(cmds...)
}

// show fills the menu with what came until now.
func (a *adoption) show() {
	m, s := a.m, a.m.st
	var items []dialog.Item
	var notes []dialog.Note
	var awaited []string
	width := 0
	for _, acc := range m.status.status.Accounts {
		width = min(max(width, s.Width(safe(acc.Name))), 14)
		if why := acc.Cannot[app.AbilityAdopt]; why != "" {
			notes = append(notes, dialog.Note{Text: safe(acc.Name) + ": " + safe(why)})
		}
	}
	for _, name := range a.accounts {
		got, ok := a.found[name]
		switch {
		case !ok:
			awaited = append(awaited, safe(cmpOr(name, "the platforms")))
		case got.err != nil:
			e := app.AsError(got.err)
			text := theme.Bad + " " + strings.TrimPrefix(safe(name)+": ", ": ") + safe(e.Text)
			if e.Hint != "" {
				text += ". " + safe(e.Hint)
			}
			notes = append(notes, dialog.Note{Text: text, Bad: true})
		}
		for _, r := range got.rooms {
			items = append(items, a.item(r, width))
		}
	}
	a.menu.Busy, a.menu.Aside = "", plural(len(items), "room", "rooms")
	if len(awaited) > 0 {
		a.menu.Busy = "asking " + strings.Join(awaited, ", ") + "…"
		a.menu.Aside = "asking…"
	}
	a.menu.Empty = "No rooms to adopt."
	if a.menu.Notes = notes; slices.ContainsFunc(notes, func(n dialog.Note) bool { return n.Bad }) {
		a.menu.Empty = "No rooms found."
	}
	a.menu.SetItems(items)
}

// item is one room of a platform. Taking one that is known goes to it.
func (a *adoption) item(r app.PlatformRoom, width int) dialog.Item {
	m := a.m
	it := dialog.Item{ID: r.Account + "\x00" + r.PlatformRoom, Label: m.st.Fit(safe(r.Account), max(width, 6)) + "  " + safe(r.PlatformRoom), Stay: true}
	if r.Known {
		it.Why, it.Stay = theme.Good+" room "+safe(r.Room), false
		it.Do = func() tea.Cmd {
			m.rooms.wanted, m.rooms.filter = r.Room, filter{}
			return m.rooms.narrow(m)
		}
		return it
	}
	if !r.EndsAt.IsZero() {
		it.Key = "until " + day(r.EndsAt, m.now(), m.opts.Zone)
	}
	it.Do = func() tea.Cmd {
		m.dialogs.Push(a.form(r))
		return nil
	}
	return it
}

// form asks for the name of the room here, and adopts it.
func (a *adoption) form(r app.PlatformRoom) *dialog.Form {
	m, b := a.m, a.m.backend
	f := &dialog.Form{Title: "Adopt " + m.st.Clip(safe(r.PlatformRoom), 40), Submit: "Adopt", Fields: []*dialog.Field{{
		Name: "name", Label: "Name", Help: "Name in Greenroom. Empty: keep the platform's name. An existing room's name adds this as one of its " +
			"meetings. Nothing changes on the platform.",
		Check: func(v string, _ func(string) string) string {
			if len([]rune(v)) > 60 {
				return "At most 60 characters."
			}
			return ""
		},
	}}}
	f.OnSubmit = func(v func(string) string) tea.Cmd {
		req := app.Adoption{Account: r.Account, PlatformRoom: r.PlatformRoom, Name: v("name")}
		return try(m, "adopt the room", f,
			func(ctx context.Context) (app.RoomView, error) { return b.AdoptRoom(ctx, req) },
			func(v app.RoomView) tea.Cmd {
				a.taken(r, v)
				return m.roomSaved(v.Room, "Room "+v.Name+" adopted", "Its participants are shown from now on.")
			})
	}
	return f
}

// taken marks a room in the list as known.
func (a *adoption) taken(r app.PlatformRoom, v app.RoomView) {
	for _, got := range a.found {
		for i := range got.rooms {
			if x := &got.rooms[i]; x.Account == r.Account && x.PlatformRoom == r.PlatformRoom {
				x.Known, x.Room = true, v.Name
			}
		}
	}
	a.show()
}
