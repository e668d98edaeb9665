package provider

import (
	"context"
	"errors"
	"time"
)

// Ability is an operation that only some platforms support.
type Ability string

// The abilities that an [Explainer] is asked about.
const (
	AbilityRecord     Ability = "record"
	AbilityEject      Ability = "eject"
	AbilityMute       Ability = "mute"
	AbilityLogo       Ability = "logo"
	AbilityAdopt      Ability = "adopt"
	AbilityHistory    Ability = "history"
	AbilityRecordings Ability = "recordings"
	// AbilityLasting keeps one room for all meetings.
	AbilityLasting Ability = "lasting"
	// AbilityDownload downloads recordings, AbilityDeleteRecording deletes them on the platform.
	AbilityDownload        Ability = "download"
	AbilityDeleteRecording Ability = "delete-recording"
)

// Explainer gives the reason why its platform lacks an ability. Without one, or if the reason is empty, users read that the
// platform cannot do it.
type Explainer interface {
	// WhyNot returns the reason and the alternative as a sentence, or "" if the ability is simply missing.
	WhyNot(a Ability) string
}

// Links are the URLs of a meeting. The host's carries a token or a key: it is fetched on request and never stored.
type Links struct {
	Guest string
	// Host is empty unless it was requested.
	Host string
}

// LinkRequest describes the links to return.
type LinkRequest struct {
	Meeting Meeting
	// Host requests the host's link too.
	Host bool
	// Name is the host's name in the meeting; may be empty.
	Name string
	// StartRecording makes the host's arrival start the recording, on platforms that support it.
	StartRecording bool
}

// Linker returns links. Both URLs are validated http(s).
type Linker interface {
	Links(ctx context.Context, r LinkRequest) (Links, error)
}

// Embed describes the component that shows a platform's meetings in Greenroom's web page.
type Embed struct {
	// Component names the page's code for it.
	Component string
	// Frames are the content sources of its frames, Connects those of its connections. Guests see them before they consent, so none
	// names a meeting.
	Frames, Connects []string
	// Lobby means that guests of a locked meeting knock on the platform. Without it, the page makes them wait for a host.
	Lobby bool
}

// EntryRequest describes one person who enters a meeting through Greenroom's web page.
type EntryRequest struct {
	Meeting Meeting
	// Name is the person's own choice, UserID is unique to them: letters, digits and hyphens, at most 36 bytes.
	Name, UserID string
	// Host grants a host's rights. Locked means that guests must knock.
	Host, Locked bool
}

// Entry is one person's access to a meeting, through the component. It is a key to the meeting and is not stored.
type Entry struct {
	// URL is the meeting's or the server's, validated.
	URL string
	// Token is empty where the URL suffices.
	Token string
}

// String leaves the entry out.
func (e Entry) String() string { return "an entry" }

// GoString leaves the entry out.
func (e Entry) GoString() string { return e.String() }

// Embedder lets people join in Greenroom's web page.
type Embedder interface {
	Embed() Embed
	// Entry returns one person's access. [NotFound] means that the meeting is gone.
	Entry(ctx context.Context, r EntryRequest) (Entry, error)
}

// Looker finds an existing meeting. [NotFound] means that it is gone from the platform.
type Looker interface {
	Lookup(ctx context.Context, m Meeting) (Meeting, error)
}

// Ejector removes one participant.
type Ejector interface {
	// Eject removes the participant's session. With ban it also keeps the person out, if the platform can identify them; banned
	// reports whether it can. A session that is already gone is not an error.
	Eject(ctx context.Context, m Meeting, p Participant, ban bool) (banned bool, err error)
}

// Muting describes what to mute or unmute.
type Muting struct {
	// Audio and Video select the kinds of track, Off unmutes.
	Audio, Video, Off bool
}

// Muter mutes what one participant sends. [NotFound] means that the participant isn't in the meeting, [Forbidden] that the
// platform doesn't let others unmute.
type Muter interface {
	// Mute returns the number of tracks that it changed: 0 if none needed it, or if the participant sends nothing.
	Mute(ctx context.Context, m Meeting, p Participant, what Muting) (int, error)
}

// Extender moves the end of a meeting. [NotFound] means that the meeting is gone or has expired.
type Extender interface {
	// Extend changes only the end, and may be repeated.
	Extend(ctx context.Context, m Meeting, until time.Time) error
}

// RoomLister lists the rooms that exist on the platform.
type RoomLister interface {
	// Rooms calls yield for each room, newest first, until it returns false.
	Rooms(ctx context.Context, yield func(Meeting) bool) error
}

// PresenceLister reads the participants of every meeting of the account with one call, by platform room name.
type PresenceLister interface {
	AllPresence(ctx context.Context) (map[string][]Participant, error)
}

// Recording is a recording in the platform's list.
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

// RecordingLister lists recordings, newest first, a page at a time.
type RecordingLister interface {
	// Recordings returns the page at a cursor, of one room's list or, with an empty room, of the account's. The empty cursor is
	// the first page. [NotFound] and [Invalid] mean that the platform no longer accepts the cursor: the recording that it names
	// may be deleted.
	Recordings(ctx context.Context, room, cursor string) (RecordingPage, error)
}

// RecordingFinder reads one recording by its id. [NotFound] means that it doesn't exist or was deleted.
type RecordingFinder interface {
	Recording(ctx context.Context, id string) (Recording, error)
}

