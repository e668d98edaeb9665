package web

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
)

func TestARelayedRequestFindsItsAccount(t *testing.T) {
	r := Router{
		Accounts: []string{"daily", "acme"}, Aliases: map[string]string{"/v1/daily/webhook": "daily"},
		Probe: func(target string) bool { return target == "/probe/1" },
	}
	large := make([]byte, MaxBodyLimit+1)
	tests := []struct {
		name, method, target string
		body                 []byte
		account              string
		refused              int
	}{
		{"a hook", "POST", "/hooks/daily", nil, "daily", 0},
		{"with a query", "POST", "/hooks/acme?x=%41&y", []byte("{}"), "acme", 0},
		{"an alias", "POST", "/v1/daily/webhook", nil, "daily", 0},
		{"more than the listener takes", "POST", "/hooks/daily", large[:DefaultBodyLimit+1], "daily", 0},
		{"a slash at the end", "POST", "/hooks/daily/?x=1", nil, "daily", 0},
		{"an alias with a slash at the end", "POST", "/v1/daily/webhook/", nil, "daily", 0},
		{"two slashes at the end", "POST", "/hooks/daily//", nil, "", 404},
		{"the hooks alone", "POST", "/hooks/", nil, "", 404},
		{"an unknown account", "POST", "/hooks/zoom", nil, "", 404},
		{"a path that climbs", "POST", "/hooks/../hooks/daily/", nil, "", 404},
		{"the root", "POST", "/", nil, "", 404},
		{"no path", "POST", "", nil, "", 404},
		{"bytes that are none", "POST", "/hooks/%zz", nil, "", 404},
		{"another method", "GET", "/hooks/daily", nil, "", 405},
		{"a probe", "GET", "/probe/1", nil, "", 200},
		{"a probe that isn't out", "GET", "/probe/2", nil, "", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := app.Inbound{
				Method: tt.method, Target: tt.target, Header: map[string][]string{"A": {"b"}}, Body: tt.body,
				ReceivedAt: time.Unix(1, 0), Position: &cursor.Position{Hook: "h", Epoch: 1, Seq: 2},
			}
			got := r.Relayed(in)
			if got.Target != in.Target || got.Position != in.Position || !got.ReceivedAt.Equal(in.ReceivedAt) {
				t.Errorf("%+v", got)
			}
			if tt.refused != 0 {
				if got.Refused == nil || got.Refused.Status != tt.refused || got.Account != "" {
					t.Errorf("refused with %+v", got.Refused)
				}
				if len(got.Header) != 1 || (got.Reason == "") != (tt.refused == 200) {
					t.Errorf("kept with the headers %v for the reason %q", got.Header, got.Reason)
				}
				return
			}
			in.Account = tt.account
			if !reflect.DeepEqual(got, in) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestABodyForNoAccountIsMissed(t *testing.T) {
	r := Router{Accounts: []string{"daily"}}
	got := r.Relayed(app.Inbound{Method: "POST", Target: "/hooks/daily", Body: make([]byte, MaxBodyLimit+1)})
	if got.Account != "daily" || got.Refused != nil || got.Body != nil || !strings.Contains(got.Missing, "26214401 bytes") {
		t.Errorf("%+v", got)
	}
}

func FuzzRelayed(f *testing.F) {
	f.Add("POST", "/hooks/daily")
	f.Add("GET", "//hooks/daily?%00")
	f.Add("\xff", "http://[::1/hooks/daily")
	r := Router{Accounts: []string{"daily"}}
	f.Fuzz(func(t *testing.T, method, target string) {
		got := r.Relayed(app.Inbound{Method: method, Target: target})
		if (got.Account == "daily") == (got.Refused != nil) {
			t.Errorf("%+v", got)
		}
		if got.Account != "" && (method != http.MethodPost || !strings.Contains(target, "hooks")) && !strings.Contains(target, "%") {
			t.Errorf("%s %q is taken for %q", method, target, got.Account)
		}
	})
}

func TestAProbeIsAnsweredWhileItIsOut(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}}
	l := listen(t, s, func(o *Options) {
		o.Probe = func(target string) bool { return target == "/probe/x?y" }
		o.Hosts = func() []string { return []string{"hooks.example"} }
	})
	for _, c := range []struct {
		name, method, path, host string
		want                     int
	}{
		{"through the tunnel", "GET", "/probe/x?y", "hooks.example", 200},
		{"posted", "POST", "/probe/x?y", "", 200},
		{"another one", "GET", "/probe/x", "hooks.example", 404},
		{"under a name at which webhooks are refused", "GET", "/probe/x?y", "other.example", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := request(t, c.method, l.URL()+c.path, c.host, nil)
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.want {
				t.Errorf("answered %d %q, want %d (%v)", resp.StatusCode, body, c.want, err)
			}
		})
	}
	if len(s.got) != 0 {
		t.Errorf("%d probes were stored", len(s.got))
	}
	if st := l.Status(); st.Accepted != 0 || st.Rejected != 2 {
		t.Errorf("%+v", st)
	}
}
