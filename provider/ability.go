package provider

import (
	"context"
	"errors"
	"time"
)

// An Ability is something that not every platform can do.
type Ability string

// The abilities that an [Explainer] is asked about.
const (
	AbilityRecord     Ability = "record"
	AbilityEject      Ability = "eject"
	AbilityLogo       Ability = "logo"
	AbilityAdopt      Ability = "adopt"
	AbilityHistory    Ability = "history"
	AbilityRecordings Ability = "recordings"
	// AbilityDownload is to fetch recordings, AbilityDeleteRecording to delete them where they are.
	AbilityDownload        Ability = "download"
	AbilityDeleteRecording Ability = "delete-recording"
)

// An Explainer knows why its platform lacks an ability. Without one, and where it returns nothing, people read that the
// platform cannot do it.
type Explainer interface {
	// WhyNot returns the reason in a sentence for people, with what to do instead; empty for an ability that is simply
	// missing.
	WhyNot(a Ability) string
}

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
	// Eject removes the participant's session, and with ban keeps the person out, as far as the platform can tell people
	// apart: banned reports whether it does. A session that is already gone is no error.
	Eject(ctx context.Context, m Meeting, p Participant, ban bool) (banned bool, err error)
}

// An Extender moves the end of a meeting. [NotFound] means that the meeting is gone, or has expired.
type Extender interface {
	// Extend changes the end alone, and may be repeated.
	Extend(ctx context.Context, m Meeting, until time.Time) error
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

// RecordingPage is one page of a platform's list of recordings.
type RecordingPage struct {
	Recordings []Recording
	// Next is the cursor of the page that follows, empty at the end of the list.
	Next string
}

// A RecordingLister lists recordings, newest first, a page at a time.
type RecordingLister interface {
	// Recordings returns the page at a cursor from the list of one room, or with an empty room of the account. The empty
	// cursor is that of the first page. [NotFound] and [Invalid] mean that the platform no longer accepts the cursor: what
	// it names may be deleted.
	Recordings(ctx context.Context, room, cursor string) (RecordingPage, error)
}

// A RecordingFinder reads one recording by its id. [NotFound] means that the platform has none of the id, or no longer.
type RecordingFinder interface {
	Recording(ctx context.Context, id string) (Recording, error)
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
	// Unknown says of an Optional one that it could not be found out now.
	Unknown bool `json:"unknown,omitempty"`
}

// FailedCheck is the line of a call that failed, with what to do about it. A rate limit says nothing about what was to be
// checked: that is unknown.
func FailedCheck(name string, err error) Check {
	c := Check{Name: name, Detail: err.Error(), Hint: HintOf(err)}
	var e *Error
	if errors.As(err, &e) {
		c.Detail = e.Plain()
		c.Unknown = e.Kind == RateLimited
		c.Optional = c.Unknown
	}
	return c
}

// SecretCheck names the [Check] about the account's webhook secret. Who makes secrets later knows better than the provider.
const SecretCheck = "webhook secret"

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

// FileLink is where one file of a recording can be fetched for a while. The URL carries a token: it is not kept.
type FileLink struct {
	URL string
	// Expires is when it stops working, zero when unknown.
	Expires time.Time
}

// A FileLinker gives fresh links to the files of recordings that the platform stores itself. [NotReady] means that the
// recording is still being processed, [NotFound] that it is gone, [Unsupported] that the file is in a bucket that the
// platform gives no links to.
type FileLinker interface {
	FileLink(ctx context.Context, recording string, file RecordingFile) (FileLink, error)
}

// A RecordingDeleter deletes a recording on the platform. One that is gone already is nil. Objects in a bucket of the
// user's stay.
type RecordingDeleter interface {
	DeleteRecording(ctx context.Context, recording string) error
}

// Registration is a webhook as it stands on the platform.
type Registration struct {
	ID  string
	URL string
	// Secret verifies what it sends, where the platform tells it.
	Secret string
	// Patient says that the platform keeps trying, see [WebhookSpec].
	Patient bool
	// Failed says that the platform has stopped sending after too many failures.
	Failed bool
	// Failures is how many failed in a row, LastAt when one was last sent; zero when unknown.
	Failures int
	LastAt   time.Time
}

// String leaves the secret out.
func (r Registration) String() string { return r.ID + " at " + r.URL }

// GoString leaves the secret out.
func (r Registration) GoString() string { return r.String() }

// WebhookSpec is a webhook to register.
type WebhookSpec struct {
	URL string
	// Secret is what to sign with, in the platform's form; empty lets the platform choose, and Registration tells.
	Secret string
	// Patient asks the platform to keep trying (retries with growing pauses) rather than to fall silent after a few
	// failures. It is for tunnels that don't store and forward.
	Patient bool
}

// String leaves the secret out.
func (w WebhookSpec) String() string { return w.URL }

// GoString leaves the secret out.
func (w WebhookSpec) GoString() string { return w.String() }

// A WebhookRegistrar manages the account's webhook by API. Platforms may admit only one for everybody who shares the
// account, which is why nothing here replaces one on its own.
type WebhookRegistrar interface {
	// NewWebhookSecret makes a secret in the platform's form.
	NewWebhookSecret() (string, error)
	// Webhooks lists what is registered.
	Webhooks(ctx context.Context) ([]Registration, error)
	// RegisterWebhook makes a new one. [Conflict] means that the platform admits no further one. The platform may send a
	// test request to the URL before it answers.
	RegisterWebhook(ctx context.Context, w WebhookSpec) (Registration, error)
	// UpdateWebhook changes one, and takes one that has failed into service again.
	UpdateWebhook(ctx context.Context, id string, w WebhookSpec) (Registration, error)
	// RemoveWebhook removes one. One that is gone already is nil.
	RemoveWebhook(ctx context.Context, id string) error
}
