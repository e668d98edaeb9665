// Package livekit is the provider for LiveKit (https://docs.livekit.io/reference/other/roomservice-api), self-hosted or in LiveKit's
// cloud.
//
// A room on LiveKit is live state: it begins when it is created and ends when it is deleted or has been empty for long enough.
// Creating a room that exists changes that room, so a name is looked up before it is used, and the room's metadata carries a note by
// which a creation whose answer was lost is recognised. People are known by the sid of their connection; removing and muting need the
// identity, which is looked up each time. The server has no pages: links lead to the user's own page, with a token that is signed
// here. Calls and webhooks are authenticated with tokens that the API secret signs. Recordings are made by a separate service, egress,
// which may be missing.
//
// Answers are read in snake_case, as the server writes them, and in camelCase, as webhooks are written.
package livekit

import (
	"strings"
	"sync"
	"time"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// Provider is one account on LiveKit. It is safe for concurrent use.
type Provider struct {
	account provider.Account
	client  *rest.Client
	signer  signer
	keys    keyring
	// names are locked while a room of the name is created, see [Provider.CreateMeeting].
	names locks
	// doubts are the recordings whose start got no answer, by instance.
	mu     sync.Mutex
	doubts map[string]time.Time
}

var (
	_ provider.Provider        = (*Provider)(nil)
	_ provider.Linker          = (*Provider)(nil)
	_ provider.Looker          = (*Provider)(nil)
	_ provider.Ejector         = (*Provider)(nil)
	_ provider.Muter           = (*Provider)(nil)
	_ provider.Extender        = (*Provider)(nil)
	_ provider.RoomLister      = (*Provider)(nil)
	_ provider.RoomKeeper      = (*Provider)(nil)
	_ provider.Checker         = (*Provider)(nil)
	_ provider.Recorder        = (*Provider)(nil)
	_ provider.RecordingLister = (*Provider)(nil)
	_ provider.RecordingFinder = (*Provider)(nil)
	_ provider.Explainer       = (*Provider)(nil)
	_ provider.SignatureTester = (*Provider)(nil)
)

// Options override defaults; the zero value is the usual choice.
type Options = rest.Options

// The environment's variables.
const (
	variableURL    = "LIVEKIT_URL"
	variableKey    = "LIVEKIT_API_KEY"
	variableSecret = "LIVEKIT_API_SECRET"
	variableJoin   = "LIVEKIT_JOIN_URL"
	variableBucket = "AWS_LIVEKIT_S3_BUCKET"
)

// Driver makes providers for accounts on LiveKit.
func Driver() provider.Driver {
	return provider.Driver{
		Platform: provider.LiveKit, Types: types(), SignatureHeaders: []string{"Authorization"}, Sockets: true, SignsWithKey: true,
		Variables: []provider.Variable{
			{Name: variableURL, Key: "api_url"},
			{Name: variableKey, Key: "api_key"},
			{Name: variableSecret, Key: "api_secret"},
			{Name: variableJoin, Key: "join_url"},
			{Name: variableBucket, Key: "recording.bucket"},
			{Name: "AWS_LIVEKIT_S3_REGION", Key: "recording.region"},
			{Name: "AWS_LIVEKIT_ACCESS_KEY_ID", Key: "recording.access_key_id"},
			{Name: "AWS_LIVEKIT_ACCESS_KEY_SECRET", Key: "recording.access_key_secret"},
		},
		Inputs: []provider.Input{
			{Key: "api_url", Label: "Server", Where: "such as wss://livekit.example.com"},
			{Key: "api_key", Label: "API key", Where: "keys in the server's configuration, or the cloud project's settings", Secret: true},
			{Key: "api_secret", Label: "API secret", Where: "next to the key", Secret: true},
		},
		Settings: []string{"join_url", "recording.mode"},
		Modes:    []string{"composite", "tracks", "both"},
		Objects:  &provider.Objects{Read: object.LiveKit, Wholes: []string{".mp4"}, OwnFolders: true},
		Open:     rest.Open(New),
	}
}

// New returns the provider of an account. It makes no calls. Its errors describe what is wrong with the account's settings and
// contain no secrets.
func New(a provider.Account, o Options) (*Provider, error) {
	refuse := func(kind provider.Kind, text, hint string) (*Provider, error) {
		return nil, &provider.Error{Kind: kind, Platform: provider.LiveKit, Account: a.Name, Op: "configure", Text: text, Hint: hint}
	}
	if a.APIURL == "" {
		return refuse(provider.Invalid, "the server's URL is missing",
			"set "+a.Setting(variableURL, "url")+` to the server's address, such as "wss://livekit.example.com"`)
	}
	if a.WebhookSignature != "" {
		return refuse(provider.Invalid, "LiveKit has only one kind of webhook signature", "remove signature")
	}
	a.APIURL = overHTTP(a.APIURL)
	client, err := newClient(a, o)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(a.APISecret) == "" {
		return refuse(provider.Unauthenticated, "there is no API secret",
			"set "+a.Setting(variableSecret, "api_secret")+" to the secret of the key in "+a.Setting(variableKey, "api_key"))
	}
	if a.JoinURL != "" {
		if _, err := joinLink(a.JoinURL, "wss://x.example", "token"); err != nil {
			return refuse(provider.Invalid, "the join page's address is invalid: "+err.Error(), joinHint(a))
		}
	}
	return &Provider{
		account: a, client: client, signer: newSigner(a.APIKey, a.APISecret), keys: newKeyring(a), doubts: map[string]time.Time{},
	}, nil
}

// overHTTP returns a server's address for calls. LiveKit prints addresses for its clients, which connect by WebSocket.
func overHTTP(address string) string {
	for ws, http := range map[string]string{"ws://": "http://", "wss://": "https://"} {
		if rest, ok := strings.CutPrefix(address, ws); ok {
			return http + rest
		}
	}
	return address
}

// overSocket returns a server's address for LiveKit's clients.
func overSocket(address string) string {
	if rest, ok := strings.CutPrefix(address, "http"); ok {
		return "ws" + rest
	}
	return address
}

// Platform returns livekit.
func (p *Provider) Platform() provider.Platform { return provider.LiveKit }

// String returns the account's name without its secrets.
func (p *Provider) String() string { return p.account.String() }

// GoString returns the account's name without its secrets.
func (p *Provider) GoString() string { return p.account.String() }

// Traits returns LiveKit's: presence is the server's own state, which changes when it does. A participant who loses the
// connection stays in it for about 20 seconds.
func (p *Provider) Traits() provider.Traits {
	return provider.Traits{
		PresenceLag: 5 * time.Second, PresenceEvery: 10 * time.Second, NamesRooms: true, GoneIsEmpty: true, GuestTokens: true,
		EmptiesRooms:  true,
		HostParameter: "token",
		WebhookPlace:  "add it to urls under webhook in the LiveKit server's configuration, where api_key is the key of this account",
	}
}

// WhyNot explains what LiveKit lacks.
func (p *Provider) WhyNot(a provider.Ability) string {
	switch a {
	case provider.AbilityLogo:
		return "LiveKit rooms have no logo"
	case provider.AbilityHistory:
		return "LiveKit keeps no history: attendance is known only from webhooks and presence received here"
	case provider.AbilityDownload:
		return "LiveKit stores no recordings: set " + p.account.Setting(variableBucket, "bucket") + " to the bucket that egress writes to"
	case provider.AbilityDeleteRecording:
		return "LiveKit stores no recordings: delete the file in its bucket"
	}
	return ""
}

// locks are mutexes by name.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits until the name is free and returns the function that frees it.
func (l *locks) lock(name string) func() {
	for {
		l.mu.Lock()
		busy, held := l.held[name]
		if !held {
			mine := make(chan struct{})
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			l.held[name] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, name)
				l.mu.Unlock()
				close(mine)
			}
		}
		l.mu.Unlock()
		<-busy
	}
}
