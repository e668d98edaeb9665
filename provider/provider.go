// Package provider is the vocabulary of video platforms, and the contract that the code for each platform fulfils.
//
// The core, [Provider], is small: every platform supports it. Each optional ability is a separate interface, discovered by type
// assertion: [Linker], [Ejector], [Looker], [RoomLister], [Checker] and so on. A platform that lacks an ability does not
// implement it, and the screen shows why the action is disabled.
//
// Values are plain data that survive JSON. The package performs no I/O and imports only the standard library. Providers must be
// safe for concurrent use.
package provider

import (
	"context"
	"strings"
	"time"
)

// Platform names a kind of video service. The word is stored with meetings and written in configuration, so it never changes.
type Platform string

// The platforms that Greenroom knows.
const (
	Daily   Platform = "daily"
	Whereby Platform = "whereby"
	LiveKit Platform = "livekit"
)

// Title returns the platform's name as people write it, or "" for the empty platform.
func (p Platform) Title() string {
	switch p {
	case LiveKit:
		return "LiveKit"
	case "":
		return ""
	}
	return strings.ToUpper(string(p[:1])) + string(p[1:])
}

// Provider is one configured account's connection to its platform.
//
// Every error is, or wraps, an [*Error], so that callers can ask for its kind with errors.Is.
type Provider interface {
	Platform() Platform

	// Traits returns the platform's fixed properties.
	Traits() Traits

	// CreateMeeting creates a new meeting on the platform. It never uses an existing room, and never leaves two rooms behind for
	// one call. [Conflict] means that spec.Name exists: call again with another.
	CreateMeeting(ctx context.Context, spec MeetingSpec) (Meeting, error)

	// EndMeeting removes all participants and then the meeting, whose room stays with m.Keep. It is idempotent: ending one that is
	// gone returns nil.
	EndMeeting(ctx context.Context, m Meeting) error

	// Presence reads who is in the meeting. An answer of another shape than documented is an error, never an empty list.
	// Participants with a LeftAt are known to have left; those not listed are merely absent from this reading. A list with
	// [ErrPartial] may lack participants.
	Presence(ctx context.Context, m Meeting) ([]Participant, error)

	// ReadWebhook verifies and parses one request. It is pure: no I/O, no clock but r.ReceivedAt. For every authentic request, of
	// known type or not, it returns a [Verified] Webhook and no error.
	ReadWebhook(r WebhookRequest) (Webhook, error)
}

// Traits are a platform's fixed properties that affect how it is used.
type Traits struct {
	// PresenceLag is how far a presence reading may lag.
	PresenceLag time.Duration
	// PresenceEvery is the shortest sensible time between two readings of one meeting.
	PresenceEvery time.Duration
	// PresenceSpacing is the time between readings of different meetings of one account. It leaves room in the rate limit for
	// users' requests.
	PresenceSpacing time.Duration
	// Linger is how long a meeting can be joined after its end. Whereby's rooms exist for an hour beyond endDate.
	Linger time.Duration
	// NamesRooms means that the platform uses the given room name; Whereby only accepts a prefix.
	NamesRooms bool
	// HistoryGrain is how far the times of a [Historian] may differ from those of events; 0 if they are equal.
	HistoryGrain time.Duration
	// StoresFiles means that the platform itself stores recordings, without a bucket of the user's.
	StoresFiles bool
	// GoneIsEmpty means that no one is in a room that the platform no longer has. Elsewhere rooms can vanish from lists while
	// people are in them.
	GoneIsEmpty bool
	// GuestTokens means that guests' links carry a token: they are created on request, and [Meeting].GuestURL is empty.
	GuestTokens bool
	// TokenRecords means that a host's link can start the recording, see [LinkRequest].StartRecording.
	TokenRecords bool
	// EmptiesRooms means that EndMeeting removes the people from a room with [Meeting].Keep. Other platforms leave them in it.
	EmptiesRooms bool
	// HostParameter is the parameter of a host's link that holds the token or key. Screens show only its name.
	HostParameter string
	// WebhookPlace is where users enter the webhook's URL on a platform without a [WebhookRegistrar]: "paste it at Acme:
	// Settings, Webhooks".
	WebhookPlace string
}

