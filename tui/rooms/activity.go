package rooms

import (
	"context"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// askActivity reads the deliveries that stand for activities.
func (p *Pane) askActivity(ctx context.Context) (app.EventPage, error) {
	kinds := []provider.EventKind{}
	for _, k := range provider.EventKinds() {
		if k != provider.KindUnknown && k != provider.KindTest {
			kinds = append(kinds, k)
		}
	}
	return p.Backend.Events(ctx, app.EventQuery{Kinds: kinds, Verdict: provider.Verified, Filter: "-is:replay -is:imported", Limit: 50})
}

// activityLines draws the newest activities.
func (p *Pane) activityLines(w, h int) []string {
	s := p.Styles
	if len(p.Activity.Rows) == 0 {
		return []string{" " + s.Muted.Render(s.Clip("Joins, leaves and recordings appear here.", w-2))}
	}
	room := min(max(w/6, 10), 20)
	acct := min(max(w/10, 8), 14)
	var out []string
	for _, a := range p.Activity.Rows[:min(h, len(p.Activity.Rows))] {
		out = append(out, " "+pane.Columns(s.Ruler,
			pane.Column{Text: p.TimeOfDay(a.At), W: 9, Ink: s.Faint},
			pane.Column{Text: words.Safe(a.Account), W: acct, Ink: s.Muted},
			pane.Column{Text: words.Safe(a.Room), W: room, Ink: s.Muted},
			pane.Column{Text: sentence(a, p.Zone), W: w - room - acct - 14, Ink: p.activityInk(a.Kind)}))
	}
	return out
}

func (p *Pane) activityInk(k provider.EventKind) theme.Ink {
	switch k {
	case provider.KindParticipantJoined, provider.KindMeetingStarted:
		return p.Styles.Good
	case provider.KindParticipantWaiting:
		return p.Styles.Warn
	case provider.KindRecordingStarted, provider.KindRecordingFailed, provider.KindTranscriptFailed, pane.Failure:
		return p.Styles.Bad
	}
	return p.Styles.Text
}

// sentence returns one activity in words.
func sentence(a app.Activity, zone *time.Location) string {
	who := words.Safe(a.Who)
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
	case app.LinkChanged:
		text = "the lasting link has changed"
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
	case pane.Failure:
		return theme.Bad + " " + words.Safe(a.Detail)
	default:
		text = words.Safe(string(a.Kind))
	}
	if a.Detail != "" {
		text += " · " + words.Safe(a.Detail)
	}
	return text
}

// activityOf returns the activities of stored deliveries, newest first.
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
