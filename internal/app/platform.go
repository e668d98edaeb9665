package app

import (
	"slices"

	"greenroom/provider"
)

// PlatformRoomsMost bounds the listed rooms of one account: the newest, in the platform's order. AdoptRoom finds the others by
// name.
const PlatformRoomsMost = 10_000

// PlatformRoomQuery selects the rooms on one account, or with the zero value on all that can list them.
type PlatformRoomQuery struct {
	Account string `json:"account,omitempty"`
}

// PlatformRoom is a room as it exists on a platform, made here or not.
type PlatformRoom struct {
	Account  string            `json:"account"`
	Platform provider.Platform `json:"platform"`
	// PlatformID and PlatformRoom are the platform's own id and name.
	PlatformID   string `json:"platform_id"`
	PlatformRoom string `json:"platform_room"`
	GuestURL     string `json:"guest_url"`
	EndsAt       Time   `json:"ends_at"`
	// Known reports that it has an open meeting here, or belongs to a lasting room: Meeting is the meeting's id, Room the room's
	// name.
	Known   bool   `json:"known"`
	Meeting string `json:"meeting"`
	Room    string `json:"room"`
}

// Adoption asks to take over a room that exists on a platform.
type Adoption struct {
	Account      string `json:"account"`
	PlatformRoom string `json:"platform_room"`
	// Name is the room's name here. If that room exists, the meeting becomes one of its meetings. Empty is the platform's name.
	Name string `json:"name,omitempty"`
}

// RecordingSwitch names the meeting whose recording to start or stop.
type RecordingSwitch struct {
	Meeting string `json:"meeting"`
}

// Ejection asks to remove a participant from a meeting.
type Ejection struct {
	Meeting string `json:"meeting"`
	// Session is the stay's session. Ban keeps the person out, if the platform can identify them.
	Session string `json:"session"`
	Ban     bool   `json:"ban,omitempty"`
}

// Muting asks to mute or, with Off, to unmute the audio, the video or both of a participant.
type Muting struct {
	Meeting string `json:"meeting"`
	Session string `json:"session"`
	Audio   bool   `json:"audio,omitempty"`
	Video   bool   `json:"video,omitempty"`
	Off     bool   `json:"off,omitempty"`
}

// Muted is the result of a [Muting]: the number of tracks that changed.
type Muted struct {
	Meeting string `json:"meeting"`
	Session string `json:"session"`
	Tracks  int    `json:"tracks"`
}

// Consent is the user's answer to the notice that a meeting is recorded.
type Consent string

// The answers; empty means that the user was not asked yet.
const (
	ConsentGiven    Consent = "given"
	ConsentDeclined Consent = "declined"
)

// ConsentAnswer stores an answer with its time and meeting.
type ConsentAnswer struct {
	Meeting string `json:"meeting"`
	Given   bool   `json:"given"`
}

// Recorded reports whether people in a room with this setting must expect to be recorded.
func Recorded(mode provider.RecordingMode) bool {
	return mode == provider.RecordingCloud || mode == provider.RecordingLocal
}

// NeedsConsent reports whether the user must consent before opening the meeting: it is recorded, its room doesn't skip the
// question, and consent was not given yet. The question is repeated after it was declined.
func NeedsConsent(m Meeting, r Room) bool {
	if r.SkipConsent || m.Consent == ConsentGiven {
		return false
	}
	return Recorded(m.Record) || m.Recording == IsRecording || m.Recording == StartingRecording
}

// DiagnosisQuery asks for a diagnosis of one account, or with the zero value of all accounts and of Greenroom itself.
type DiagnosisQuery struct {
	Account string `json:"account,omitempty"`
}

// Diagnosis holds the checks of one account; the one without an account is about Greenroom itself.
type Diagnosis struct {
	Account  string            `json:"account"`
	Platform provider.Platform `json:"platform"`
	Checks   []provider.Check  `json:"checks"`
}

// Health returns "failing" if a check has failed that isn't optional, and "ok" otherwise.
func Health(found []Diagnosis) string {
	for _, d := range found {
		if slices.ContainsFunc(d.Checks, func(c provider.Check) bool { return !c.OK && !c.Optional }) {
			return "failing"
		}
	}
	return "ok"
}

// AfterEnd is the outcome for the people in a lasting platform room when a meeting is ended; the room and its links stay. Empty
// if unknown.
type AfterEnd string

// What happens to the people.
const (
	PeopleRemoved AfterEnd = "removed"
	PeopleStay    AfterEnd = "stay"
)
