package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
)

func (p *program) meetingShow() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "show MEETING", Short: "Show a meeting and who is in it", Args: exactly("MEETING"), RunE: p.changes(p.showMeeting), ValidArgsFunction: p.rooms,
	}, "print a JSON object")
}

func (p *program) showMeeting(ctx context.Context, b app.Backend, args []string) error {
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: args[0]})
	if err != nil {
		return err
	}
	m.Participants = list(m.Participants)
	if p.json {
		return p.printJSON(m)
	}
	return p.printMeeting(m)
}

func (p *program) printMeeting(m app.MeetingDetail) error {
	status := string(m.Status)
	if m.EndReason != "" {
		status += ", " + m.EndReason
	}
	if !m.EvidenceAt.IsZero() && m.StatusSource != "" {
		status += fmt.Sprintf(" (%s, %s ago)", m.StatusSource, length(p.now().Sub(m.EvidenceAt.Time)))
	}
	if m.Adopted {
		status += ", not created here"
	}
	err := p.facts("room", m.Room, "id", m.ID, "account", fmt.Sprintf("%s (%s)", m.Account, m.Platform), "chosen", m.Chosen,
		"status", status, "people", p.peopleWords(m.Meeting), "guest link", m.GuestURL, "opened", local(m.StartsAt), "first joined", local(m.StartedAt),
		"ends", local(m.EndsAt), "ended", local(m.EndedAt), "recording", p.recordingWords(m.Meeting), "consent", consent(m.Meeting))
	rows, asked := p.stayRows(m)
	if err != nil || len(rows) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(p.stdout); err != nil {
		return err
	}
	header := []string{"NAME", "ROLE", "STATE", "SINCE", "FOR", "CONSENT", "REASON"}
	if !asked {
		header = slices.Delete(header, consentColumn, consentColumn+1)
	}
	t := newTable(header...)
	for _, row := range rows {
		if !asked {
			row = slices.Delete(row, consentColumn, consentColumn+1)
		}
		t.add(row...)
	}
	return p.printTable(t)
}

// consentColumn is the index of the column of consents.
const consentColumn = 5

// stayRows returns a row for each participant and for each guest who declined. asked reports whether anyone was asked for consent.
func (p *program) stayRows(m app.MeetingDetail) (rows [][]string, asked bool) {
	for _, s := range m.Participants {
		rows = append(rows, stayRow(s, p))
		asked = asked || s.Consent != ""
	}
	for _, g := range m.Guests {
		if g.Consent == app.ConsentNo && g.Session == "" {
			rows = append(rows, []string{g.Name, "", "declined", p.clock(g.ConsentAt), "", g.Consent, ""})
			asked = true
		}
	}
	return rows, asked
}

// peopleWords counts the participants, and adds the platform's count if it differs.
func (p *program) peopleWords(m app.Meeting) string {
	s := fmt.Sprintf("%d here, peak %d", m.Here, m.Peak)
	if m.Waiting > 0 {
		s += fmt.Sprintf(", %d knocking", m.Waiting)
	}
	if m.Reported != nil && *m.Reported != m.Here && m.Status != app.Ended {
		s += fmt.Sprintf("; the platform counted %d, %s ago", *m.Reported, length(p.now().Sub(m.ReportedAt.Time)))
	}
	return s
}

// recordingWords describes whether and how the meeting is recorded, the recording's state, and its error.
func (p *program) recordingWords(m app.Meeting) string {
	var words []string
	if app.Recorded(m.Record) {
		words = append(words, recordingSetting(m.Record, m.Trigger))
	}
	switch {
	case m.Recording == app.IsRecording && !m.RecordingSince.IsZero():
		words = append(words, "running for "+length(p.now().Sub(m.RecordingSince.Time)))
	case m.Recording == app.IsRecording:
		words = append(words, "running")
	case m.Recording == app.StartingRecording:
		words = append(words, "starting")
	}
	if m.RecordingError != "" {
		words = append(words, "failed: "+m.RecordingError)
	}
	return strings.Join(words, "; ")
}

func consent(m app.Meeting) string {
	if m.Consent == "" {
		return ""
	}
	return string(m.Consent) + " " + local(m.ConsentAt)
}

// stayRow returns the row of a participant. Those who knock are listed since they knocked.
func stayRow(s app.Stay, p *program) []string {
	state, since, until := "here", s.JoinedAt, s.LeftAt.Time
	switch {
	case s.Waiting:
		state = "knocking"
		if !s.WaitingSince.IsZero() {
			since = s.WaitingSince
		}
	case !s.LeftAt.IsZero():
		state = "left " + p.clock(s.LeftAt)
	}
	role := s.Role
	switch {
	case s.Bot && role == "":
		role = "bot"
	case s.Bot:
		role = "bot, " + role
	case s.Owner:
		role = "host"
	}
	stayed := ""
	if !since.IsZero() {
		if until.IsZero() {
			until = p.now()
		}
		stayed = length(until.Sub(since.Time))
	}
	return []string{nameOf(s), role, state, p.clock(since), stayed, s.Consent, s.Reason}
}
