package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
)

func (p *program) roomCommand() *cobra.Command {
	return group("room", "Rooms: the lasting templates of meetings",
		p.roomList(), p.roomShow(), p.roomCreate(), p.roomEdit(), p.roomDelete())
}

type roomListOptions struct {
	*program
	json bool
}

func (p *program) roomList() *cobra.Command {
	o := &roomListOptions{program: p}
	cmd := &cobra.Command{Use: "list", Short: "List the rooms", Aliases: []string{"ls"}, Args: exactly(), RunE: p.do(o.run)}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON array")
	return cmd
}

func (o *roomListOptions) run(ctx context.Context, _ []string) error {
	return o.with(ctx, func(b app.Backend) error {
		rooms, err := b.Rooms(ctx, app.RoomQuery{})
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(list(rooms))
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
			t.add(r.Name, accountOf(r), state, here, settings(r.Room))
		}
		return t.write(o.stdout)
	})
}

// accountOf is the account of the running meeting, else the one that the next would get.
func accountOf(r app.RoomView) string {
	switch {
	case r.Meeting != nil && r.Meeting.Status != app.Ended:
		return r.Meeting.Account
	case r.Account != "":
		return r.Account
	case r.Would.Account != "":
		return r.Would.Account
	}
	return string(r.Would.Platform)
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
	if recorded(r.Recording) {
		add("recording " + string(r.Recording))
		if r.Trigger != "" {
			s += " (" + string(r.Trigger) + ")"
		}
	}
	if r.Adopted {
		add("adopted")
	}
	return s
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
	return o.with(ctx, func(b app.Backend) error {
		r, err := b.Room(ctx, app.RoomRef{Ref: args[0]})
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(r)
		}
		next := r.Would.Account
		if next == "" {
			next = string(r.Would.Platform)
		}
		if r.Would.Why != "" {
			next += " — " + r.Would.Why
		}
		meeting := ""
		if m := r.Meeting; m != nil {
			meeting = fmt.Sprintf("%s, %s, %d here", m.PlatformRoom, m.Status, m.Here)
		}
		size, trigger := "", ""
		if r.Size > 0 {
			size = fmt.Sprint(r.Size)
		}
		if recorded(r.Recording) {
			trigger = string(r.Trigger)
		}
		return o.facts("room", r.Name, "id", r.ID, "account", r.Account, "next meeting on", next, "problem", r.Would.Problem,
			"locked", yesNo(r.Locked), "size", size, "recording", string(r.Recording), "trigger", trigger,
			"logo", r.Logo, "created", local(r.CreatedAt), "meeting", meeting)
	})
}
