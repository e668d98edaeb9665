package provider

import (
	"net/http"
	"time"
)

// WebhookRequest is one request as it arrived.
type WebhookRequest struct {
	// Method and Target (raw path and query) as received.
	Method, Target string
	Header         http.Header
	// Body is the exact bytes; signatures are over these.
	Body []byte
	// ReceivedAt is when the first machine of ours received it; freshness is judged by it.
	ReceivedAt time.Time
	// Secrets are accepted beside the account's own, in the platform's form: those that were made after the provider was.
	// One that isn't of that form is ignored.
	Secrets []string
}

// Verdict is what the signature's check came to.
type Verdict string

// The verdicts.
const (
	// Verified means that the signature is right and fresh.
	Verified Verdict = "verified"
	// Rejected means that the signature is missing, wrong or stale.
	Rejected Verdict = "rejected"
	// Unverified means that the account has no secret to check with.
	Unverified Verdict = "unverified"
)

// Webhook is what ReadWebhook made of a request.
type Webhook struct {
	Verdict Verdict
	// Missing says of a Rejected one that there was no signature at all, which is answered 400 rather than 401.
	Missing bool
	// Ping says of one that isn't Verified that it is the platform's test of the address, word for word: it carries
	// nothing, and is answered 200.
	Ping bool `json:",omitempty"`
	// Reason explains a verdict that isn't Verified, and of a Verified one what could not be parsed. For people.
	Reason string
	// Event is what it means. Kind is [KindUnknown] for everything authentic that isn't understood. It is filled as far
	// as the body can be read even when the verdict isn't Verified, for display only.
	Event Event
}

// EventKind is the common vocabulary for what happened.
type EventKind string

// The kinds of event, the same for every platform.
const (
	KindMeetingStarted         EventKind = "meeting.started"
	KindMeetingEnded           EventKind = "meeting.ended"
	KindParticipantJoined      EventKind = "participant.joined"
	KindParticipantLeft        EventKind = "participant.left"
	KindParticipantWaiting     EventKind = "participant.waiting"
	KindParticipantWaitingLeft EventKind = "participant.waiting_left"
	KindRecordingStarted       EventKind = "recording.started"
	KindRecordingReady         EventKind = "recording.ready"
	KindRecordingFailed        EventKind = "recording.failed"
	KindTranscriptStarted      EventKind = "transcript.started"
	KindTranscriptReady        EventKind = "transcript.ready"
	KindTranscriptFailed       EventKind = "transcript.failed"
	KindTest                   EventKind = "test"
	KindUnknown                EventKind = "unknown"
)

// EventKinds lists every kind in the order in which they are shown.
func EventKinds() []EventKind {
	return []EventKind{
		KindMeetingStarted, KindMeetingEnded, KindParticipantJoined, KindParticipantLeft, KindParticipantWaiting,
		KindParticipantWaitingLeft, KindRecordingStarted, KindRecordingReady, KindRecordingFailed,
		KindTranscriptStarted, KindTranscriptReady, KindTranscriptFailed, KindTest, KindUnknown,
	}
}

// Event is what a webhook says happened.
type Event struct {
	Kind EventKind
	// Type is the platform's own word, kept beside the kind: "room.client.joined".
	Type string
	// ID is the platform's id of the event, by which repeats are known; empty when it has none.
	ID string
	// At is when it happened (not when it was sent), as exactly as the payload tells; zero when it doesn't.
	At time.Time
	// MeetingID and Room name the meeting as far as the payload does: a platform's meeting id as in [Meeting.ID], and
	// the room without a leading slash. Either may be empty: Daily's recording.started names neither.
	MeetingID string
	Room      string
	// Participant is set for participant events.
	Participant *Participant
	// Recording is set for recording events.
	Recording *RecordingEvent
	// Headcount is the absolute number of people present after the event, bots not counted, where the platform tells.
	Headcount *int
	// Emptied says of a meeting.ended that nobody is left. Daily's means that; Whereby's says "fewer than two".
	Emptied bool
}

// RecordingEvent is what a recording event tells of the recording.
type RecordingEvent struct {
	// ID is the platform's id of the recording; possibly empty in failures.
	ID string
	// Instance is the id given at the start, where the platform echoes it.
	Instance string
	// StartedBy is the session that started it, where told.
	StartedBy string
	// Kind is "cloud" or "tracks", "" when the payload does not tell.
	Kind      string
	StartedAt time.Time
	// Duration is 0 when unknown.
	Duration time.Duration
	Files    []RecordingFile
	// Error is the platform's reason of a failure.
	Error string
}

// RecordingFile is one file of a recording.
type RecordingFile struct {
	// Name is for people: the last part of the key, or the platform's file name.
	Name string `json:"name"`
	// Kind is the media: "video", "audio", "cam-audio", "screen-video" …
	Kind string `json:"kind"`
	// Size in bytes, 0 when unknown.
	Size int64 `json:"size"`
	// Key is the object's key in its bucket, empty when the platform keeps it.
	Key string `json:"key"`
}
