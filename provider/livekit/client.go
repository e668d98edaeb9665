package livekit

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

func newClient(a provider.Account, o Options) (*rest.Client, error) {
	return rest.New(rest.Config{
		Platform: provider.LiveKit, Account: a.Name, BaseURL: a.APIURL, Key: a.APIKey,
		KeySetting: a.Setting(variableKey, "api_key") + " and " + a.Setting(variableSecret, "api_secret"),
		URLSetting: a.Setting(variableURL, "url"),
		KeyHint:    "both are under keys in the server's configuration, or in the cloud's project settings",
		Secrets:    append([]string{a.APISecret, a.WebhookSecret, a.Recording.AccessKeySecret}, a.WebhookSecrets...),
		Options:    o, Explain: explain,
	})
}

// call is one call of a service by Twirp.
type call struct {
	op, subject string
	// missing is the refusal of a call without a subject, see [rest.Call].
	missing string
	// method is "RoomService/ListRooms" or the like, in is sent and out receives the answer.
	method  string
	in, out any
	// room is the room of a call that needs its administration.
	room string
	// repeat means that the call may be repeated.
	repeat   bool
	timeout  time.Duration
	ownError bool
	gone     bool
	header   *http.Header
}

// do makes a call with a token that permits it alone.
func (p *Provider) do(ctx context.Context, c call) error {
	token, err := p.signer.forCall(grantOf(c), p.client.Now())
	if err != nil {
		return p.client.Refuse(provider.Invalid, c.op, c.subject, "the token for the call can't be signed", "")
	}
	return p.client.Do(ctx, rest.Call{
		Op: c.op, Subject: c.subject, Missing: c.missing, Method: http.MethodPost, Path: "/twirp/livekit." + c.method, In: c.in, Out: c.out,
		Idempotent: c.repeat, Timeout: c.timeout, OwnError: c.ownError, Gone: c.gone, Header: c.header, Token: token,
	})
}

// twirpError is an error in Twirp's form.
type twirpError struct {
	Code rest.Text `json:"code"`
	Msg  rest.Text `json:"msg"`
}

// errorKinds maps Twirp's codes (https://twitchtv.github.io/twirp/docs/errors.html) to kinds.
var errorKinds = map[rest.Text]provider.Kind{
	"unauthenticated": provider.Unauthenticated, "permission_denied": provider.Forbidden, "not_found": provider.NotFound,
	"bad_route": provider.Unsupported, "unimplemented": provider.Unsupported, "invalid_argument": provider.Invalid,
	"malformed": provider.Invalid, "out_of_range": provider.Invalid, "failed_precondition": provider.Invalid,
	"already_exists": provider.Conflict, "aborted": provider.Conflict, "resource_exhausted": provider.RateLimited,
	"unavailable": provider.Unavailable, "deadline_exceeded": provider.Unavailable, "canceled": provider.Unavailable,
	"internal": provider.Unavailable, "unknown": provider.Unavailable, "dataloss": provider.Unavailable,
}

// tokenErrors are the beginnings of the server's texts about a token that it refuses. One version repeats the token there, so only
// these words are shown.
var tokenErrors = []string{
	"invalid authorization header. Must start with Bearer", "invalid authorization token", "invalid API key",
	"token signature is invalid", "token has invalid claims: token is missing required claim: exp", "token is expired",
	"token is not valid yet",
}

// explain parses Twirp's errors. A token that lacks a grant is 401 like one that is wrong, with other words.
func explain(status int, _ http.Header, body []byte, p *rest.Problem) {
	var e twirpError
	if json.Unmarshal(body, &e) != nil || e.Code == "" {
		if status == http.StatusNotFound {
			// Something else answers for LiveKit: that shows nothing about the room.
			p.Kind, p.Text = provider.Unavailable, "not found, but the response isn't LiveKit's"
		}
		if status == http.StatusUnauthorized {
			for _, known := range tokenErrors {
				if strings.Contains(string(body), known) {
					p.Text = known
				}
			}
		}
		return
	}
	p.Code, p.Text = string(e.Code), string(e.Msg)
	if kind, known := errorKinds[e.Code]; known {
		p.Kind = kind
	}
	if e.Code == "unauthenticated" && strings.Contains(string(e.Msg), "permissions denied") {
		p.Kind = provider.Forbidden
	}
	if p.Kind == provider.Forbidden {
		p.Hint = "the API key isn't allowed to do this on this server: check its permissions"
	}
	if e.Code == "bad_route" {
		p.Hint = "update the LiveKit server, or check its address: it doesn't know this call"
	}
}
