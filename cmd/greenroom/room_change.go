package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// roomFlags are the settings of a room, for making and for changing one.
type roomFlags struct {
	account, recording, trigger, logo string
	group                             string
	locked, skipConsent, autoDownload bool
	lasting, favourite                bool
	size                              int
}

func (f *roomFlags) add(p *program, cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.account, "account", "", "pin the room to this account")
	fl.BoolVar(&f.locked, "locked", false, "make guests knock")
	fl.IntVar(&f.size, "size", 0, "maximum number of people; 0 for the platform's default")
	fl.StringVar(&f.recording, "recording", "", "how meetings are recorded: none, local or cloud")
	fl.StringVar(&f.trigger, "trigger", "", "what starts the recording: none, prompt, automatic or automatic-2nd-participant")
	fl.StringVar(&f.logo, "logo", "", "image file for the meeting's page")
	fl.BoolVar(&f.skipConsent, "skip-consent", false, "don't ask for consent before a recorded meeting is opened from here")
	fl.BoolVar(&f.autoDownload, "auto-download", false, "download the room's future recordings automatically")
	fl.BoolVar(&f.lasting, "lasting", false, "one platform room for all meetings, so that its guest link can go in a calendar")
	fl.StringVar(&f.group, "group", "", "heading for the room in lists")
	fl.BoolVar(&f.favourite, "favourite", false, "show the room at the top of lists")
	allowEmpty(fl, "account")
	_ = cmd.RegisterFlagCompletionFunc("group", p.groups)
	words(cmd, "recording", recordingModes()...)
	words(cmd, "trigger", triggers()...)
}

func recordingModes() []string {
	return []string{string(provider.RecordingNone), string(provider.RecordingLocal), string(provider.RecordingCloud)}
}

func triggers() []string {
	return []string{string(provider.TriggerNone), string(provider.TriggerPrompt), string(provider.TriggerAutomatic), string(provider.TriggerAutomatic2nd)}
}

// link is the setting for --lasting.
func (f *roomFlags) link() app.RoomLink {
	if f.lasting {
		return app.LinkLasting
	}
	return app.LinkNew
}

// check refuses what no platform would understand, and makes the logo's path one that holds elsewhere.
func (f *roomFlags) check() error {
	if f.recording != "" && !slices.Contains(recordingModes(), f.recording) {
		return usagef("--recording can't be %q: use %s", f.recording, strings.Join(recordingModes(), ", "))
	}
	if f.trigger != "" && !slices.Contains(triggers(), f.trigger) {
		return usagef("--trigger can't be %q: use %s", f.trigger, strings.Join(triggers(), ", "))
	}
	if f.size < 0 {
		return usagef("--size can't be %d", f.size)
	}
	if f.logo == "" {
		return nil
	}
	info, err := os.Stat(f.logo)
	if err != nil || !info.Mode().IsRegular() {
		return usagef("--logo: %s is not a file that can be read", f.logo)
	}
	f.logo, err = filepath.Abs(f.logo)
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
	return o.with(ctx, func(b app.Backend) error {
		r, err := b.CreateRoom(ctx, app.RoomSpec{
			Name: args[0], Account: o.account, Locked: o.locked, Size: o.size, Recording: provider.RecordingMode(o.recording),
			Trigger: provider.Trigger(o.trigger), Logo: o.logo, SkipConsent: o.skipConsent, AutoDownload: o.autoDownload,
			Link: o.link(), Group: o.group, Favourite: o.favourite,
		})
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
	name    string
	changed func(flag string) bool
}

func (p *program) roomEdit() *cobra.Command {
	o := &roomEditOptions{program: p}
	cmd := &cobra.Command{
		Use: "edit ROOM", Short: "Change a room; existing meetings keep their " +
			"settings", Args: exactly("ROOM"), RunE: p.do(o.run), ValidArgsFunction: p.rooms,
		Example: "greenroom room edit all-hands --locked=false --account ''",
	}
	o.changed = func(flag string) bool { return cmd.Flags().Changed(flag) }
	o.add(p, cmd)
	allowEmpty(cmd.Flags(), "logo")
	allowEmpty(cmd.Flags(), "group")
	cmd.Flags().StringVar(&o.name, "name", "", "new name of the room")
	return p.jsonFlag(cmd, "print the room as a JSON object")
}

func (o *roomEditOptions) run(ctx context.Context, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	patch := app.RoomPatch{Ref: args[0]}
	any := false
	set := func(flag string, f func()) {
		if o.changed(flag) {
			any = true
			f()
		}
	}
	recording, trigger := provider.RecordingMode(o.recording), provider.Trigger(o.trigger)
	set("name", func() { patch.Name = &o.name })
	set("account", func() { patch.Account = &o.account })
	set("locked", func() { patch.Locked = &o.locked })
	set("size", func() { patch.Size = &o.size })
	set("recording", func() { patch.Recording = &recording })
	set("trigger", func() { patch.Trigger = &trigger })
	set("logo", func() { patch.Logo = &o.logo })
	set("skip-consent", func() { patch.SkipConsent = &o.skipConsent })
	link := o.link()
	set("group", func() { patch.Group = &o.group })
	set("favourite", func() { patch.Favourite = &o.favourite })
	set("lasting", func() { patch.Link = &link })
	set("auto-download", func() { patch.AutoDownload = &o.autoDownload })
	if !any {
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

// printLink is printRoom with the link of a lasting room.
func (p *program) printLink(ctx context.Context, b app.Backend, r app.Room, sentence string) error {
	if err := p.printRoom(ctx, b, r, sentence); err != nil || p.json {
		return err
	}
	return p.facts("guest", r.GuestURL)
}

// deleteQuestion asks before a room is deleted, with the platform rooms of its lasting link.
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

// note prints what there is to know about a room that was made or changed: that no meeting can start on the account that it is
// pinned to, and what became of its lasting link.
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
