package rooms

import (
	"cmp"
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// adoption is the list of the rooms on the platforms. Each account is asked separately, so that a slow one does not
// delay the others.
type adoption struct {
	p        *Pane
	menu     *dialog.Menu
	accounts []string // in the order of the configuration
	found    map[string]platformRooms
	marked   map[string]app.PlatformRoom // by the item's id
	round    uint64                      // an answer to an earlier round no longer counts
}

// platformRooms is the answer of one account.
type platformRooms struct {
	rooms []app.PlatformRoom
	err   error
}

// whyNoAdoption returns why no account can list its rooms; empty if one can, or while that is unknown.
func (p *Pane) whyNoAdoption() string {
	if !p.StatusRead.Ready {
		return ""
	}
	why := "No account is configured: " + p.Key(pane.TabStatus) + " explains how"
	for _, a := range p.Status.Accounts {
		if why = words.Safe(a.Cannot[provider.AbilityAdopt]); why == "" {
			return ""
		}
	}
	return why
}

// adopt lists the rooms on the platforms, to adopt one.
func (p *Pane) adopt() tea.Cmd {
	a := &adoption{p: p, menu: &dialog.Menu{
		Title: "Adopt existing rooms", Search: true, Wide: true, Hint: "type to find   space mark   ctrl+r refresh   ",
	}, marked: map[string]app.PlatformRoom{}}
	a.menu.Keys = map[string]func() tea.Cmd{"ctrl+r": a.ask, "space": a.mark}
	for _, acc := range p.Status.Accounts {
		if acc.Cannot[provider.AbilityAdopt] == "" {
			a.accounts = append(a.accounts, acc.Name)
		}
	}
	if len(a.accounts) == 0 {
		a.accounts = []string{""} // all
	}
	p.Dialogs.Push(a.menu)
	return a.ask()
}

// ask asks every account.
func (a *adoption) ask() tea.Cmd {
	a.round++
	a.found = map[string]platformRooms{}
	a.show()
	var cmds []tea.Cmd
	p, round := a.p, a.round
	for _, name := range a.accounts {
		cmds = append(cmds, pane.Try(p.Screen, "", nil,
			func(ctx context.Context) (platformRooms, error) {
				rooms, err := p.Backend.PlatformRooms(ctx, app.PlatformRoomQuery{Account: name})
				return platformRooms{rooms, err}, nil
			},
			func(got platformRooms) tea.Cmd {
				if round == a.round {
					a.found[name] = got
					a.show()
				}
				return nil
			}))
	}
	return tea.Batch(cmds...)
}

// show fills the menu with the answers so far.
func (a *adoption) show() {
	p, s := a.p, a.p.Styles
	var items []dialog.Item
	var notes []dialog.Note
	var awaited []string
	width := 0
	for _, acc := range p.Status.Accounts {
		width = min(max(width, s.Width(words.Safe(acc.Name))), 14)
		if why := acc.Cannot[provider.AbilityAdopt]; why != "" {
			notes = append(notes, dialog.Note{Text: words.Safe(acc.Name) + ": " + words.Safe(why)})
		}
	}
	for _, name := range a.accounts {
		got, ok := a.found[name]
		switch {
		case !ok:
			awaited = append(awaited, words.Safe(cmp.Or(name, "the platforms")))
		case got.err != nil:
			e := app.AsError(got.err)
			text := theme.Bad + " " + strings.TrimPrefix(words.Safe(name)+": ", ": ") + words.Safe(e.Text)
			if e.Hint != "" {
				text += ". " + words.Safe(e.Hint)
			}
			notes = append(notes, dialog.Note{Text: text, Bad: true})
		}
		for _, r := range got.rooms {
			items = append(items, a.item(r, width))
		}
	}
	a.menu.Busy, a.menu.Aside = "", words.Plural(len(items), "room", "rooms")
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

// item is one room of a platform. Selecting one that is known goes to it.
func (a *adoption) item(r app.PlatformRoom, width int) dialog.Item {
	p := a.p
	id, mark := r.Account+"\x00"+r.PlatformRoom, "  "
	if _, ok := a.marked[id]; ok {
		mark = theme.Good + " "
	}
	it := dialog.Item{ID: id, Stay: true, Label: p.Styles.Fit(words.Safe(r.Account), max(width, 6)) + mark + words.Safe(r.PlatformRoom)}
	if r.Known {
		it.Why, it.Stay = theme.Good+" room "+words.Safe(r.Room), false
		it.Do = func() tea.Cmd {
			p.wanted = r.Room
			p.filter.Clear()
			return p.narrow()
		}
		return it
	}
	if !r.EndsAt.IsZero() {
		it.Key = "until " + p.Day(r.EndsAt)
	}
	it.Do = func() tea.Cmd {
		if len(a.marked) > 0 {
			return a.adoptMarked()
		}
		return p.Dialogs.Push(a.form(r))
	}
	return it
}

// mark marks the room under the cursor or unmarks it. Rooms that are known can't be marked.
func (a *adoption) mark() tea.Cmd {
	it, ok := a.menu.Current()
	if _, on := a.marked[it.ID]; on {
		delete(a.marked, it.ID)
		a.show()
		return nil
	}
	for _, got := range a.found {
		for _, r := range got.rooms {
			if ok && !r.Known && r.Account+"\x00"+r.PlatformRoom == it.ID {
				a.marked[it.ID] = r
			}
		}
	}
	a.show()
	return nil
}

// adoptMarked adopts the marked rooms under the platforms' names, one after the other.
func (a *adoption) adoptMarked() tea.Cmd {
	var ids []string
	for id := range a.marked {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var rooms []app.RoomView
	for _, id := range ids {
		rooms = append(rooms, app.RoomView{Room: app.Room{ID: id, RoomSettings: app.RoomSettings{Name: a.marked[id].PlatformRoom}}})
	}
	a.p.Dialogs.Close(a.menu)
	marked := a.marked
	return a.p.each(rooms, "Adopting rooms", "adopt the room", "adopted", func(ctx context.Context, v app.RoomView) error {
		r := marked[v.ID]
		_, err := a.p.Backend.AdoptRoom(ctx, app.Adoption{Account: r.Account, PlatformRoom: r.PlatformRoom})
		return err
	})
}

// form asks for the name of the room in Greenroom, and adopts it.
func (a *adoption) form(r app.PlatformRoom) *dialog.Form {
	p := a.p
	f := &dialog.Form{Title: "Adopt " + p.Styles.Clip(words.Safe(r.PlatformRoom), 40), Submit: "Adopt", Fields: []*dialog.Field{{
		Name: "name", Label: "Name", Help: "Name in Greenroom. Empty: keep the platform's name. The name of an existing room adds " +
			"this as one of its meetings. Nothing changes on the platform.",
		Check: func(v string, _ func(string) string) string {
			if len([]rune(v)) > 60 {
				return "At most 60 characters."
			}
			return ""
		},
	}}}
	f.OnSubmit = func(v func(string) string) tea.Cmd {
		req := app.Adoption{Account: r.Account, PlatformRoom: r.PlatformRoom, Name: v("name")}
		return pane.Try(p.Screen, "adopt the room", f,
			func(ctx context.Context) (app.RoomView, error) { return p.Backend.AdoptRoom(ctx, req) },
			func(v app.RoomView) tea.Cmd {
				a.adopted(r, v)
				return p.roomSaved(v.Room, "Room "+v.Name+" adopted", "Its participants are shown from now on.")
			})
	}
	return f
}

// adopted marks a room in the list as known.
func (a *adoption) adopted(r app.PlatformRoom, v app.RoomView) {
	for _, got := range a.found {
		for i := range got.rooms {
			if x := &got.rooms[i]; x.Account == r.Account && x.PlatformRoom == r.PlatformRoom {
				x.Known, x.Room = true, v.Name
			}
		}
	}
	a.show()
}
