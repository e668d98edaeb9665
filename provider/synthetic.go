package provider

import "time"

// SyntheticEvent is what an invented webhook shall tell.
type SyntheticEvent struct {
	Kind EventKind
	// Room and MeetingID name the meeting as the platform does, Room without a slash; MeetingID may be empty.
	Room, MeetingID string
	// Name and Session are the participant's, where the kind has one.
	Name, Session string
	// ID is unique to the event: a platform's repeats have the same.
	ID string
	At time.Time
	// Secret signs instead of the account's own, in the platform's form; empty when that is meant.
	Secret string
}

// A Synthesizer makes webhooks as the platform would send them, signed with the account's own secret, so that receivers
// can be tried without a meeting.
type Synthesizer interface {
	// Synthesize performs no I/O. [Unsupported] means that the platform sends nothing of the kind, [Invalid] that the
	// account has no secret to sign with.
	Synthesize(e SyntheticEvent) (WebhookRequest, error)
}
