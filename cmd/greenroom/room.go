package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/order"
	"greenroom/internal/plain"
	"greenroom/provider"
)

func (p *program) roomCommand() *cobra.Command {
	return group("room", "Rooms: settings you reuse for meetings",
		p.roomList(), p.roomShow(), p.roomCreate(), p.roomEdit(), p.roomSchedule(), p.roomPage(), p.roomAdopt(), p.roomDelete())
}

func (p *program) roomList() *cobra.Command {
	var query app.RoomQuery
	cmd := &cobra.Command{
		Use: "list", Short: "List the rooms", Aliases: []string{"ls"}, Args: exactly(),
		RunE: p.reads(func(ctx context.Context, b app.Backend, _ []string) error { return p.listRooms(ctx, b, query) }),
	}
	cmd.Flags().StringVar(&query.Group, "group", "", "only rooms of this group")
	_ = cmd.RegisterFlagCompletionFunc("group", p.groups)
	return p.jsonFlag(cmd, "print a JSON array")
}

func (p *program) listRooms(ctx context.Context, b app.Backend, query app.RoomQuery) error {
	rooms, err := b.Rooms(ctx, query)
	if err != nil {
		return err
	}
	status, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return err
	}
	order.By{Language: order.Language(p.getenv), Now: p.now(), Failing: order.FailingAccounts(status.Accounts)}.Rooms(rooms)
	none := "No rooms yet. Create one: greenroom room create NAME"
	if query.Group != "" {
		none = "No room is in the group " + plain.Text(query.Group) + "."
	}
	return printList(p, rooms, none, newTable("ROOM", "ACCOUNT", "STATE", "HERE", "SETTINGS"), func(r app.RoomView) []string {
		state, here := "", ""
		if m := r.Meeting; m != nil && m.Status != app.Ended {
			state, here = string(m.Status), fmt.Sprint(m.Here)
		}
		return []string{r.Name, r.CurrentAccount(), state, here, settings(r.Room)}
	})
}

// settings describes a room's settings in a few words.
func settings(r app.Room) string {
	var words []string
	add := func(is bool, w string) {
		if is {
			words = append(words, w)
		}
	}
	add(r.Locked, "locked")
	add(r.Size > 0, fmt.Sprintf("up to %d", r.Size))
	add(app.Recorded(r.Recording), "records "+recordingSetting(r.Recording, r.Trigger))
	add(r.AutoDownload, "downloads")
	add(r.Favourite, "favourite")
	add(r.Group != "", "group "+r.Group)
	add(r.Lasting() && !r.Adopted, "lasting link")
	add(r.Adopted, "adopted")
	return strings.Join(words, ", ")
}

// recordingSetting describes where a recording is stored and what starts it, after the word "records".
func recordingSetting(mode provider.RecordingMode, t provider.Trigger) string {
	where := "locally"
	if mode == provider.RecordingCloud {
		where = "in the cloud"
	}
	switch {
	case t == provider.TriggerAutomatic:
		return where + ", from the 1st participant"
	case t == provider.TriggerAutomatic2nd:
		return where + ", from the 2nd participant"
	case t == provider.TriggerPrompt:
		return where + ", if the host agrees"
	case t == provider.TriggerNone && mode == provider.RecordingCloud:
		return where + ", when started by hand"
	}
	return where
}

func (p *program) roomShow() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "show ROOM", Short: "Show a room and the account of its next " +
			"meeting", Args: exactly("ROOM"), RunE: p.reads(p.showRoom), ValidArgsFunction: p.rooms,
	}, "print a JSON object")
}

func (p *program) showRoom(ctx context.Context, b app.Backend, args []string) error {
	r, err := b.Room(ctx, app.RoomRef{Ref: args[0]})
	if err != nil {
		return err
	}
	a, err := accountStatus(ctx, b, r.Would.Account)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(struct {
			app.RoomView
			Cannot map[provider.Ability]string `json:"cannot"`
		}{r, a.Cannot})
	}
	return p.roomFacts(r, a.Cannot)
}

func (p *program) roomFacts(r app.RoomView, cannot map[provider.Ability]string) error {
	next := cmp.Or(r.Would.Account, string(r.Would.Platform))
	if r.Would.Why != "" {
		next += " — " + r.Would.Why
	}
	meeting, size, consent := "", "", ""
	if m := r.Meeting; m != nil {
		meeting = fmt.Sprintf("%s on %s, %s, %d here", m.PlatformRoom, m.Account, m.Status, m.Here)
		if m.Chosen != "" {
			meeting += " — " + m.Chosen
		}
	}
	if r.Size > 0 {
		size = fmt.Sprint(r.Size)
	}
	recording := string(r.Recording)
	if app.Recorded(r.Recording) {
		recording, consent = recordingSetting(r.Recording, r.Trigger), "asks for consent before a meeting is opened from here"
		if r.SkipConsent {
			consent = "not asked"
		}
	}
	facts := []string{"room", r.Name, "id", r.ID, "account", r.Account, "next meeting on", next, "problem", r.Would.Problem,
		"guest", r.GuestURL, "link", string(r.Link), "locked", yesNo(r.Locked), "size", size, "recording", recording, "consent", consent,
		"group", r.Group, "favourite", yes(r.Favourite), "page", pageOf(r.PageLink), "logo", r.Logo, "created", local(r.CreatedAt), "adopted", adopted(r.Room), "meeting", meeting}
	for _, n := range r.Notes {
		facts = append(facts, "note", n)
	}
	label := "not supported"
	for _, what := range slices.Sorted(maps.Keys(cannot)) {
		facts = append(facts, label, fmt.Sprintf("%s: %s", what, cannot[what]))
		label = " "
	}
	return p.facts(facts...)
}

// yes returns "yes", or "" for false.
func yes(b bool) string {
	if b {
		return yesNo(b)
	}
	return ""
}

func adopted(r app.Room) string {
	if r.Adopted {
		return "found on the platform"
	}
	return ""
}
