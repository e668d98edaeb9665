package whereby

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// The costs of calls in points (Whereby's OpenAPI file).
const (
	costRead   = 1
	costDelete = 2
	costWrite  = 3
)

// newClient paces calls for the smallest plan, a hundred points a minute, until an answer shows a larger one.
func newClient(a provider.Account, o Options) (*rest.Client, error) {
	return rest.New(rest.Config{
		Platform: provider.Whereby, Account: a.Name, BaseURL: a.APIURL, Key: a.APIKey,
		KeySetting: a.Setting("WHEREBY_API_KEY", "api_key"),
		URLSetting: a.Setting("WHEREBY_API_URL", "api_url"),
		KeyHint:    "create one in the Whereby dashboard under Configure, API keys",
		Secrets: append([]string{a.WebhookSecret, a.APISecret, a.Recording.AccessKeySecret, a.Recording.AccessKeyID},
			a.WebhookSecrets...),
		Options: o,
		Limits:  []rest.Limit{{PerSecond: 1, Burst: 40, Window: time.Minute}},
		Explain: explain,
	})
}

// explain parses an error body. Only that of 429 is documented: {"error":"…","data":{"msLeft":1234}}; of the others any text is
// used.
func explain(_ int, _ http.Header, body []byte, p *rest.Problem) {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message rest.Text       `json:"message"`
		Code    rest.Text       `json:"code"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &e) != nil {
		return
	}
	var text rest.Text
	_ = text.UnmarshalJSON(e.Error)
	if text == "" {
		var inner struct {
			Message rest.Text `json:"message"`
			Code    rest.Text `json:"code"`
		}
		if json.Unmarshal(e.Error, &inner) == nil {
			text, e.Code = inner.Message, inner.Code
		}
	}
	p.Text, p.Code = string(cmp.Or(text, e.Message)), string(e.Code)
	var data struct {
		MsLeft rest.Number `json:"msLeft"`
	}
	if p.Kind == provider.RateLimited && json.Unmarshal(e.Data, &data) == nil {
		p.RetryAfter = max(p.RetryAfter, rest.Number{Value: data.MsLeft.Value / 1e3}.Seconds())
	}
}
