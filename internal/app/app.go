// Package app holds the application's types: [Room], [Meeting], [Stay], [Recording], [Delivery], their [Change]s, and [Backend],
// the interface of all screens and commands.
//
// All values survive JSON, since Backend is also served over a local socket. The JSON names are a contract with scripts: fields
// may be added, none renamed. The package does no I/O.
package app

import "greenroom/provider"

// MeetingStatus is the state of a meeting.
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

// Source is where a piece of information came from.
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
	// BookedUntil is the booked end if EndsAt was moved because people were still in the meeting.
	BookedUntil Time `json:"booked_until,omitzero"`
	// Here is how many people are in it now, Peak the most at one time by the times of the events. Bots don't count.
	Here      int            `json:"here"`
	Peak      int            `json:"peak"`
	Recording RecordingState `json:"recording"`
	// RecordingSince is when the running recording began.
	RecordingSince Time `json:"recording_since"`
	Adopted        bool `json:"adopted"`
	// Lasting means that the platform's room outlives the meeting.
	Lasting bool `json:"lasting,omitempty"`
	// Waiting is how many people wait to be let in.
	Waiting int `json:"waiting"`
	// StatusSource and EvidenceAt are the source and the time of the evidence for the status.
	StatusSource Source `json:"status_source"`
	EvidenceAt   Time   `json:"evidence_at"`
	// EndReason is why it ended: "ended here", "expired", "gone from the platform".
	EndReason string `json:"end_reason,omitempty"`
	// Chosen explains why this account was chosen.
	Chosen string `json:"chosen,omitempty"`
	// Locked, Size and Record are the room's settings as they were at the start.
	Locked bool                   `json:"locked"`
	Size   int                    `json:"size"`
	Record provider.RecordingMode `json:"record"`
	// Trigger of the recording, as it was at the start.
	Trigger provider.Trigger `json:"trigger"`
	// RecordingError is why a requested recording is not running, as the platform reports it.
	RecordingError string `json:"recording_error,omitempty"`
	// Consent is the latest answer to being recorded, ConsentAt when it was given.
	Consent   Consent `json:"consent,omitempty"`
	ConsentAt Time    `json:"consent_at"`
	// Reported is how many people the platform counted at ReportedAt, by its latest event; nil if it doesn't report that. Bots
	// don't count.
	Reported   *int `json:"reported,omitempty"`
	ReportedAt Time `json:"reported_at"`
}

// KeepsRoom reports whether the platform's room stays after the meeting.
func (m Meeting) KeepsRoom() bool { return m.Adopted || m.Lasting }

// Confirms reports whether m differs from had only in newer evidence.
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
	// JoinedAt is null if only the leaving was reported; LeftAt is null while they are present.
	JoinedAt Time `json:"joined_at"`
	LeftAt   Time `json:"left_at"`
	// Reason is why they left: "left", "removed", "connection lost", "meeting ended", "moved" (the same person joined elsewhere), "failed to
	// connect", or empty where that is unknown.
	Reason string `json:"reason"`
	// Bot marks recorders, streamers and captioners, which are listed but not counted. Role is the platform's name for it.
	Bot  bool   `json:"bot"`
	Role string `json:"role,omitempty"`
	// Waiting marks a person who waits to be let in, since WaitingSince.
	Waiting      bool `json:"waiting,omitempty"`
	WaitingSince Time `json:"waiting_since"`
	// Source is where the last change came from.
	Source Source `json:"source"`
	// Consent is the person's answer on the room's page: [ConsentYes], [ConsentNo], or empty if they weren't asked there.
	Consent   string `json:"consent"`
	ConsentAt Time   `json:"consent_at"`
}

// Present reports whether the person is in the meeting now.
func (s Stay) Present() bool { return s.LeftAt.IsZero() && !s.Waiting }

// MeetingDetail is a meeting with its stays: present ones first, then by leaving, the latest first.
type MeetingDetail struct {
	Meeting
	Participants []Stay `json:"participants"`
	// Guests are the people who came to the room's page, whether or not they joined, in order of arrival.
	Guests []Guest `json:"guests,omitempty"`
}

// RecordingStatus is the state of a recording.
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
	// Meeting is the meeting's id, empty while it is unknown; Room the room's name, or the platform's.
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
	// FromBucket reports that it was found in the account's bucket and is not listed by the platform: its id is Greenroom's
	// own.
	FromBucket bool `json:"from_bucket,omitempty"`
	// Aliases are earlier ids: those of its objects, before the platform reported its own id. They still name it.
	Aliases []string `json:"aliases,omitempty"`
	// ObjectAt is when the newest of its objects was created, as reported by a bucket or a queue.
	ObjectAt Time `json:"object_at,omitzero"`
	// DeletedAt is when it was deleted on the platform from here, or found to be gone there. Downloaded files stay.
	DeletedAt Time `json:"deleted_at"`
	// IgnoredAt is when the user excluded it from downloads of all recordings.
	IgnoredAt Time `json:"ignored_at,omitzero"`
}