// Check is one line of a diagnosis.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail is the finding, Hint the remedy.
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	// Optional marks a check whose failure leaves the account working, only slower or with less: without webhooks presence is
	// polled.
	Optional bool `json:"optional,omitempty"`
	// Unknown marks an Optional check that could not be made now.
	Unknown bool `json:"unknown,omitempty"`
	// Kind is the kind of the call's error, where one failed.
	Kind Kind `json:"kind,omitempty"`
	// Domain is the platform's name of the customer that a key belongs to, where the check found it out.
	Domain string `json:"domain,omitempty"`
}

// FailedCheck returns the check for a failed call, with a hint. After a rate limit the result is unknown.
func FailedCheck(name string, err error) Check {
	c := Check{Name: name, Detail: err.Error(), Hint: HintOf(err), Kind: KindOf(err)}
	if e, ok := errors.AsType[*Error](err); ok {
		c.Detail = e.Plain()
		c.Unknown = e.Kind == RateLimited
		c.Optional = c.Unknown
	}
	return c
}

// KeyCheck names the [Check] of the account's key, the first one of every [Checker].
const KeyCheck = "API key"

// SecretCheck names the [Check] of the account's webhook secret. Code that creates secrets later replaces the provider's result.
const SecretCheck = "webhook secret"

// Checker checks whether the account works: key, plan, permissions, clock.
type Checker interface {
	Check(ctx context.Context) []Check
}

// LogoUploader puts a logo on a meeting's page. The caller has checked the image.
type LogoUploader interface {
	UploadLogo(ctx context.Context, m Meeting, png []byte) error
}

// RecordingStart describes a recording to start or stop.
type RecordingStart struct {
	// Kind is "cloud" or "raw-tracks".
	Kind string
	// Instance is a UUID. Starting the same instance twice gives one recording, so a start can be repeated. When stopping, empty
	// means any running recording of the kind.
	Instance string
	// HookURL is the account's public URL for webhooks, empty if there is none. Platforms to which a recording's own webhook can be
	// named post its events there.
	HookURL string
}

// Recorder starts and stops recordings during a meeting. A platform on which only the meeting's own trigger decides has none.
type Recorder interface {
	// RecordingKinds returns the kinds of a cloud recording on this account. Each is recorded under its own instance.
	RecordingKinds() []string
	// StartRecording returns nil if the instance is already running, and [NotReady] while the platform sees no one in the
	// meeting: try again a little later.
	StartRecording(ctx context.Context, m Meeting, s RecordingStart) error
	// StopRecording returns nil if nothing of the kind was running.
	StopRecording(ctx context.Context, m Meeting, s RecordingStart) error
}

// Historian reports who was in a meeting during a time without webhooks.
type Historian interface {
	// History lists the participants of the meeting's sessions that began at or after since. Those who have left have a LeftAt,
	// as exact as [Traits].HistoryGrain; a participant without one may still be there.
	History(ctx context.Context, m Meeting, since time.Time) ([]Participant, error)
}

// FileLink is a temporary link to one file of a recording. Its URL carries a token and is not stored.
type FileLink struct {
	URL string
	// Expires is when it stops working, zero if unknown.
	Expires time.Time
}

// FileLinker returns fresh links to recordings that the platform stores itself. [NotReady] means that the recording is still
// being processed, [NotFound] that it is gone, [Unsupported] that the file is in a bucket to which the platform gives no links.
type FileLinker interface {
	FileLink(ctx context.Context, recording string, file RecordingFile) (FileLink, error)
}

// RecordingDeleter deletes a recording on the platform. Deleting one that is gone returns nil. Objects in the user's bucket stay.
type RecordingDeleter interface {
	DeleteRecording(ctx context.Context, recording string) error
}

// Registration is a webhook that is registered on the platform.
type Registration struct {
	ID  string
	URL string
	// Secret verifies its requests, if the platform shows it.
	Secret string
	// Patient means that the platform keeps trying, see [WebhookSpec].
	Patient bool
	// Failed means that the platform has stopped sending after too many failures.
	Failed bool
	// Failures is the number of consecutive failures, LastAt the time of the last delivery, zero if unknown.
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
	// Secret signs the requests, in the platform's form. If empty, the platform chooses it and Registration has it.
	Secret string
	// Patient asks the platform to keep retrying with growing pauses instead of stopping after a few failures. It is for tunnels
	// that don't store and forward.
	Patient bool
}

// String leaves the secret out.
func (w WebhookSpec) String() string { return w.URL }

// GoString leaves the secret out.
func (w WebhookSpec) GoString() string { return w.String() }

// WebhookRegistrar manages the account's webhook by API. A platform may allow only one for all programs that share the account,
// so no method replaces one implicitly.
type WebhookRegistrar interface {
	// NewWebhookSecret returns a new secret in the platform's form.
	NewWebhookSecret() (string, error)
	// Webhooks lists the registered webhooks.
	Webhooks(ctx context.Context) ([]Registration, error)
	// RegisterWebhook adds a webhook. [Conflict] means that the platform doesn't allow another. The platform may send a test request
	// to the URL before it answers.
	RegisterWebhook(ctx context.Context, w WebhookSpec) (Registration, error)
	// UpdateWebhook changes a webhook, and reactivates a failed one.
	UpdateWebhook(ctx context.Context, id string, w WebhookSpec) (Registration, error)
	// RemoveWebhook removes a webhook. Removing one that is gone returns nil.
	RemoveWebhook(ctx context.Context, id string) error
}