// RecordingMode is where a meeting is recorded, if at all.
type RecordingMode string

// The recording modes of a room.
const (
	RecordingNone  RecordingMode = "none"
	RecordingLocal RecordingMode = "local"
	RecordingCloud RecordingMode = "cloud"
)

// Trigger is the event that starts a recording.
type Trigger string

// The triggers of a room's recording.
const (
	TriggerNone         Trigger = "none"
	TriggerPrompt       Trigger = "prompt"
	TriggerAutomatic    Trigger = "automatic"
	TriggerAutomatic2nd Trigger = "automatic-2nd-participant"
)

// MeetingSpec describes a new meeting.
type MeetingSpec struct {
	// Name is valid on every platform ([A-Za-z0-9_-], at most 128 bytes), ends in a UTC stamp and is not in use as far as the
	// caller knows. Platforms that don't accept names use Room as prefix.
	Name string
	// Room is the name of the room that the meeting belongs to, RoomID its id here. Platforms that keep a note with a room keep
	// the id in it, and return it in events.
	Room, RoomID string
	// Locked makes guests knock.
	Locked bool
	// Size is the largest number of people, 0 for the platform's default.
	Size int
	// Until is when the meeting ends, never zero, whole seconds.
	Until time.Time
	// Recording and Trigger as set on the room.
	Recording RecordingMode
	Trigger   Trigger
}

// Meeting names one meeting on its platform.
type Meeting struct {
	// ID is the platform's id: Daily's room id, Whereby's meetingId.
	ID string
	// Room is the platform's room name in Greenroom's canonical form: without a leading slash.
	Room string
	// GuestURL is the guests' link. It carries no secret; empty where [Traits].GuestTokens. Host links are never stored: see [Linker].
	GuestURL string
	// Until is when the meeting ends, zero if the platform sets no end.
	Until time.Time
	// CreatedAt is the platform's time of creation, zero when unknown.
	CreatedAt time.Time
	// Keep means that the room outlives the meeting: EndMeeting keeps it and its links, and removes the people if the platform
	// has [Traits].EmptiesRooms. Providers return false.
	Keep bool
	// Sessions are the participants' sessions that the caller believes present. EndMeeting removes them too, since a presence
	// reading lags. Providers return none.
	Sessions []string
}

// Role is a participant's role in the meeting.
type Role string

// The roles. Bots are recorders, streamers and captioners.
const (
	RoleGuest Role = "guest"
	RoleHost  Role = "host"
	RoleBot   Role = "bot"
)

// The reasons of leaving, the same for every platform.
const (
	ReasonLeft    = "left"
	ReasonRemoved = "removed"
	ReasonLost    = "connection lost"
	ReasonEnded   = "meeting ended"
	// ReasonMoved means that the same identity joined elsewhere.
	ReasonMoved  = "moved"
	ReasonFailed = "failed to connect"
)

// Participant is one person's presence in a meeting, as reported by the platform.
type Participant struct {
	// Session is the platform's id of this presence; a rejoin has a new one. Daily's session_id, Whereby's participantId,
	// LiveKit's sid.
	Session string
	// Name is the person's own choice: text from outside, never trusted, possibly empty.
	Name string
	// UserID is the platform's or the application's id of the person, possibly empty.
	UserID string
	Role   Role
	// PlatformRole is the platform's own word, such as "granted_visitor"; possibly empty.
	PlatformRole string
	// JoinedAt is zero when unknown.
	JoinedAt time.Time
	// LeftAt is zero while they are present.
	LeftAt time.Time
	// Reason is why they left: one of the reasons above, or empty.
	Reason string
}
