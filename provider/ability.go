package provider

import (
	"context"
	"time"
)

// Links are what people open. The host's carries a token or a key: it is minted or fetched when asked for, never stored.
type Links struct {
	Guest string
	// Host is empty when it was not asked for.
	Host string
}

// LinkRequest asks for links.
type LinkRequest struct {
	Meeting Meeting
	// Host asks for the host's link too.
	Host bool
	// Name is what the host is called in the meeting; may be empty.
	Name string
	// StartRecording asks that the host's arrival starts the recording, where the platform can.
	StartRecording bool
}

// A Linker hands out links. Both URLs are validated http(s).
type Linker interface {
	Links(ctx context.Context, r LinkRequest) (Links, error)
}

// A Looker finds a meeting again. [NotFound] means that it is gone from the platform.
type Looker interface {
	Lookup(ctx context.Context, m Meeting) (Meeting, error)
}

// An Ejector removes one participant.
type Ejector interface {
	// Eject removes the session, and with ban keeps the person out. One that is already gone is nil.
	Eject(ctx context.Context, m Meeting, session string, ban bool) error
}

// A RoomLister lists what exists on the platform already.
type RoomLister interface {
	// Rooms calls yield for each one, newest first, until it returns false.
	Rooms(ctx context.Context, yield func(Meeting) bool) error
}

// A PresenceLister reads who is in every meeting of the account with one call, by platform room name.
type PresenceLister interface {
	AllPresence(ctx context.Context) (map[string][]Participant, error)
}

// Recording is what the platform's list tells of one.
type Recording struct {
	ID   string
	Room string
	// Status is recording, processing, ready or failed.
	Status    string
	Kind      string
	StartedAt time.Time
	Duration  time.Duration
	Files     []RecordingFile
}

// A RecordingLister lists the newest recordings, newest first, at most limit, of one room or of all.
type RecordingLister interface {
	Recordings(ctx context.Context, room string, limit int) ([]Recording, error)
}

// Check is one line of a diagnosis.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail says what was found, Hint what to do about it.
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	// Optional says of one that isn't OK that the account works without it, only slower or with less: no webhooks while
	// presence can be polled.
	Optional bool `json:"optional,omitempty"`
}

// FailedCheck is the line of a call that failed, with what to do about it.
func FailedCheck(name string, err error) Check {
	return Check{Name: name, Detail: err.Error(), Hint: HintOf(err)}
}

// A Checker finds out whether the account works: key, plan, permissions, clock.
type Checker interface {
	Check(ctx context.Context) []Check
}

// A LogoUploader puts a logo on a meeting's page. The image was checked by the caller.
type LogoUploader interface {
	UploadLogo(ctx context.Context, m Meeting, png []byte) error
}

// RecordingStart says what to record, and under which id.
type RecordingStart struct {
	// Kind is "cloud" or "raw-tracks".
	Kind string
	// Instance is a UUID. The same one again means the same recording, so that a start can be repeated. Empty in a stop
	// means whichever of the kind runs.
	Instance string
}

// A Recorder starts and stops recordings while people are in a meeting. A platform on which the meeting's own trigger
// decides isn't one.
type Recorder interface {
	// RecordingKinds are the kinds that a cloud recording on this account consists of, each recorded under an instance
	// of its own.
	RecordingKinds() []string
	// StartRecording returns nil for an instance that runs already, and [NotReady] while nobody is in the meeting as far
	// as the platform knows: try again a little later.
	StartRecording(ctx context.Context, m Meeting, s RecordingStart) error
	// StopRecording returns nil when nothing of the kind was running.
	StopRecording(ctx context.Context, m Meeting, s RecordingStart) error
}

// A Historian tells who was in a meeting while nobody listened.
type Historian interface {
	// History lists the participants of the meeting's sessions that began at or after since; those who have left have a
	// LeftAt, as exact as [Traits].HistoryGrain. Somebody without LeftAt may still be there.
	History(ctx context.Context, m Meeting, since time.Time) ([]Participant, error)
}
