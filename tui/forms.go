package tui

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/tui/dialog"
)

// roomForm asks for a new room, or for changes of one.
func (m *Model) roomForm(edit *app.Room) *dialog.Form {
	cur := app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingNone, Trigger: provider.TriggerNone}}
	f := &dialog.Form{Title: "New room", Submit: "Create"}
	if edit != nil {
		cur = *edit
		f.Title, f.Submit = "Edit "+safe(cur.Name), "Save"
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
			return "only with a recording in the cloud"
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
		{Name: "name", Label: "Name", Value: plain.Text(cur.Name), Check: m.checkName(cur.Name),
			Help: "What you call it. Meetings on the platform are named after it."},
		{Name: "account", Label: "Account", Value: cur.Account, Options: m.accountOptions(cur.Account),
			Help: "Where its meetings are held. Default: chosen from your settings at each start."},
		{Name: "locked", Label: "Locked", Value: yesNo(cur.Locked), Options: []dialog.Option{opt("no", "no: anyone with the link comes in"), opt("yes", "yes: guests knock")},
			Help: "In a locked room guests wait until the host lets them in."},
		{Name: "size", Label: "Size", Value: size, Check: checkSize,
			Help: "The largest number of people; empty leaves it to the platform."},
		{Name: "recording", Label: "Recording", Value: string(cur.Recording), Options: []dialog.Option{
			opt("none", "none"), opt("local", "local: on the host's machine"), opt("cloud", "cloud: by the platform")},
			Help: "What is recorded, if anything. The platform informs the participants."},
		{Name: "trigger", Label: "Begins", Value: string(cur.Trigger), Off: notRecorded, Options: []dialog.Option{
			opt("none", "when someone presses record"), opt("prompt", "after asking the host"),
			opt("automatic", "with the first participant"), opt("automatic-2nd-participant", "with the second participant")},
			Help: "What starts the recording."},
		{Name: "consent", Label: "Consent", Value: yesNo(cur.SkipConsent), Off: neverRecorded, Options: []dialog.Option{
			opt("no", "asked before it is opened from here"), opt("yes", "not asked")},
			Help: "Turn this off only if everyone has been informed already."},
		{Name: "logo", Label: "Logo", Value: plain.Text(cur.Logo), Check: checkLogo, Off: m.noLogo,
			Help: "A PNG on this machine, at least 400 pixels wide, for the meeting's page. Optional."},
		{Name: "download", Label: "Download", Value: yesNo(cur.AutoDownload), Off: notRecorded, Options: []dialog.Option{
			opt("no", "on request"), opt("yes", "automatically, when it is ready")},
			Help: "What happens to new recordings. The Recordings tab lists all of them."},
	}
	b := m.backend
	f.OnSubmit = func(v func(string) string) tea.Cmd {
		spec := roomSpec(v)
		if edit == nil {
			return try(m, "create the room", f, func(ctx context.Context) (app.Room, error) { return b.CreateRoom(ctx, spec) },
				func(r app.Room) tea.Cmd {
					return m.roomSaved(r, "Room "+r.Name+" created", m.keys.name(actStart)+" starts a meeting in it")
				})
		}
		p := patch(*edit, spec)
		return try(m, "change the room", f, func(ctx context.Context) (app.Room, error) { return b.EditRoom(ctx, p) },
			func(r app.Room) tea.Cmd {
				return m.roomSaved(r, "Room "+r.Name+" changed", "A meeting that exists keeps its settings.")
			})
	}
	return f
}

// roomSaved shows the room that was made or changed.
func (m *Model) roomSaved(r app.Room, text, hint string) tea.Cmd {
	m.rooms.chosen, m.rooms.wanted, m.rooms.filter = r.ID, r.Name, filter{}
	m.loads[slotRooms].next = time.Time{}
	return tea.Batch(m.want(slotRooms), m.say(text, hint))
}

func roomSpec(v func(string) string) app.RoomSpec {
	size, _ := strconv.Atoi(v("size")) // checked by the form; empty is 0
	spec := app.RoomSpec{
		Name: v("name"), Account: v("account"), Locked: v("locked") == "yes", Size: size,
		Recording: provider.RecordingMode(v("recording")), Trigger: provider.TriggerNone,
		Logo: logoPath(v("logo")), SkipConsent: v("consent") == "yes",
		AutoDownload: v("download") == "yes",
	}
	if spec.Recording == provider.RecordingCloud {
		spec.Trigger = provider.Trigger(v("trigger"))
	}
	return spec
}

// patch holds what differs. A form shows outside text neutralised, which is no change of it.
func patch(old app.Room, s app.RoomSpec) app.RoomPatch {
	if s.Name == plain.Text(old.Name) {
		s.Name = old.Name
	}
	if s.Logo == plain.Text(old.Logo) {
		s.Logo = old.Logo
	}
	return old.PatchTo(s, old.ID)
}

// logoPath makes what was typed the path that whoever holds the store can read: absolute, with ~ as the home directory.
func logoPath(typed string) string {
	if typed == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(typed, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if home, err := os.UserHomeDir(); err == nil {
			typed = filepath.Join(home, rest)
		}
	}
	if abs, err := filepath.Abs(typed); err == nil {
		return abs
	}
	return typed
}

func checkLogo(v string, _ func(string) string) string {
	if v != "" && !strings.EqualFold(filepath.Ext(v), ".png") {
		return "Choose a PNG file, or leave empty."
	}
	return ""
}

// noLogo says why the account that is chosen in the form shows no logo.
func (m *Model) noLogo(v func(string) string) string { return m.cannot(v("account"), app.AbilityLogo) }

