package main

import (
	"context"
	"errors"
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// markRecorded is printed with every link of a recorded meeting.
const markRecorded = "This meeting is recorded: inform the people you send the link to."

// isRecorded reports whether people in the meeting must expect to be recorded.
func isRecorded(m app.Meeting) bool {
	return app.Recorded(m.Record) || m.Recording == app.IsRecording || m.Recording == app.StartingRecording
}

// askConsent asks for consent before a recorded meeting is opened from here, unless its room skips it or it was given before. The answer is
// stored with the meeting before it is opened. Only given replaces the question.
func (p *program) askConsent(ctx context.Context, b app.Backend, m app.Meeting, given bool) error {
	if !isRecorded(m) {
		return nil
	}
	r, err := b.Room(ctx, app.RoomRef{Ref: m.RoomID})
	if err != nil && !errors.Is(err, provider.NotFound) {
		return err // if the room was deleted, the meeting is still recorded
	}
	if !app.NeedsConsent(m, r.Room) {
		return nil
	}
	asked := p.confirm(ctx, fmt.Sprintf("%s is recorded. Consent and open it?", m.Room), "--consent", given)
	if asked != nil && !errors.Is(asked, errDeclined) {
		return asked
	}
	if _, err := b.Consent(ctx, app.ConsentAnswer{Meeting: m.ID, Given: asked == nil}); err != nil {
		return err
	}
	return asked
}
