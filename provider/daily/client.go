package daily

import (
	"encoding/json"
	"net/http"
	"strings"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// The classes of calls by their limits (https://docs.daily.co/reference/rest-api#rate-limits).
const (
	// classDefault: 20 a second or 100 in 5 seconds.
	classDefault rest.Class = iota
	// classSlow: deleting a room and listing recordings, about 2 a second or 50 in 30 seconds.
	classSlow
	// classStart: starting recordings, about 1 a second or 5 in 5 seconds.
	classStart
)

func newClient(a provider.Account, o Options) (*rest.Client, error) {
	return rest.New(rest.Config{
		Platform: provider.Daily, Account: a.Name, BaseURL: a.APIURL, Key: a.APIKey,
		KeySetting: a.Setting("DAILY_API_KEY", "api_key"),
		URLSetting: a.Setting("DAILY_API_URL", "api_url"),
		KeyHint:    "find it in the Daily dashboard under Developers",
		Secrets:    append([]string{a.WebhookSecret, a.APISecret, a.Recording.AccessKeySecret}, a.WebhookSecrets...),
		Options:    o,
		Limits: []rest.Limit{
			classDefault: {PerSecond: 16, Burst: 20},
			classSlow:    {PerSecond: 1.5, Burst: 5},
			classStart:   {PerSecond: 0.8, Burst: 1},
		},
		Explain: explain,
	})
}

// apiError is Daily's error body. Info may be missing, and its wording may change.
type apiError struct {
	Error   json.RawMessage `json:"error"`
	Info    rest.Text       `json:"info"`
	Deleted rest.Flag       `json:"deleted"`
}

// errorKinds maps Daily's error codes to kinds.
var errorKinds = map[rest.Text]provider.Kind{
	"authorization-header-error": provider.Unauthenticated, "authentication-error": provider.Unauthenticated,
	"forbidden-error": provider.Forbidden, "invalid-plan-type": provider.Forbidden, "not-found": provider.NotFound,
	"rate-limit-error": provider.RateLimited, "server-error": provider.Unavailable,
}

// explain parses Daily's error body. Daily answers a missing key with 400, and an expired room that isn't deleted yet with an
// error about a deleted one.
func explain(status int, _ http.Header, body []byte, p *rest.Problem) {
	var e apiError
	var code rest.Text
	if json.Unmarshal(body, &e) == nil {
		_ = code.UnmarshalJSON(e.Error)
	}
	p.Code, p.Text = string(code), string(e.Info)
	if code == "" && !bool(e.Deleted) && status == http.StatusNotFound {
		// An intermediary answers for Daily: that shows nothing about the room.
		p.Kind, p.Text = provider.Unavailable, "not found, but the response isn't Daily's"
	}
	if kind, known := errorKinds[code]; known {
		p.Kind = kind
	}
	switch p.Code {
	case "invalid-plan-type":
		p.Hint = "this needs a paid Daily plan: put a card on file in the Daily dashboard under Billing"
	case "invalid-request-error":
		if status < 500 && status != http.StatusNotFound && status != http.StatusTooManyRequests {
			p.Kind = provider.Invalid
		}
		if strings.Contains(strings.ToLower(p.Text), "bad authorization header") {
			p.Kind = provider.Unauthenticated
		}
	}
	if e.Deleted && status >= 400 && status < 500 {
		p.Kind = provider.NotFound
	}
}
