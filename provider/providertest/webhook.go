package providertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

// read parses a webhook and checks that the result is consistent.
func read(t testing.TB, p provider.Provider, r provider.WebhookRequest) provider.Webhook {
	t.Helper()
	before := bytes.Clone(r.Body)
	w, err := p.ReadWebhook(r)
	if err != nil {
		t.Fatalf("%s: %v", r.Body, err)
	}
	if !bytes.Equal(before, r.Body) {
		t.Error("the body was changed")
	}
	if w.Verdict != provider.Verified && w.Reason == "" {
		t.Errorf("%s without a reason", w.Verdict)
	}
	if !slices.Contains(provider.EventKinds(), w.Event.Kind) {
		t.Errorf("kind %q", w.Event.Kind)
	}
	return w
}

// testWebhooks reads the platform's webhooks while people come and go, and then forged ones.
func testWebhooks(t *testing.T, h Harness) {
	if h.Join == nil || h.Deliveries == nil {
		t.Skip("no webhooks can be received here")
	}
	p := h.open(t, nil)
	m := h.create(t, p, h.spec(t))
	ada := h.Join(t, m, Person{Name: "Ada"})
	zoe := h.Join(t, m, Person{Name: "Zoë & <渡辺>", Host: true})
	h.Leave(t, m, ada)
	h.Leave(t, m, zoe)
	var joined provider.WebhookRequest
	seen := map[provider.EventKind][]provider.Event{}
	for _, r := range h.Deliveries(t) {
		w := read(t, p, r)
		if w.Verdict != provider.Verified {
			t.Errorf("%s is %s: %s", r.Body, w.Verdict, w.Reason)
		}
		if w.Event.Room != m.Room {
			continue
		}
		if w.Event.ID == "" || w.Event.Type == "" || w.Event.At.IsZero() {
			t.Errorf("%s says too little: %+v", r.Body, w.Event)
		}
		seen[w.Event.Kind] = append(seen[w.Event.Kind], w.Event)
		if w.Event.Kind == provider.KindParticipantJoined {
			joined = r
		}
	}
	for kind, names := range map[provider.EventKind]map[string]string{
		provider.KindParticipantJoined: {ada: "Ada", zoe: "Zoë & <渡辺>"},
		provider.KindParticipantLeft:   {ada: "Ada", zoe: "Zoë & <渡辺>"},
	} {
		for _, e := range seen[kind] {
			if e.Participant == nil || names[e.Participant.Session] != e.Participant.Name {
				t.Errorf("%s: %+v", kind, e.Participant)
				continue
			}
			if (e.Participant.Role == provider.RoleHost) != (e.Participant.Session == zoe) {
				t.Errorf("%s: role %q", kind, e.Participant.Role)
			}
			delete(names, e.Participant.Session)
		}
		if len(names) != 0 {
			t.Errorf("%s: no event of %v", kind, names)
		}
	}
	if len(seen[provider.KindMeetingStarted]) == 0 {
		t.Error("no event of the meeting's start")
	}
	if joined.Body == nil {
		return
	}
	forge(t, p, joined)
}

// signature reports whether a header holds a platform's signature.
func signature(header string) bool {
	return strings.HasSuffix(header, "Signature") || header == "Authorization"
}

// forge changes a good request in every way that must not pass.
func forge(t *testing.T, p provider.Provider, good provider.WebhookRequest) {
	for name, change := range map[string]func(*provider.WebhookRequest){
		"another body":  func(r *provider.WebhookRequest) { r.Body = bytes.Replace(r.Body, []byte("ö"), nil, 1); r.Body[5] ^= 1 },
		"a longer body": func(r *provider.WebhookRequest) { r.Body = append(r.Body, "x"...) },
		"a shorter body": func(r *provider.WebhookRequest) {
			r.Body = r.Body[:len(r.Body)-1]
		},
		"no body":       func(r *provider.WebhookRequest) { r.Body = nil },
		"stale":         func(r *provider.WebhookRequest) { r.ReceivedAt = r.ReceivedAt.Add(25 * time.Hour) },
		"of the future": func(r *provider.WebhookRequest) { r.ReceivedAt = r.ReceivedAt.Add(-25 * time.Hour) },
		"another signature": func(r *provider.WebhookRequest) {
			for k, v := range r.Header {
				if signature(k) {
					b := []byte(v[0])
					b[len(b)-3] ^= 1
					r.Header[k] = []string{string(b)}
				}
			}
		},
		"an empty signature": func(r *provider.WebhookRequest) {
			for k := range r.Header {
				if signature(k) {
					r.Header[k] = []string{"t=,v1="}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			r.Body, r.Header = bytes.Clone(good.Body), good.Header.Clone()
			change(&r)
			if w := read(t, p, r); w.Verdict != provider.Rejected || w.Missing {
				t.Errorf("%+v", w)
			}
		})
	}
	t.Run("no signature", func(t *testing.T) {
		r := good
		r.Header = http.Header{"Content-Type": {"application/json"}}
		if w := read(t, p, r); w.Verdict != provider.Rejected || !w.Missing {
			t.Errorf("%+v", w)
		}
	})
}

// An account without a secret verifies nothing, and reports what to set.
func testWebhookWithoutSecret(t *testing.T, h Harness) {
	a := h.Account
	a.WebhookSecret, a.WebhookSecrets = "", nil
	p := h.openAs(t, a, nil)
	w := read(t, p, provider.WebhookRequest{
		Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"type":"x","id":"1"}`), ReceivedAt: h.Clock.Now(),
	})
	if w.Verdict != provider.Unverified || !strings.Contains(w.Reason, "set ") || w.Event.Kind != provider.KindUnknown {
		t.Errorf("%+v", w)
	}
}

// Golden reads every body in dir/*.json, signed by request, and compares p's result with the .golden file beside it.
// GREENROOM_UPDATE_GOLDEN=1 rewrites these files. All bodies must be verified.
func Golden(t *testing.T, p provider.Provider, dir string, request func(body []byte) provider.WebhookRequest) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			body = bytes.TrimSuffix(body, []byte("\n"))
			w := read(t, p, request(body))
			if w.Verdict != provider.Verified {
				t.Errorf("%s: %s", w.Verdict, w.Reason)
			}
			got, err := json.MarshalIndent(w, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if os.Getenv("GREENROOM_UPDATE_GOLDEN") == "1" {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
