package provider

import "time"

// SyntheticEvent describes an event to synthesize.
type SyntheticEvent struct {
	Kind EventKind
	// Room and MeetingID identify the meeting as on the platform, Room without a slash; MeetingID may be empty.
	Room, MeetingID string
	// Name and Session are the participant's, for kinds that have one.
	Name, Session string
	// ID is unique to the event; repeats have the same one.
	ID string
	At time.Time
	// Secret signs instead of the account's own, in the platform's form; empty for the account's own.
	Secret string
}

// Synthesizer makes webhooks as the platform sends them, signed with the account's secret, so that receivers can be tested
// without a meeting.
type Synthesizer interface {
	// Synthesize performs no I/O. [Unsupported] means that the platform sends no such kind, [Invalid] that the account has no
	// secret to sign with.
	Synthesize(e SyntheticEvent) (WebhookRequest, error)
}
