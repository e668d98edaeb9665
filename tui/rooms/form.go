package rooms

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// create asks for a new room.
func (p *Pane) create() tea.Cmd { return p.form(nil) }

// edit asks for changes of the selected room.
func (p *Pane) edit() tea.Cmd {
	v, _ := p.Room()
	return p.form(&v.Room)
}

// form asks for a new room, or for changes of one.
func (p *Pane) form(edit *app.Room) tea.Cmd {
	cur := app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingNone, Trigger: provider.TriggerNone}}
	f := &dialog.Form{Title: "New room", Submit: "Create"}
	if edit != nil {
		cur = *edit
		f.Title, f.Submit = "Edit "+words.Safe(cur.Name), "Save"
	}
	if cur.Recording == "" {
		cur.Recording = provider.RecordingNone
	}
	if cur.Trigger == "" {
		cur.Trigger = provider.TriggerNone
	}
	size := ""
	if cur.Size > 0 {
		size = strconv.Itoa(cur.Size)
	}
	notRecorded := func(v func(string) string) string {
		if v("recording") != string(provider.RecordingCloud) {
			return "only for cloud recordings"
		}
		return ""
	}
	neverRecorded := func(v func(string) string) string {
		if !app.Recorded(provider.RecordingMode(v("recording"))) {
			return "only with a recording"
		}
		return ""
	}
	f.Fields = []*dialog.Field{
		{Name: "name", Label: "Name", Value: cur.Name, Check: p.checkName(cur.Name),
			Help: "The room's name. Meetings on the platform are named after it."},
		{Name: "account", Label: "Account", Value: cur.Account, Options: p.accountOptions(cur.Account),
			Help: "The platform account for its meetings. Default: chosen from your settings at each start."},
		{Name: "locked", Label: "Locked", Value: yesNo(cur.Locked), Options: []dialog.Option{
			opt("no", "no: anyone with the link can join"), opt("yes", "yes: guests knock")},
			Help: "In a locked room, guests wait until the host lets them in."},
		{Name: "size", Label: "Size", Value: size, Check: checkSize,
			Help: "The maximum number of people. Empty: the platform's default."},
		{Name: "recording", Label: "Recording", Value: string(cur.Recording), Options: []dialog.Option{
			opt("none", "none"), opt("local", "local: on the host's machine"), opt("cloud", "cloud: by the platform")},
			Help: "Whether and where meetings are recorded. The platform informs the participants."},
		{Name: "trigger", Label: "Begins", Value: string(cur.Trigger), Off: notRecorded, Options: []dialog.Option{
			opt("none", "when started by hand"), opt("prompt", "if the host agrees"),
			opt("automatic", "with the first participant"), opt("automatic-2nd-participant", "with the second participant")},
			Help: "What starts the recording."},
		{Name: "consent", Label: "Consent", Value: yesNo(cur.SkipConsent), Off: neverRecorded, Options: []dialog.Option{
			opt("no", "asked before a meeting is opened from here"), opt("yes", "not asked")},
			Help: "Turn this off only if everyone has already been informed."},
		{Name: "logo", Label: "Logo", Value: cur.Logo, Check: checkLogo, Off: p.noLogo,
			Help: "A PNG on this machine, at least 400 pixels wide, for the meeting's page. Optional."},
		{Name: "download", Label: "Download", Value: yesNo(cur.AutoDownload), Off: notRecorded, Options: []dialog.Option{
			opt("no", "on request"), opt("yes", "automatically, when it is ready")},
			Help: "When new recordings are downloaded. The Recordings tab lists all recordings."},
		{Name: "link", Label: "Link", Value: linkValue(cur), Off: p.noLasting, Options: []dialog.Option{
			opt(string(app.LinkNew), "new: a new one for each meeting"), opt(string(app.LinkLasting), "lasting: one for all meetings")},
			Help: "A lasting guest link can go in a calendar."},
		{Name: "group", Label: "Group", Value: cur.Group,
			Help: "The heading for the room in the list. Optional."},
		{Name: "favourite", Label: "Favourite", Value: yesNo(cur.Favourite), Options: []dialog.Option{opt("no", "no"), opt("yes", "yes: listed first")},
			Help: "Favourites come first in the list."},
	}
	f.OnSubmit = func(v func(string) string) tea.Cmd {
		spec := roomSpec(v)
		if edit == nil {
			return pane.Try(p.Screen, "create the room", f,
				func(ctx context.Context) (app.Room, error) { return p.Backend.CreateRoom(ctx, spec) },
				func(r app.Room) tea.Cmd {
					hint := p.Key(startMeeting) + " starts a meeting in it"
					if r.GuestURL != "" {
						hint = p.Key(copyGuest) + " copies its guest link"
					}
					return p.roomSaved(r, "Room "+r.Name+" created", hint)
				})
		}
		change := patch(*edit, spec)
		return pane.Try(p.Screen, "change the room", f,
			func(ctx context.Context) (app.Room, error) { return p.Backend.EditRoom(ctx, change) },
			func(r app.Room) tea.Cmd {
				return p.roomSaved(r, "Room "+r.Name+" changed", "Existing meetings keep their settings.")
			})
	}
	return p.Dialogs.Push(f)
}

