// Package app is the application's own words: [Room], [Meeting], [Stay], [Recording], [Delivery], the [Change]s that
// happen to them, and [Backend], which is all that a screen or a command can ask of Greenroom.
//
// Everything here is a plain value that survives JSON, since Backend is served in-process and over a local socket alike.
// The JSON names are a contract with scripts: fields may be added, none renamed. The package does no I/O.
package app

import "greenroom/provider"

// MeetingStatus is where a meeting is in its life.
type MeetingStatus string

// The states: open (exists, empty), live (evidence of a participant in it), ended.
const (
	Open  MeetingStatus = "open"
	Live  MeetingStatus = "live"
	Ended MeetingStatus = "ended"
)

// RecordingState is the state of a meeting's recording.
type RecordingState string

// The states of a meeting's recording.
const (
	NotRecording      RecordingState = "none"
	StartingRecording RecordingState = "starting"
	IsRecording       RecordingState = "recording"
)

// Source says where a piece of knowledge came from.
type Source string

// The sources.
const (
	FromWebhook  Source = "webhook"
	FromPresence Source = "presence"
	FromHere     Source = "here"
	FromPlatform Source = "platform"
	FromClock    Source = "clock"
)

// Meeting is one occurrence of a room on a platform.
type Meeting struct {
	ID string `json:"id"`
	// Room is the room's name, RoomID its id.
	Room         string            `json:"room"`
	RoomID       string            `json:"room_id"`
	Account      string            `json:"account"`
	Platform     provider.Platform `json:"platform"`
	PlatformID   string            `json:"platform_id"`
	PlatformRoom string            `json:"platform_room"`
	GuestURL     string            `json:"guest_url"`
	Status       MeetingStatus     `json:"status"`
	// Booking is the id of the booking that it was made for, empty for none.
	Booking string `json:"booking,omitempty"`
	// StartsAt is when it was opened, EndsAt when it is booked to end, StartedAt when the first participant joined.
	StartsAt  Time `json:"starts_at"`
	EndsAt    Time `json:"ends_at"`
	StartedAt Time `json:"started_at"`
	EndedAt   Time `json:"ended_at"`
	// BookedUntil is the end that it was booked with, where EndsAt was moved since because people were still in it.
	BookedUntil Time `json:"booked_until,omitzero"`
	// Here is how many people are in it now, Peak the most at one time by the events' own times. Bots don't count.
	Here      int            `json:"here"`
	Peak      int            `json:"peak"`
	Recording RecordingState `json:"recording"`
	// RecordingSince is when the running recording began.
	RecordingSince Time `json:"recording_since"`
	Adopted        bool `json:"adopted"`
	// Lasting means that the platform's room outlives the meeting.
	Lasting bool `json:"lasting,omitempty"`
	// Waiting is how many people knock.
	Waiting int `json:"waiting"`
	// StatusSource and EvidenceAt say what the status rests on and how old that is.
	StatusSource Source `json:"status_source"`
	EvidenceAt   Time   `json:"evidence_at"`
	// EndReason says why it ended: "ended here", "expired", "gone from the platform".
	EndReason string `json:"end_reason,omitempty"`
	// Chosen explains why this account was chosen.
	Chosen string `json:"chosen,omitempty"`
	// Locked, Size and Record are the room's settings as they were at the start.
	Locked bool                   `json:"locked"`
	Size   int                    `json:"size"`
	Record provider.RecordingMode `json:"record"`
	// Trigger of the recording, as it was at the start.
	Trigger provider.Trigger `json:"trigger"`
	// RecordingError is the platform's reason why a recording that was wanted is not running.
	RecordingError string `json:"recording_error,omitempty"`
	// Consent is the latest answer to being recorded, ConsentAt when it was given.
	Consent   Consent `json:"consent,omitempty"`
	ConsentAt Time    `json:"consent_at"`
	// Reported is how many people the platform itself counted at ReportedAt, by the event with the latest time; nil where
	// it doesn't tell. Bots don't count.
	Reported   *int `json:"reported,omitempty"`
	ReportedAt Time `json:"reported_at"`
}

