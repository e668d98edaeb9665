package provider

import "time"

// SyntheticEvent describes an event to synthesize.
type SyntheticEvent struct {
	Kind EventKind
	// Type is the platform's own name of the event; empty for the usual one of the kind.
	Type string
	// Room and MeetingID identify the meeting as on the platform, Room without a slash; MeetingID may be empty.
	Room, MeetingID string
	// Conference identifies the session of the meeting, which its events share; empty for a new one.
	Conference string
	// Name and Session are the participant's, for kinds that have one.
	Name, Session string
	// ID is unique to the event; repeats have the same one.
	ID string
	At time.Time
	// Since is the beginning of the stay, recording or meeting that the event ends; zero for a minute before At.
	Since time.Time
	// Here is the number of people present after the event; nil for the participant alone.
	Here *int
	// Body replaces the event that the fields above describe, unless it is nil.
	Body []byte
	// SignedAt is the time of the signature; zero for At.
	SignedAt time.Time
	// Secret signs instead of the account's secret, in the platform's form; empty for the account's.
	Secret string
}

// Signed returns the time of the signature.
func (e SyntheticEvent) Signed() time.Time {
	if e.SignedAt.IsZero() {
		return e.At
	}
	return e.SignedAt
}

// Lasted returns the length of the stay, recording or meeting that the event ends.
func (e SyntheticEvent) Lasted() time.Duration {
	if e.Since.IsZero() {
		return time.Minute
	}
	return max(e.At.Sub(e.Since), 0)
}

// Word returns the platform's name of the event, or "" if it has none. types maps the platform's names to kinds.
func (e SyntheticEvent) Word(types map[string]EventKind) string {
	for word, kind := range types {
		if kind == e.Kind && (e.Type == "" || e.Type == word) {
			return word
		}
	}
	return ""
}

// Synthesizer makes webhooks as the platform sends them, signed with the account's secret, so that receivers can be tested
// without a meeting.
type Synthesizer interface {
	// Synthesize performs no I/O. [Unsupported] means that the platform sends no such kind, [Invalid] that the account has no
	// secret to sign with.
	Synthesize(e SyntheticEvent) (WebhookRequest, error)
}
