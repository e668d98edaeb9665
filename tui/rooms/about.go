package rooms

import (
	"fmt"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// chosenBecause explains the account of a meeting. An adopted meeting needs no explanation.
func chosenBecause(mt app.Meeting) string {
	if mt.Adopted && strings.HasPrefix(mt.Chosen, "found on") {
		return ""
	}
	return because(mt.Chosen)
}

// adoptedFrom names the platform on which a room was found.
func adoptedFrom(v app.RoomView) string {
	p := v.Would.Platform
	if v.Meeting != nil {
		p = v.Meeting.Platform
	}
	if p == "" {
		return "adopted"
	}
	return "adopted from " + platformName(p)
}

// platformName returns the usual name of a platform, safe to draw.
func platformName(p provider.Platform) string { return words.Safe(p.Title()) }

// counted returns the platform's count of people if it differs from the people known here.
func counted(mt app.Meeting) string {
	if mt.Reported == nil || *mt.Reported == mt.Here {
		return ""
	}
	return fmt.Sprintf("%s the platform counted %d (Greenroom: %d)", theme.Doubtful, *mt.Reported, mt.Here)
}

// describe returns the settings of a room in one line.
func describe(v app.RoomView) string {
	parts := []string{words.Safe(v.CurrentAccount())}
	if parts[0] == "" {
		parts[0] = "no account yet"
	}
	locked, size, rec, trigger := v.Locked, v.Size, v.Recording, v.Trigger
	if mt := v.Meeting; mt != nil && mt.Status != app.Ended {
		locked, size, rec, trigger = mt.Locked, mt.Size, mt.Record, mt.Trigger
	}
	if locked {
		parts = append(parts, "locked")
	}
	if size > 0 {
		parts = append(parts, fmt.Sprintf("up to %d", size))
	}
	parts = append(parts, recordingWords(rec, trigger))
	if v.Lasting() && !v.Adopted {
		parts = append(parts, "lasting link")
	}
	if v.Adopted || (v.Meeting != nil && v.Meeting.Adopted) {
		parts = append(parts, adoptedFrom(v))
	}
	switch v.PageReach {
	case app.PagePublic:
		parts = append(parts, "page through "+words.Safe(v.PageTunnel))
	case app.PageLocal:
		parts = append(parts, "page on this machine")
	}
	return strings.Join(parts, " · ")
}

// recordingWords returns what is recorded, and when.
func recordingWords(mode provider.RecordingMode, t provider.Trigger) string {
	switch mode {
	case provider.RecordingCloud:
		switch t {
		case provider.TriggerAutomatic:
			return "records from the start"
		case provider.TriggerAutomatic2nd:
			return "records from the 2nd participant"
		case provider.TriggerPrompt:
			return "asks whether to record"
		}
		return "may be recorded"
	case provider.RecordingLocal:
		return "may be recorded by its host"
	}
	return "not recorded"
}

// evidence returns the age and the source of the state.
func evidence(mt app.Meeting, now time.Time) string {
	if mt.EvidenceAt.IsZero() {
		return ""
	}
	from := map[app.Source]string{
		app.FromWebhook: " (webhook)", app.FromPresence: " (presence)", app.FromPlatform: " (platform)", app.FromClock: " (clock)",
	}[mt.StatusSource]
	return "updated " + words.Ago(now.Sub(mt.EvidenceAt.Time)) + from
}

// lastMeeting returns when an ended meeting was, how long it took and how it ended.
func (p *Pane) lastMeeting(mt app.Meeting) string {
	text := "Last meeting " + p.Day(mt.StartsAt)
	if !mt.StartedAt.IsZero() && mt.EndedAt.After(mt.StartedAt.Time) {
		text += ", for " + words.Length(mt.EndedAt.Sub(mt.StartedAt.Time))
	}
	if mt.Peak > 0 {
		text += fmt.Sprintf(", peak %d", mt.Peak)
	}
	if mt.EndReason != "" {
		text += " · " + words.Safe(mt.EndReason)
	}
	return text
}

// because returns the reason for an account in parentheses. One that begins with "because" has none.
func because(why string) string {
	why = words.Safe(why)
	if why == "" || strings.HasPrefix(why, "(") || strings.HasPrefix(why, "because ") {
		return why
	}
	return "(" + why + ")"
}
