package provider

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Account holds one configured set of credentials on a platform, from which a [Driver] makes a [Provider]. String and GoString
// hide every secret, so an account can be printed.
type Account struct {
	// Name is unique among the accounts: [a-z0-9-]. The default is the platform's name.
	Name     string
	Platform Platform
	// APIKey authenticates calls. On LiveKit it is the key's id and APISecret signs.
	APIKey    string
	APISecret string
	// APIURL is the base of every call, with its version and without a trailing slash.
	APIURL string
	// WebhookSecret verifies signatures; if empty, no webhook can be verified. WebhookSecrets holds earlier ones that are still
	// accepted.
	WebhookSecret  string
	WebhookSecrets []string
	// WebhookSignature is "" for the platform's own scheme, or "simple" (Daily only).
	WebhookSignature string
	// Subdomain is the platform's name of the customer, if links are built from it; possibly empty.
	Subdomain string
	// JoinURL is the address of a page where people join, with placeholders; empty if the platform has such pages.
	JoinURL string
	// Recording is the bucket for recordings.
	Recording RecordingTarget
}

// Setting names the place of a setting: the environment variable env, or the key for an account from a configuration file, whose
// name differs from its platform's.
func (a Account) Setting(env, key string) string {
	if a.Name == "" || a.Name == string(a.Platform) {
		return env
	}
	return fmt.Sprintf("%s of the account %q", key, a.Name)
}

// RecordingTarget is a bucket that the platform writes recordings to. Whereby takes access keys, Daily a role.
type RecordingTarget struct {
	Bucket          string
	Region          string
	AccessKeyID     string
	AccessKeySecret string
	RoleARN         string
	// Endpoint is the URL of another S3 than Amazon's; PathStyle puts the bucket into the path.
	Endpoint  string
	PathStyle bool
	// Mode is the kind of recording, one of [Driver].Modes; empty for the default.
	Mode string
}

// String names the account without its secrets.
func (a Account) String() string { return fmt.Sprintf("%s (%s)", a.Name, a.Platform) }

// GoString names the account without its secrets.
func (a Account) GoString() string { return a.String() }

// Driver makes providers for the accounts of one platform.
type Driver struct {
	Platform Platform
	// DefaultURL is the platform's public API base.
	DefaultURL string
	// Variables set keys of the account that has the platform's name.
	Variables []Variable
	// Settings are the account's configuration keys that this platform has and others may lack: "signature", "join_url",
	// "recording.role_arn", "recording.mode".
	Settings []string
	// Inputs are the values that a new account needs, in the order in which they are asked for.
	Inputs []Input
	// Modes are the words for "recording.mode".
	Modes []string
	// Sockets means that the API's URL may be written as ws or wss, which mean http and https.
	Sockets bool
	// SignsWithKey means that webhooks are signed with the API secret, unless the account has a webhook secret.
	SignsWithKey bool
	// WebhookPaths are further paths of the listener that lead to the platform's default account.
	WebhookPaths []string
	// Objects parses the names of recordings that the platform writes into the user's bucket; nil if they can't be recognised by
	// name.
	Objects *Objects
	// Types maps the platform's own event names that its [Synthesizer] can make to kinds; nil without one.
	Types map[string]EventKind
	// SignatureHeaders are the headers of which each signed webhook has at least one; empty if signatures aren't in headers. A
	// listener needn't read the body of a request without any.
	SignatureHeaders []string
	// Open makes the provider. It performs no I/O. Calls go through transport, nil for the default. If Open is nil, this build
	// knows only the platform's name.
	Open func(a Account, transport http.RoundTripper) (Provider, error)
}

// Input is a value that a new account needs.
type Input struct {
	// Key is the account's key that it sets, Label its name in a question.
	Key, Label string
	// Where is the place where users find it: "Acme's dashboard, Developers".
	Where string
	// Secret values are typed hidden, and kept outside the configuration file.
	Secret bool
	// Later values are optional, and needed once webhooks arrive.
	Later bool
}

// Variable is an environment variable and the account's key that it sets: "api_key", "recording.bucket".
type Variable struct{ Name, Key string }

// Variable returns the name of the variable that sets a key, or "".
func (d Driver) Variable(key string) string {
	if i := slices.IndexFunc(d.Variables, func(v Variable) bool { return v.Key == key }); i >= 0 {
		return d.Variables[i].Name
	}
	return ""
}

// Credentials returns the names of the variables that hold the account's keys and secrets.
func (d Driver) Credentials() []string {
	var names []string
	for _, key := range []string{"api_key", "api_secret", "webhook_secret"} {
		if name := d.Variable(key); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// HowToConfigure returns the remedy for having no account: "set ACME_API_KEY, OTHER_API_KEY or THIRD_API_KEY".
func HowToConfigure(drivers []Driver) string {
	var keys []string
	for _, d := range drivers {
		if name := d.Variable("api_key"); name != "" {
			keys = append(keys, name)
		}
	}
	switch last := len(keys) - 1; last {
	case -1:
		return "add [accounts.NAME] to the configuration"
	case 0:
		return "set " + keys[0]
	default:
		return "set " + strings.Join(keys[:last], ", ") + " or " + keys[last]
	}
}

// Registry is the set of platforms of this build. The zero value is not useful: see [NewRegistry].
type Registry struct {
	drivers map[Platform]Driver
}

// NewRegistry returns a registry of the given drivers. Two drivers of one platform are an error.
func NewRegistry(drivers ...Driver) (*Registry, error) {
	r := &Registry{drivers: make(map[Platform]Driver, len(drivers))}
	for _, d := range drivers {
		if d.Platform == "" || d.Open == nil {
			return nil, fmt.Errorf("provider: a driver needs a platform and an Open function")
		}
		if _, dup := r.drivers[d.Platform]; dup {
			return nil, fmt.Errorf("provider: platform %q is registered twice", d.Platform)
		}
		r.drivers[d.Platform] = d
	}
	return r, nil
}

// Platforms lists the registered platforms in alphabetical order.
func (r *Registry) Platforms() []Platform {
	return slices.Sorted(maps.Keys(r.drivers))
}

// Driver returns the driver of a platform. The error for an unknown one names the known ones.
func (r *Registry) Driver(p Platform) (Driver, error) {
	d, ok := r.drivers[p]
	if !ok {
		names := make([]string, 0, len(r.drivers))
		for _, known := range r.Platforms() {
			names = append(names, string(known))
		}
		return Driver{}, &Error{
			Kind: Unsupported, Op: fmt.Sprintf("look up platform %q", string(p)),
			Text: "available: " + strings.Join(names, ", "),
		}
	}
	return d, nil
}

// Open returns the provider for an account.
func (r *Registry) Open(a Account, transport http.RoundTripper) (Provider, error) {
	d, err := r.Driver(a.Platform)
	if err != nil {
		return nil, err
	}
	if a.APIURL == "" {
		a.APIURL = d.DefaultURL
	}
	return d.Open(a, transport)
}
