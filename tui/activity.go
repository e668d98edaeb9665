package tui

import (
	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/theme"
)

// activityLines draws the newest of what people did.
func (m *Model) activityLines(w, h int) []string {
	s := m.st
	if len(m.activity) == 0 {
		return []string{" " + s.Muted.Render(s.Clip("Who joins and leaves, and what is recorded, will appear here.", w-2))}
	}
	room := min(max(w/6, 10), 20)
	acct := min(max(w/10, 8), 14)
	var out []string
	for _, a := range m.activity[:min(h, len(m.activity))] {
		out = append(out, " "+columns(s.Ruler,
			column{text: m.hhmmss(a.At), w: 9, ink: s.Faint},
			column{text: safe(a.Account), w: acct, ink: s.Muted},
			column{text: safe(a.Room), w: room, ink: s.Muted},
			column{text: sentence(a), w: w - room - acct - 14, ink: m.activityInk(a.Kind)}))
	}
	return out
}

func (m *Model) activityInk(k provider.EventKind) theme.Ink {
	switch k {
	case provider.KindParticipantJoined, provider.KindMeetingStarted:
		return m.st.Good
	case provider.KindParticipantWaiting:
		return m.st.Warn
	case provider.KindRecordingStarted, provider.KindRecordingFailed, provider.KindTranscriptFailed:
		return m.st.Bad
	}
	return m.st.Text
}

// sentence tells one activity.
func sentence(a app.Activity) string {
	who := safe(a.Who)
	if who == "" {
		who = "Somebody"
	}
	text := ""
	switch a.Kind {
	case provider.KindParticipantJoined:
		text = who + " joined"
	case provider.KindParticipantLeft:
		text = who + " left"
	case provider.KindParticipantWaiting:
		text = who + " is waiting to be let in"
	case provider.KindParticipantWaitingLeft:
		text = who + " waits no longer"
	case provider.KindMeetingStarted:
		text = "meeting started"
	case provider.KindMeetingEnded:
		text = "meeting ended"
	case provider.KindRecordingStarted:
		text = "recording started"
	case provider.KindRecordingReady:
		text = "recording is ready"
	case provider.KindRecordingFailed:
		text = "recording failed"
	case provider.KindTranscriptStarted:
		text = "transcript started"
	case provider.KindTranscriptReady:
		text = "transcript is ready"
	case provider.KindTranscriptFailed:
		text = "transcript failed"
	default:
		text = safe(string(a.Kind))
	}
	if a.Detail != "" {
		text += " · " + safe(a.Detail)
	}
	return text
}

// activityOf makes the strip's beginning from the newest deliveries, newest first.
func activityOf(rows []app.Delivery) []app.Activity {
	out := make([]app.Activity, 0, len(rows))
	for _, d := range rows {
		if d.DuplicateOf != 0 || d.Unapplied != "" {
			continue
		}
		out = append(out, app.Activity{
			At: d.At, Account: d.Account, Meeting: d.Meeting, Room: d.Room, Kind: d.Kind, Who: d.Participant,
			Source: app.FromWebhook,
		})
	}
	return out
}
