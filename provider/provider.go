// Package provider is the vocabulary in which Greenroom speaks with video platforms, and the contract that the code for
// one platform fulfils.
//
// A small core, [Provider], is what every platform can do; each optional ability is an interface of its own, discovered
// by type assertion: [Linker], [Ejector], [Looker], [RoomLister], [Checker] and so on. A platform that lacks an ability
// does not implement it, and the screen says why the action is disabled.
//
// The package promises that its values are plain data that survive JSON. It performs no I/O and imports only the
// standard library. Providers must be safe for concurrent use.
package provider

import (
	"context"
	"strings"
	"time"
)

// Platform names a kind of video service. It is a stable word: it is stored with meetings and written in configuration.
type Platform string

// The platforms that Greenroom knows.
const (
	Daily   Platform = "daily"
	Whereby Platform = "whereby"
	LiveKit Platform = "livekit"
)

// Title is the platform's name as people write it; empty for the empty platform.
func (p Platform) Title() string {
	switch p {
	case LiveKit:
		return "LiveKit"
	case "":
		return ""
	}
	return strings.ToUpper(string(p[:1])) + string(p[1:])
}

// A Provider is one configured account's connection to its platform.
//
// Every error is, or wraps, an [*Error], so that callers can ask for its kind with errors.Is.
type Provider interface {
	Platform() Platform

	// Traits tells what callers must know of the platform to pace themselves.
	Traits() Traits

	// CreateMeeting makes a new meeting on the platform. It never takes a room that somebody else made for its own, and
	// never leaves two rooms behind for one call. [Conflict] means that spec.Name is taken: call again with another.
	CreateMeeting(ctx context.Context, spec MeetingSpec) (Meeting, error)

	// EndMeeting removes everybody and then the meeting. It is idempotent: one that is already gone is nil.
	EndMeeting(ctx context.Context, m Meeting) error

	// Presence reads who is in the meeting. An answer that isn't the documented shape is an error, never an empty list.
	// Participants with a LeftAt are known to have left; one that is not listed is merely absent from this reading.
	// [ErrPartial] may come with a list: what it says holds, but who is absent from it may be there all the same.
	Presence(ctx context.Context, m Meeting) ([]Participant, error)

	// ReadWebhook verifies and parses one request. It is pure: no I/O, no clock but r.ReceivedAt. It returns a Webhook
	// with [Verified] and no error for everything authentic, of known type or not.
	ReadWebhook(r WebhookRequest) (Webhook, error)
}

// Traits are a platform's fixed properties that shape how it is used.
type Traits struct {
	// PresenceLag is by how much a presence reading may be behind the truth.
	PresenceLag time.Duration
	// PresenceEvery is the shortest sensible time between two readings of one meeting.
	PresenceEvery time.Duration
	// PresenceSpacing is the time to leave between readings of different meetings of one account, so that polling leaves
	// room in the rate limit for what people ask.
	PresenceSpacing time.Duration
	// Linger is how long a meeting stays joinable after its end. On Whereby rooms live an hour beyond endDate.
	Linger time.Duration
	// NamesRooms says that the platform takes the name that is given; Whereby only takes a prefix.
	NamesRooms bool
	// HistoryGrain is by how much the times that a [Historian] tells may differ from those of events; 0 when they are the
	// same.
	HistoryGrain time.Duration
	// StoresFiles says that the platform's recordings can be fetched from it without a bucket of the user's.
	StoresFiles bool
	// KeepsRooms says that EndMeeting leaves a room with [Meeting].Keep, so that its links keep working. Others remove it.
	KeepsRooms bool
	// HostParameter is the parameter of a host's link that holds the token or key. Screens show its name alone.
	HostParameter string
	// WebhookPlace says where people enter the webhook's URL on a platform without a [WebhookRegistrar]: "paste it at
	// Acme: Settings, Webhooks".
	WebhookPlace string
}

// RecordingMode says where a meeting is recorded, if at all.
type RecordingMode string

// The recording modes of a room.
const (
	RecordingNone  RecordingMode = "none"
	RecordingLocal RecordingMode = "local"
	RecordingCloud RecordingMode = "cloud"
)

// Trigger says what starts a recording.
type Trigger string

// The triggers of a room's recording.
const (
	TriggerNone         Trigger = "none"
	TriggerPrompt       Trigger = "prompt"
	TriggerAutomatic    Trigger = "automatic"
	TriggerAutomatic2nd Trigger = "automatic-2nd-participant"
)

// MeetingSpec is what a new meeting shall be.
type MeetingSpec struct {
	// Name is legal on every platform ([A-Za-z0-9_-], at most 128 bytes), ends in a UTC stamp and is not yet in use as
	// far as the caller knows. Platforms that don't take names use Room as prefix.
	Name string
	// Room is the name of the room that the meeting is an occurrence of.
	Room string
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
	// Room is the platform's room name in the one form that Greenroom uses everywhere: without a leading slash.
	Room string
	// GuestURL is what guests open. It carries no secret. Whereby's host link is never kept: see [Linker].
	GuestURL string
	// Until is when the meeting ends, zero when the platform sets no end.
	Until time.Time
	// CreatedAt is the platform's time of creation, zero when unknown.
	CreatedAt time.Time
	// Keep says that the room was there before Greenroom and outlives the meeting: EndMeeting removes the people and leaves
	// it, where the platform can. False in what a provider returns.
	Keep bool
	// Sessions are the participants' sessions that the caller believes present. EndMeeting removes them too, since a
	// presence reading lags. Empty in what a provider returns.
	Sessions []string
}

// Role is what a participant is to the meeting.
type Role string

// The roles. Bots are everything that isn't a person: recorders, streamers, captioners.
const (
	RoleGuest Role = "guest"
	RoleHost  Role = "host"
	RoleBot   Role = "bot"
)

// Participant is one person's presence in a meeting, as the platform tells it.
type Participant struct {
	// Session is the platform's id for this presence; a rejoin has a new one. Daily's session_id, Whereby's
	// participantId, LiveKit's sid.
	Session string
	// Name is what they call themselves: text from outside, never trusted, possibly empty.
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
	// Reason is the platform's word for why they left; possibly empty.
	Reason string
}
