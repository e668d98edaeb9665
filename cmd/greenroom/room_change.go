package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// roomFlags are the settings of a room that is created or changed.
type roomFlags struct {
	app.RoomSpec
	lasting bool
}

func (f *roomFlags) add(p *program, cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.Account, "account", "", "pin the room to this account")
	fl.BoolVar(&f.Locked, "locked", false, "make guests knock")
	number(fl, &f.Size, "size", "0", 0, math.MaxInt, "maximum number of people; 0 for the platform's default")
	choice(cmd, &f.Recording, "recording", "", "how meetings are recorded: none, local or cloud",
		provider.RecordingNone, provider.RecordingLocal, provider.RecordingCloud)
	choice(cmd, &f.Trigger, "trigger", "", "what starts the recording: none, prompt, automatic or automatic-2nd-participant",
		provider.TriggerNone, provider.TriggerPrompt, provider.TriggerAutomatic, provider.TriggerAutomatic2nd)
	fl.StringVar(&f.Logo, "logo", "", "image file for the meeting's page")
	fl.BoolVar(&f.SkipConsent, "skip-consent", false, "don't ask for consent before a recorded meeting is opened from here")
	fl.BoolVar(&f.AutoDownload, "auto-download", false, "download the room's future recordings automatically")
	fl.BoolVar(&f.lasting, "lasting", false, "one platform room for all meetings, so that its guest link can go in a calendar")
	fl.StringVar(&f.Group, "group", "", "heading for the room in lists")
	fl.BoolVar(&f.Favourite, "favourite", false, "show the room at the top of lists")
	allowEmpty(fl, "account")
	_ = cmd.RegisterFlagCompletionFunc("group", p.groups)
}

// check checks that the logo is a file, and makes its path absolute.
func (f *roomFlags) check() error {
	f.Link = app.LinkNew
	if f.lasting {
		f.Link = app.LinkLasting
	}
	if f.Logo == "" {
		return nil
	}
	info, err := os.Stat(f.Logo)
	if err != nil || !info.Mode().IsRegular() {
		return usagef("--logo: %s is not a file that can be read", f.Logo)
	}
	f.Logo, err = filepath.Abs(f.Logo)
	return err
}

type roomCreateOptions struct {
	*program
	roomFlags
}

func (p *program) roomCreate() *cobra.Command {
	o := &roomCreateOptions{program: p}
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a room", Args: exactly("NAME"), RunE: p.do(o.run),
		Example: "greenroom room create all-hands --locked --recording cloud --trigger automatic-2nd-participant",
	}
	o.add(p, cmd)
	return p.jsonFlag(cmd, "print the room as a JSON object")
}

func (o *roomCreateOptions) run(ctx context.Context, args []string) error {
	if strings.TrimSpace(args[0]) == "" {
		return usagef("a room needs a name")
	}
	if err := o.check(); err != nil {
		return err
	}
	o.Name = args[0]
	return o.with(ctx, func(b app.Backend) error {
		r, err := b.CreateRoom(ctx, o.RoomSpec)
		if err != nil {
			return err
		}
		o.note(ctx, b, r)
		return o.printLink(ctx, b, r, "Created room %s. Start a meeting: greenroom meeting start %[1]s")
	})
}

type roomEditOptions struct {
	*program
	roomFlags
	changed func(flag string) bool
}

func (p *program) roomEdit() *cobra.Command {
	o := &roomEditOptions{program: p}
	cmd := &cobra.Command{
		Use: "edit ROOM", Short: "Change a room; existing meetings keep their " +
			"settings", Args: exactly("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Example: "greenroom room edit all-hands --locked=false --account ''",
	}
	o.changed = cmd.Flags().Changed
	o.add(p, cmd)
	allowEmpty(cmd.Flags(), "logo", "group")
	cmd.Flags().StringVar(&o.Name, "name", "", "new name of the room")
	return p.jsonFlag(cmd, "print the room as a JSON object")
}

func (o *roomEditOptions) run(ctx context.Context, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	patch := app.RoomPatch{Ref: args[0]}
	changed := false
	for flag, set := range map[string]func(){
		"name": func() { patch.Name = &o.Name }, "account": func() { patch.Account = &o.Account }, "locked": func() { patch.Locked = &o.Locked },
		"size": func() { patch.Size = &o.Size }, "recording": func() { patch.Recording = &o.Recording }, "trigger": func() { patch.Trigger = &o.Trigger },
		"logo": func() { patch.Logo = &o.Logo }, "skip-consent": func() { patch.SkipConsent = &o.SkipConsent }, "group": func() { patch.Group = &o.Group },
		"favourite": func() { patch.Favourite = &o.Favourite }, "lasting": func() { patch.Link = &o.Link },
		"auto-download": func() { patch.AutoDownload = &o.AutoDownload },
	} {
		if o.changed(flag) {
			changed = true
			set()
		}
	}
	if !changed {
		return usagef("nothing to change: use a flag, such as --locked or --size 20")
	}
	return o.with(ctx, func(b app.Backend) error {
		r, err := b.EditRoom(ctx, patch)
		if err != nil {
			return err
		}
		o.note(ctx, b, r)
		return o.printLink(ctx, b, r, "Changed room %s.")
	})
}

func (p *program) roomDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete ROOM", Short: "Delete a room; past meetings are kept", Aliases: []string{"rm"}, Args: exactly("ROOM"), RunE: p.asks(p.deleteRoom), ValidArgsFunction: p.rooms,
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the room as a JSON object")
}

func (p *program) deleteRoom(ctx context.Context, b app.Backend, args []string) error {
	r, err := b.Room(ctx, app.RoomRef{Ref: args[0]})
	if err != nil {
		return err
	}
	if err := p.sure(ctx, deleteQuestion(r.Room)); err != nil {
		return err
	}
	deleted, err := b.DeleteRoom(ctx, app.RoomRef{Ref: r.ID})
	if err != nil {
		return err
	}
	defer p.undoable()
	return p.printRoom(ctx, b, deleted, "Deleted room %s.")
}

// printLink prints a room like printRoom, with the guest link of a lasting room.
func (p *program) printLink(ctx context.Context, b app.Backend, r app.Room, sentence string) error {
	if err := p.printRoom(ctx, b, r, sentence); err != nil || p.json {
		return err
	}
	return p.facts("guest", r.GuestURL)
}

// deleteQuestion returns the question before a room is deleted. It names the platform rooms that are deleted too.
func deleteQuestion(r app.Room) string {
	q := "Delete room " + r.Name + "?"
	for _, place := range r.Places {
		if place.Made() && !place.Adopted {
			link := ""
			if place.GuestURL != "" {
				link = fmt.Sprintf(", and the link %s stops working", place.GuestURL)
			}
			q = fmt.Sprintf("Its room %s on %s is also removed%s. ", place.PlatformRoom, place.Account, link) + q
		}
	}
	return plain.Text(q)
}

// note prints notes about a room that was created or changed: that no meeting can start on the account that it is pinned to, and those about
// its lasting link.
func (p *program) note(ctx context.Context, b app.Backend, r app.Room) {
	if r.Account == "" && !r.Lasting() {
		return
	}
	v, err := b.Room(ctx, app.RoomRef{Ref: r.ID})
	if err != nil {
		return
	}
	if r.Account != "" && v.Would.Problem != "" {
		p.words("No meeting can start there yet: " + v.Would.Problem)
	}
	p.notes(v.Notes)
}