// roomSaved selects the room that was created or changed.
func (p *Pane) roomSaved(r app.Room, text, hint string) tea.Cmd {
	p.chosen, p.wanted = r.ID, r.Name
	p.filter.Clear()
	return tea.Batch(p.readRooms.Soon(), p.Say(text, hint))
}

// roomSpec returns the settings in the form.
func roomSpec(v func(string) string) app.RoomSpec {
	size, _ := strconv.Atoi(v("size")) // checked by the form; empty is 0
	spec := app.RoomSpec{
		Name: v("name"), Account: v("account"), Locked: v("locked") == "yes", Size: size,
		Recording: provider.RecordingMode(v("recording")), Trigger: provider.TriggerNone,
		Logo: pane.Path(v("logo")), SkipConsent: v("consent") == "yes",
		AutoDownload: v("download") == "yes", Link: app.RoomLink(v("link")), Group: v("group"), Favourite: v("favourite") == "yes",
	}
	if spec.Recording == provider.RecordingCloud {
		spec.Trigger = provider.Trigger(v("trigger"))
	}
	return spec
}

// patch returns what differs.
func patch(old app.Room, s app.RoomSpec) app.RoomPatch {
	if old.Link == "" && s.Link == linkValueOf(old) {
		s.Link = "" // stored before rooms had one
	}
	return old.PatchTo(s, old.ID)
}

func checkLogo(v string, _ func(string) string) string {
	if v != "" && !strings.EqualFold(filepath.Ext(v), ".png") {
		return "Choose a PNG file, or leave empty."
	}
	return ""
}

// noLogo returns why the account in the form shows no logo.
func (p *Pane) noLogo(v func(string) string) string {
	return p.Cannot(v("account"), provider.AbilityLogo)
}

// checkName returns the check of a name that is not current.
func (p *Pane) checkName(current string) func(string, func(string) string) string {
	return func(name string, _ func(string) string) string {
		switch {
		case name == "":
			return "Enter a name."
		case len([]rune(name)) > 60:
			return "At most 60 characters."
		}
		for _, v := range p.rooms {
			if strings.EqualFold(v.Name, name) && v.Name != current && name != plain.Text(current) {
				return "A room of that name already exists."
			}
		}
		return ""
	}
}

func checkSize(v string, _ func(string) string) string {
	if v == "" {
		return ""
	}
	if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 100000 {
		return "Enter a number of 1 or more, or leave empty."
	}
	return ""
}

// linkValueOf returns the link of a room, also of one without the setting.
func linkValueOf(r app.Room) app.RoomLink {
	if r.Lasting() {
		return app.LinkLasting
	}
	return app.LinkNew
}

func linkValue(r app.Room) string { return string(linkValueOf(r)) }

// noLasting returns why the account in the form keeps no room.
func (p *Pane) noLasting(v func(string) string) string {
	return p.Cannot(v("account"), provider.AbilityLasting)
}

func opt(value, label string) dialog.Option { return dialog.Option{Value: value, Label: label} }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// accountOptions lists the accounts, current among them even if it is not configured.
func (p *Pane) accountOptions(current string) []dialog.Option {
	out := []dialog.Option{{Value: "", Label: "default"}}
	seen := current == ""
	for _, a := range p.Status.Accounts {
		seen = seen || a.Name == current
		label := words.Safe(a.Name)
		if string(a.Platform) != a.Name {
			label += " (" + words.Safe(string(a.Platform)) + ")"
		}
		out = append(out, dialog.Option{Value: a.Name, Label: label})
	}
	if !seen {
		out = append(out, dialog.Option{Value: current, Label: words.Safe(current) + " (not configured)"})
	}
	return out
}