func (m *Model) checkName(current string) func(string, func(string) string) string {
	return func(name string, _ func(string) string) string {
		switch {
		case name == "":
			return "Enter a name."
		case len([]rune(name)) > 60:
			return "At most 60 characters."
		}
		for _, v := range m.rooms.all {
			if strings.EqualFold(v.Name, name) && v.Name != current && name != plain.Text(current) {
				return "A room of that name exists already."
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

func opt(value, label string) dialog.Option { return dialog.Option{Value: value, Label: label} }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (m *Model) accountOptions(current string) []dialog.Option {
	out := []dialog.Option{{Value: "", Label: "default"}}
	seen := current == ""
	for _, a := range m.status.status.Accounts {
		seen = seen || a.Name == current
		label := safe(a.Name)
		if string(a.Platform) != a.Name {
			label += " (" + safe(string(a.Platform)) + ")"
		}
		out = append(out, dialog.Option{Value: a.Name, Label: label})
	}
	if !seen {
		out = append(out, dialog.Option{Value: current, Label: safe(current) + " (not configured)"})
	}
	return out
}

func (m *Model) deleteRoom() dialog.Dialog {
	v, _ := m.rooms.room()
	b := m.backend
	return &dialog.Confirm{
		Title: "Delete " + safe(v.Name) + "?", Danger: true,
		Text: "The room is deleted. Past meetings and webhooks are kept.", Yes: "Delete", No: "Keep",
		OnYes: func() tea.Cmd {
			return try(m, "delete the room", nil,
				func(ctx context.Context) (app.Room, error) { return b.DeleteRoom(ctx, app.RoomRef{Ref: v.ID}) },
				func(r app.Room) tea.Cmd {
					return tea.Batch(m.want(slotRooms), m.say("Room "+v.Name+" deleted", ""))
				})
		},
	}
}

func (m *Model) endMeeting() dialog.Dialog {
	mt, _ := m.rooms.meeting()
	b := m.backend
	account, _ := m.accountStatus(mt.Account)
	text := endText(mt, account.AfterEnd)
	return &dialog.Confirm{
		Title: "End the meeting in " + safe(mt.Room) + "?", Text: text, Danger: true, Yes: "End meeting", No: "Keep meeting",
		OnYes: func() tea.Cmd {
			m.working("Ending the meeting in " + mt.Room)
			return try(m, "end the meeting", nil,
				func(ctx context.Context) (app.Meeting, error) { return b.EndMeeting(ctx, app.MeetingRef{Ref: mt.ID}) },
				func(app.Meeting) tea.Cmd {
					return tea.Batch(m.want(slotRooms), m.want(slotMeeting), m.say("The meeting in "+mt.Room+" has ended", ""))
				})
		},
	}
}

// endText says what ending a meeting does. A room that was made elsewhere is the host's own, and what becomes of it
// depends on the platform: some end a meeting only by removing its room.
func endText(mt app.Meeting, after app.AfterEnd) string {
	text := "No one is in the meeting."
	if mt.Here > 0 {
		text = plural(mt.Here, "person", "people") + " will be disconnected."
	}
	switch {
	case mt.Adopted && after == app.RoomRemoved:
		return text + " The room was made outside Greenroom. Ending the meeting removes it from " + platformName(mt.Platform) +
			", and its links stop working permanently."
	case mt.Adopted && after == app.RoomKept:
		return text + " The room was made outside Greenroom: it stays on " + platformName(mt.Platform) + ", and its links keep working."
	}
	return text + " Its links will stop working."
}

// because words the reason for an account in parentheses. Reasons that begin with "because" are shown as they are.
func because(why string) string {
	why = safe(why)
	if why == "" || strings.HasPrefix(why, "(") || strings.HasPrefix(why, "because ") {
		return why
	}
	return "(" + why + ")"
}

// startMenu asks how long; enter takes the usual length.
func (m *Model) startMenu() dialog.Dialog {
	v, _ := m.rooms.room()
	text := "On " + safe(account(v)) + "."
	if v.Would.Why != "" {
		text = "On " + safe(account(v)) + " " + because(v.Would.Why) + "."
	}
	menu := &dialog.Menu{Title: "Start a meeting in " + safe(v.Name), Text: text}
	for _, c := range []struct {
		label string
		d     time.Duration
	}{
		{"8 hours (default)", 0}, {"30 minutes", 30 * time.Minute}, {"1 hour", time.Hour},
		{"2 hours", 2 * time.Hour}, {"4 hours", 4 * time.Hour},
	} {
		menu.Items = append(menu.Items, dialog.Item{Label: c.label, Do: func() tea.Cmd { return m.start(v, c.d) }})
	}
	return menu
}

func (m *Model) start(v app.RoomView, length time.Duration) tea.Cmd {
	m.working("Starting a meeting in " + v.Name)
	b := m.backend
	return try(m, "start the meeting", nil,
		func(ctx context.Context) (app.StartedMeeting, error) {
			return b.StartMeeting(ctx, app.StartMeeting{Room: v.ID, For: length})
		},
		func(s app.StartedMeeting) tea.Cmd {
			hint := m.keys.name(actCopyGuest) + " copies the guest link, " + m.keys.name(actOpenHost) + " opens it as host"
			if len(s.Notes) > 0 {
				hint = strings.Join(s.Notes, ". ") + ". " + hint
			}
			text := "Meeting started on " + s.Account
			if s.Reused {
				text = "The meeting was already open"
			}
			return tea.Batch(m.want(slotRooms), m.say(text, hint))
		})
}
