package tui

import (
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/theme"
)

// maxShownActivity bounds what the activity strip remembers.
const maxShownActivity = 200

// addActivity puts what happened, in order of arrival, on top.
func (m *Model) addActivity(rows []app.Activity) {
	rows = m.toldOnce(rows)
	out := make([]app.Activity, 0, min(len(rows)+len(m.activity), maxShownActivity))
	for i := len(rows) - 1; i >= 0 && len(out) < maxShownActivity; i-- {
		out = append(out, rows[i])
	}
	m.activity = append(out, m.activity[:min(len(m.activity), maxShownActivity-len(out))]...)
}

// echoTime is how long after a removal from here the platform's word that the person left counts as the same news.
const echoTime = time.Minute

// toldOnce leaves out the platform's word that somebody left who was removed from here, whichever of the two comes
// first. Each removal has one echo: another one of that name who leaves is told of.
func (m *Model) toldOnce(rows []app.Activity) []app.Activity {
	now := m.now()
	m.removed = slices.DeleteFunc(m.removed, func(r app.Activity) bool { return now.Sub(r.At.Time) > echoTime })
	out := make([]app.Activity, 0, len(rows))
	for _, a := range rows {
		if a.Kind == provider.KindParticipantLeft && a.Source == app.FromHere {
			about := func(b app.Activity) bool { return b.Meeting == a.Meeting && b.Who == a.Who }
			last := len(out) - 1
			for last >= 0 && !about(out[last]) {
				last--
			}
			shown := slices.IndexFunc(m.activity, about)
			switch {
			case last >= 0 && echoes(a, out[last]):
				out = slices.Delete(out, last, last+1)
			case last < 0 && shown >= 0 && echoes(a, m.activity[shown]):
				m.activity = slices.Delete(slices.Clone(m.activity), shown, shown+1)
			default:
				m.removed = append(m.removed, a)
			}
		} else if i := slices.IndexFunc(m.removed, func(r app.Activity) bool { return echoes(r, a) }); i >= 0 {
			m.removed = slices.Delete(m.removed, i, i+1)
			continue
		}
		out = append(out, a)
	}
	return out
}

// echoes says whether a is what others say of a removal.
func echoes(removal, a app.Activity) bool {
	gone := a.Kind == provider.KindParticipantLeft || a.Kind == provider.KindParticipantWaitingLeft
	return gone && a.Source != app.FromHere && a.Meeting == removal.Meeting && a.Who == removal.Who &&
		a.At.Sub(removal.At.Time).Abs() <= echoTime
}

// activityLines draws the newest of what people did.
func (m *Model) activityLines(w, h int) []string {
	s := m.st
	if len(m.activity) == 0 {
		return []string{" " + s.Muted.Render(s.Clip("Joins, leaves and recordings appear here.", w-2))}
	}
	room := min(max(w/6, 10), 20)
	acct := min(max(w/10, 8), 14)
	var out []string
	for _, a := range m.activity[:min(h, len(m.activity))] {
		out = append(out, " "+columns(s.Ruler,
			column{text: m.hhmmss(a.At), w: 9, ink: s.Faint},
			column{text: safe(a.Account), w: acct, ink: s.Muted},
			column{text: safe(a.Room), w: room, ink: s.Muted},
			column{text: sentence(a, m.opts.Zone), w: w - room - acct - 14, ink: m.activityInk(a.Kind)}))
	}
	return out
}

func (m *Model) activityInk(k provider.EventKind) theme.Ink {
	switch k {
	case provider.KindParticipantJoined, provider.KindMeetingStarted:
		return m.st.Good
	case provider.KindParticipantWaiting:
		return m.st.Warn
	case provider.KindRecordingStarted, provider.KindRecordingFailed, provider.KindTranscriptFailed, failureShown:
		return m.st.Bad
	}
	return m.st.Text
}

// sentence tells one activity.
func sentence(a app.Activity, zone *time.Location) string {
	who := safe(a.Who)
	if who == "" {
		who = "A participant"
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
		text = who + " stopped waiting"
	case provider.KindMeetingStarted:
		text = "meeting started"
	case provider.KindMeetingEnded:
		text = "meeting ended"
	case app.MeetingExtended:
		text = "meeting extended until " + a.Until.In(zone).Format("15:04")
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
	case failureShown:
		return theme.Bad + " " + safe(a.Detail)
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
