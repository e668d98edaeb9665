package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

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

type roomListOptions struct {
	*program
	query app.RoomQuery
	json  bool
}

func (p *program) roomList() *cobra.Command {
	o := &roomListOptions{program: p}
	cmd := &cobra.Command{Use: "list", Short: "List the rooms", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().StringVar(&o.query.Group, "group", "", "only rooms of this group")
	_ = cmd.RegisterFlagCompletionFunc("group", p.groups)
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	return cmd
}

func (o *roomListOptions) run(ctx context.Context, _ []string) error {
	return o.reading(ctx, func(b app.Backend) error {
		rooms, err := b.Rooms(ctx, o.query)
		if err != nil {
			return err
		}
		status, err := b.Status(ctx, app.StatusQuery{})
		if err != nil {
			return err
		}
		order.By{Language: order.Language(o.getenv), Now: o.now(), Failing: order.FailingAccounts(status.Accounts)}.Rooms(rooms)
		if o.json {
			return o.printJSON(list(rooms))
		}
		if len(rooms) == 0 && o.query.Group != "" {
			o.words("No room is in the group ", plain.Text(o.query.Group), ".")
			return nil
		}
		if len(rooms) == 0 {
			o.words("No rooms yet. Make one: greenroom room create NAME")
			return nil
		}
		t := newTable("ROOM", "ACCOUNT", "STATE", "HERE", "SETTINGS")
		for _, r := range rooms {
			state, here := "", ""
			if m := r.Meeting; m != nil && m.Status != app.Ended {
				state, here = string(m.Status), fmt.Sprint(m.Here)
			}
			t.add(r.Name, r.CurrentAccount(), state, here, settings(r.Room))
		}
		return o.printTable(t)
	})
}

// settings is a room's settings in a few words.
func settings(r app.Room) string {
	s := ""
	add := func(w string) {
		if s != "" {
			s += ", "
		}
		s += w
	}
	if r.Locked {
		add("locked")
	}
	if r.Size > 0 {
		add(fmt.Sprintf("up to %d", r.Size))
	}
	if app.Recorded(r.Recording) {
		add("records " + recordingSetting(r.Recording, r.Trigger))
	}
	if r.AutoDownload {
		add("downloads")
	}
	if r.Favourite {
		add("favourite")
	}
	if r.Group != "" {
		add("group " + r.Group)
	}
	if r.Lasting() && !r.Adopted {
		add("lasting link")
	}
	if r.Adopted {
		add("adopted")
	}
	return s
}

// recordingSetting says where a recording goes and what starts it, in the words that follow "records".
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
		return where + ", when the host says so"
	case t == provider.TriggerNone && mode == provider.RecordingCloud:
		return where + ", when started by hand"
	}
	return where
}

type roomShowOptions struct {
	*program
	json bool
}

func (p *program) roomShow() *cobra.Command {
	o := &roomShowOptions{program: p}
	cmd := &cobra.Command{
		Use: "show ROOM", Short: "Show a room, and which account its next meeting gets", Args: exactly("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object")
	return cmd
}

func (o *roomShowOptions) run(ctx context.Context, args []string) error {
	return o.reading(ctx, func(b app.Backend) error {
		r, err := b.Room(ctx, app.RoomRef{Ref: args[0]})
		if err != nil {
			return err
		}
		cannot, err := limits(ctx, b, r.Would.Account)
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(struct {
				app.RoomView
				Cannot map[app.Ability]string `json:"cannot"`
			}{r, cannot})
		}
		return o.print(r, cannot)
	})
}

func (o *roomShowOptions) print(r app.RoomView, cannot map[app.Ability]string) error {
	next := r.Would.Account
	if next == "" {
		next = string(r.Would.Platform)
	}
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
	label := "not there"
	for _, what := range slices.Sorted(maps.Keys(cannot)) {
		facts = append(facts, label, fmt.Sprintf("%s: %s", what, cannot[what]))
		label = " "
	}
	return o.facts(facts...)
}

// yes is yes, or nothing.
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