// KeepsRoom reports whether the platform's room stays after the meeting.
func (m Meeting) KeepsRoom() bool { return m.Adopted || m.Lasting }

// Confirms reports whether m is what had was, with newer evidence.
func (m Meeting) Confirms(had Meeting) bool {
	if (m.Reported == nil) != (had.Reported == nil) || m.Reported != nil && *m.Reported != *had.Reported {
		return false
	}
	m.Reported, m.StatusSource, m.EvidenceAt = had.Reported, had.StatusSource, had.EvidenceAt
	return m == had
}

// Stay is one participant's presence in one meeting. A rejoin is a new stay.
type Stay struct {
	Session string `json:"session"`
	Name    string `json:"name"`
	UserID  string `json:"user_id"`
	Owner   bool   `json:"owner"`
	// JoinedAt may be null when only the leaving was reported; LeftAt is null while they are present.
	JoinedAt Time `json:"joined_at"`
	LeftAt   Time `json:"left_at"`
	// Reason is why they left: "left", "removed", "connection lost", "meeting ended", "moved" (the same person joined elsewhere), "failed to
	// connect", or empty where that is unknown.
	Reason string `json:"reason"`
	// Bot marks recorders, streamers and captioners: listed, never counted. Role is the platform's word.
	Bot  bool   `json:"bot"`
	Role string `json:"role,omitempty"`
	// Waiting marks a person who knocks and was not let in yet, since WaitingSince.
	Waiting      bool `json:"waiting,omitempty"`
	WaitingSince Time `json:"waiting_since"`
	// Source says where the last change was learned.
	Source Source `json:"source"`
	// Consent is the person's answer on the room's page: [ConsentYes], [ConsentNo], or empty if they weren't asked there.
	Consent   string `json:"consent"`
	ConsentAt Time   `json:"consent_at"`
}

// Present reports whether the person is in the meeting now.
func (s Stay) Present() bool { return s.LeftAt.IsZero() && !s.Waiting }

// MeetingDetail is a meeting with its stays, present ones first, then the most recently left.
type MeetingDetail struct {
	Meeting
	Participants []Stay `json:"participants"`
	// Guests are those who came to the room's page, whether they joined or not, in the order in which they came.
	Guests []Guest `json:"guests,omitempty"`
}

// RecordingStatus is where a recording is in its life.
type RecordingStatus string

// The states of a recording.
const (
	RecordingRunning    RecordingStatus = "recording"
	RecordingProcessing RecordingStatus = "processing"
	RecordingReady      RecordingStatus = "ready"
	RecordingFailed     RecordingStatus = "failed"
)

// Recording is a platform's recording of a meeting.
type Recording struct {
	ID       string            `json:"id"`
	Account  string            `json:"account"`
	Platform provider.Platform `json:"platform"`
	// Meeting is the meeting's id, empty while it could not be matched; Room the room's name or the platform's.
	Meeting   string                   `json:"meeting"`
	Room      string                   `json:"room"`
	Status    RecordingStatus          `json:"status"`
	Kind      string                   `json:"kind"`
	StartedAt Time                     `json:"started_at"`
	DurationS float64                  `json:"duration_s"`
	Files     []provider.RecordingFile `json:"files"`
	Download  *Download                `json:"download"`
	Error     string                   `json:"error,omitempty"`
	// Instance is the id under which it was started, where known.
	Instance string `json:"instance,omitempty"`
	// FromBucket says that it was found in the account's bucket and is in no list of the platform: its id is
	// Greenroom's own.
	FromBucket bool `json:"from_bucket,omitempty"`
	// Aliases are ids under which it was known before the platform reported its own: that of its objects. They still name it.
	Aliases []string `json:"aliases,omitempty"`
	// ObjectAt is when the newest of its objects was made, as far as a bucket or a queue has reported.
	ObjectAt Time `json:"object_at,omitzero"`
	// DeletedAt is when it was deleted on the platform from here, or was found to be gone there; what was downloaded stays.
	DeletedAt Time `json:"deleted_at"`
	// IgnoredAt is when the user left it out of the downloads of all recordings.
	IgnoredAt Time `json:"ignored_at,omitzero"`
}
