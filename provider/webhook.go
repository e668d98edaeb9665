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
	// ReceivedAt is when our first machine received it; freshness is judged by it.
	ReceivedAt time.Time
	// Secrets are accepted besides the account's own, in the platform's form: those created after the provider was. Malformed
	// ones are ignored.
	Secrets []string
}

// Verdict is the result of the signature check.
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

// Webhook is a parsed request, with its verdict.
type Webhook struct {
	Verdict Verdict
	// Missing marks a Rejected request without any signature, which is answered 400 instead of 401.
	Missing bool
	// Ping marks a request that isn't Verified but is, word for word, the platform's test of the address: it carries nothing, and
	// is answered 200.
	Ping bool `json:",omitempty"`
	// Wrong marks a Rejected request with a signature in the right form that none of the account's secrets makes.
	Wrong bool `json:",omitempty"`
	// Reason explains a verdict that isn't Verified, or the part of a Verified request that could not be parsed. For people.
	Reason string
	// Event is the parsed event. Its Kind is [KindUnknown] for every authentic event of an unknown type. It is filled as far as
	// the body is readable even if the verdict isn't Verified, for display only.
	Event Event
}

// EventKind is the common vocabulary of events.
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

// EventKinds lists every kind in display order.
func EventKinds() []EventKind {
	return []EventKind{
		KindMeetingStarted, KindMeetingEnded, KindParticipantJoined, KindParticipantLeft, KindParticipantWaiting,
		KindParticipantWaitingLeft, KindRecordingStarted, KindRecordingReady, KindRecordingFailed,
		KindTranscriptStarted, KindTranscriptReady, KindTranscriptFailed, KindTest, KindUnknown,
	}
}

// Event is the content of a webhook.
type Event struct {
	Kind EventKind
	// Type is the platform's own name of the event: "room.client.joined".
	Type string
	// ID is the platform's id of the event, which identifies repeats; empty if it has none.
	ID string
	// At is when it happened (not when it was sent), as exact as the payload; zero if unknown.
	At time.Time
	// MeetingID and Room identify the meeting as far as the payload does: a platform's meeting id as in [Meeting.ID], and the
	// room without a leading slash. Either may be empty: Daily's recording.started has neither.
	MeetingID string
	Room      string
	// RoomID is our room's id that the platform's room carries, see [MeetingSpec].RoomID; empty elsewhere.
	RoomID string `json:",omitempty"`
	// Participant is set for participant events.
	Participant *Participant
	// Recording is set for recording events.
	Recording *RecordingEvent
	// Headcount is the number of people present after the event, without bots, if the platform reports it.
	Headcount *int
	// Vacant marks a meeting.started that doesn't show that anyone is there.
	Vacant bool `json:",omitempty"`
	// Emptied marks a meeting.ended after which no one is left. Daily's means that; Whereby's means "fewer than two".
	Emptied bool
}

// RecordingEvent is the recording of a recording event.
type RecordingEvent struct {
	// ID is the platform's id of the recording; possibly empty in failures.
	ID string
	// Instance is the id given at the start, if the platform echoes it.
	Instance string
	// StartedBy is the session that started it, if known.
	StartedBy string
	// Kind is "cloud" or "tracks", "" if unknown.
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
