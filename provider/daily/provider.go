// Package daily is the provider for Daily (https://docs.daily.co/reference/rest-api).
//
// Daily uses the given room names, so a creation whose answer was lost is settled by looking the name up. A room's config is
// sparse: missing settings have their defaults. Its end only prevents joining; people inside are removed by an eject call, which
// [Provider.EndMeeting] makes before it deletes the room. Presence lags by up to 25 seconds. One key belongs to one Daily domain,
// and a domain has one webhook for all of its rooms.
package daily

import (
	"cmp"
	"net/url"
	"sync/atomic"
	"time"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// DefaultURL is Daily's public API.
const DefaultURL = "https://api.daily.co/v1"

// Provider is one account on Daily. It is safe for concurrent use.
type Provider struct {
	account provider.Account
	client  *rest.Client
	keys    keyring
	// accepted caches the keys for the secrets of the latest request that had some.
	accepted atomic.Pointer[accepted]
}

var (
	_ provider.Provider         = (*Provider)(nil)
	_ provider.Linker           = (*Provider)(nil)
	_ provider.Looker           = (*Provider)(nil)
	_ provider.Ejector          = (*Provider)(nil)
	_ provider.Extender         = (*Provider)(nil)
	_ provider.RoomLister       = (*Provider)(nil)
	_ provider.PresenceLister   = (*Provider)(nil)
	_ provider.RecordingLister  = (*Provider)(nil)
	_ provider.RecordingFinder  = (*Provider)(nil)
	_ provider.Checker          = (*Provider)(nil)
	_ provider.Recorder         = (*Provider)(nil)
	_ provider.Historian        = (*Provider)(nil)
	_ provider.FileLinker       = (*Provider)(nil)
	_ provider.RecordingDeleter = (*Provider)(nil)
	_ provider.WebhookRegistrar = (*Provider)(nil)
	_ provider.Explainer        = (*Provider)(nil)
	_ provider.SignatureTester  = (*Provider)(nil)
	_ provider.RoomKeeper       = (*Provider)(nil)
)

// Options override defaults; the zero value is the usual choice.
type Options = rest.Options

// Driver makes providers for accounts on Daily.
func Driver() provider.Driver {
	return provider.Driver{
		Platform: provider.Daily, DefaultURL: DefaultURL, Types: types(), SignatureHeaders: []string{headerSignature, headerSimple},
		WebhookPaths: []string{"/v1/daily/webhook"},
		Variables: []provider.Variable{
			{Name: "DAILY_API_KEY", Key: "api_key"},
			{Name: "DAILY_API_URL", Key: "api_url"},
			{Name: "DAILY_WEBHOOK_SECRET", Key: "webhook_secret"},
			{Name: "DAILY_WEBHOOK_SIGNATURE", Key: "signature"},
			{Name: "DAILY_SUBDOMAIN", Key: "subdomain"},
			{Name: "AWS_DAILY_S3_BUCKET", Key: "recording.bucket"},
			{Name: "AWS_DAILY_S3_REGION", Key: "recording.region"},
			{Name: "AWS_DAILY_ROLE_ARN", Key: "recording.role_arn"},
		},
		Inputs: []provider.Input{
			{Key: "api_key", Label: "API key", Where: "Daily's dashboard, Developers, API keys", Secret: true},
		},
		Settings: []string{"signature", "recording.role_arn", "recording.mode"},
		Modes:    []string{"raw-tracks", "cloud", "both"},
		Objects:  &provider.Objects{Read: object.Daily, Wholes: []string{"", ".mp4", ".m4a", ".webm"}, OwnFolders: true},
		Open:     rest.Open(New),
	}
}

// New returns the provider of an account. It makes no calls. Its errors describe what is wrong with the account's settings and
// contain no secrets.
func New(a provider.Account, o Options) (*Provider, error) {
	a.APIURL = cmp.Or(a.APIURL, DefaultURL)
	keys, err := newKeyring(a)
	if err != nil {
		return nil, err
	}
	client, err := newClient(a, o)
	if err != nil {
		return nil, err
	}
	return &Provider{account: a, client: client, keys: keys}, nil
}

// Platform returns daily.
func (p *Provider) Platform() provider.Platform { return provider.Daily }

// String returns the account's name without its secrets.
func (p *Provider) String() string { return p.account.String() }

// GoString returns the account's name without its secrets.
func (p *Provider) GoString() string { return p.account.String() }

// Traits returns Daily's: measured presence lags 10 to 25 seconds. Readings need no spacing: the client's limits allow sixteen a
// second.
func (p *Provider) Traits() provider.Traits {
	return provider.Traits{
		PresenceLag: 25 * time.Second, PresenceEvery: 10 * time.Second, NamesRooms: true, StoresFiles: true,
		HistoryGrain: 15 * time.Second, EmptiesRooms: true, HostParameter: "t", TokenRecords: true,
	}
}

// WhyNot explains what Daily's API lacks.
func (p *Provider) WhyNot(a provider.Ability) string {
	switch a {
	case provider.AbilityLogo:
		return "Daily rooms have no logo; set the domain's logo in Daily's dashboard"
	case provider.AbilityMute:
		return "Daily's API can't mute people: the host can do it in the meeting"
	}
	return ""
}

// roomPath returns the path of a room's calls.
func roomPath(name, rest string) string { return "/rooms/" + url.PathEscape(name) + rest }
