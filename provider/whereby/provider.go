// Package whereby is the provider for Whereby (https://docs.whereby.com/reference/whereby-rest-api-reference).
//
// Whereby creates room names from a given prefix, and finds meetings only by id. A creation whose answer was lost can't be looked
// up, so it is never repeated: such a room expires an hour after its end. A meeting can't be changed once it exists. Presence is read
// from insights, which also list those who left, with the time. The host's link carries a key and is fetched on request. Calls are
// paid from a small budget of points a minute.
package whereby

import (
	"cmp"
	"time"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// DefaultURL is Whereby's public API.
const DefaultURL = "https://api.whereby.dev/v1"

// Provider is one account on Whereby. It is safe for concurrent use.
type Provider struct {
	account provider.Account
	client  *rest.Client
	secrets [][]byte
}

var (
	_ provider.Provider         = (*Provider)(nil)
	_ provider.Linker           = (*Provider)(nil)
	_ provider.Looker           = (*Provider)(nil)
	_ provider.RoomLister       = (*Provider)(nil)
	_ provider.RecordingLister  = (*Provider)(nil)
	_ provider.RecordingFinder  = (*Provider)(nil)
	_ provider.LogoUploader     = (*Provider)(nil)
	_ provider.Checker          = (*Provider)(nil)
	_ provider.Historian        = (*Provider)(nil)
	_ provider.FileLinker       = (*Provider)(nil)
	_ provider.RecordingDeleter = (*Provider)(nil)
	_ provider.Explainer        = (*Provider)(nil)
	_ provider.SignatureTester  = (*Provider)(nil)
	_ provider.RoomKeeper       = (*Provider)(nil)
)

// Options override defaults; the zero value is the usual choice.
type Options = rest.Options

// Driver makes providers for accounts on Whereby.
func Driver() provider.Driver {
	return provider.Driver{
		Platform: provider.Whereby, DefaultURL: DefaultURL, Types: types(), SignatureHeaders: []string{headerSignature},
		WebhookPaths: []string{"/v1/whereby"},
		Variables: []provider.Variable{
			{Name: "WHEREBY_API_KEY", Key: "api_key"},
			{Name: "WHEREBY_API_URL", Key: "api_url"},
			{Name: "WHEREBY_WEBHOOK_SECRET", Key: "webhook_secret"},
			{Name: "AWS_WHEREBY_S3_BUCKET", Key: "recording.bucket"},
			{Name: "AWS_WHEREBY_ACCESS_KEY_ID", Key: "recording.access_key_id"},
			{Name: "AWS_WHEREBY_ACCESS_KEY_SECRET", Key: "recording.access_key_secret"},
			{Name: "AWS_S3_REGION", Key: "recording.region"},
		},
		Inputs: []provider.Input{
			{Key: "api_key", Label: "API key", Where: "Whereby's dashboard, Configure, API keys", Secret: true},
			{Key: "webhook_secret", Label: "Webhook secret", Where: "Whereby's dashboard, Configure, Webhooks", Secret: true, Later: true},
		},
		Objects: &provider.Objects{Read: object.Whereby, Wholes: []string{".mp4", ".mkv"}},
		Open:    rest.Open(New),
	}
}

// New returns the provider of an account. It makes no calls. Its errors describe what is wrong with the account's settings and
// contain no secrets.
func New(a provider.Account, o Options) (*Provider, error) {
	a.APIURL = cmp.Or(a.APIURL, DefaultURL)
	secrets, err := newSecrets(a)
	if err != nil {
		return nil, err
	}
	client, err := newClient(a, o)
	if err != nil {
		return nil, err
	}
	return &Provider{account: a, client: client, secrets: secrets}, nil
}

// Platform returns whereby.
func (p *Provider) Platform() provider.Platform { return provider.Whereby }

// String returns the account's name without its secrets.
func (p *Provider) String() string { return p.account.String() }

// GoString returns the account's name without its secrets.
func (p *Provider) GoString() string { return p.account.String() }

// Traits returns Whereby's: rooms can be joined for an hour beyond their end. A reading of presence costs two points of a budget
// that may be as small as a hundred a minute; readings every two seconds leave forty for users' requests.
func (p *Provider) Traits() provider.Traits {
	return provider.Traits{
		PresenceLag: 25 * time.Second, PresenceEvery: 15 * time.Second, PresenceSpacing: 2 * time.Second, Linger: time.Hour,
		HostParameter: "roomKey", WebhookPlace: "paste it in Whereby's dashboard: Configure, Webhooks, Add endpoint",
	}
}

// WhyNot explains what Whereby's API lacks.
func (p *Provider) WhyNot(a provider.Ability) string {
	switch a {
	case provider.AbilityRecord:
		return "Whereby recordings are started by the room's trigger, which is set when the meeting is created, or with the host's button in the meeting"
	case provider.AbilityMute:
		return "Whereby's API can't mute people: the host can do it in the meeting"
	case provider.AbilityEject:
		return "Whereby has no call to remove one person: the host can do it in the meeting, and ending the meeting removes everyone"
	}
	return ""
}
