package mismatch_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"greenroom/internal/mismatch"
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/livekit"
	"greenroom/provider/whereby"
)

const (
	base64Secret = "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="
	body         = `{"type":"x","name":"Zoë & <Bo>","list":[1,{"a":"b"}]}`
)

// platform is a provider whose signatures are made and tested.
type platform interface {
	provider.Provider
	provider.Synthesizer
	provider.SignatureTester
}

func platforms(t *testing.T, secret string) map[string]platform {
	t.Helper()
	d, err := daily.New(provider.Account{Name: "daily", Platform: provider.Daily, APIKey: "k", WebhookSecret: base64Secret}, daily.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := whereby.New(provider.Account{Name: "whereby", Platform: provider.Whereby, APIKey: "k", WebhookSecret: secret}, whereby.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := livekit.New(provider.Account{
		Name: "livekit", Platform: provider.LiveKit, APIKey: "k", APISecret: "another", APIURL: "http://127.0.0.1:1", WebhookSecret: secret,
	}, livekit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]platform{"daily": d, "whereby": w, "livekit": l}
}

// signedWith returns a request as a sender signs it who has key instead of the platform's, and signs other bytes than it sends.
func signedWith(t *testing.T, p platform, key []byte, signed, sent string) provider.WebhookRequest {
	t.Helper()
	secret := string(key)
	if p.Platform() == provider.Daily {
		secret = base64.StdEncoding.EncodeToString(key)
	}
	r, err := p.Synthesize(provider.SyntheticEvent{Body: []byte(signed), At: time.Unix(1750000000, 0), Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	r.Body = []byte(sent)
	return r
}

func TestTheCauseIsFound(t *testing.T) {
	decoded, _ := base64.StdEncoding.DecodeString(base64Secret)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	html := strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(body)
	python := `{"type": "x", "name": "Zo\u00eb & <Bo>", "list": [1, {"a": "b"}]}`
	for name, p := range platforms(t, base64Secret) {
		own, _ := p.SignatureKey(base64Secret)
		undecoded := "the sender uses the secret as text"
		wrongKey := []byte(base64Secret)
		if name != "daily" {
			undecoded, wrongKey = "the sender decodes the secret from base64", decoded
		}
		for cause, r := range map[string]provider.WebhookRequest{
			undecoded:                          signedWith(t, p, wrongKey, body, body),
			"quotes around it":                 signedWith(t, p, []byte(`"`+base64Secret+`"`), body, body),
			"secret of account acme":           signedWith(t, p, []byte("hush"), body, body),
			"no newline at its end":            signedWith(t, p, own, body, body+"\n"),
			"ends with a newline, which":       signedWith(t, p, own, body+"\n", body),
			"indented JSON":                    signedWith(t, p, own, pretty.String(), body),
			"over compact JSON":                signedWith(t, p, own, body, pretty.String()),
			"with < > & escaped":               signedWith(t, p, own, html, body),
			"with spaces and all non-ASCII":    signedWith(t, p, own, python, body),
			"as few escapes as possible":       signedWith(t, p, own, body, html),
			"with its keys sorted":             signedWith(t, p, own, `{"list":[1,{"a":"b"}],"name":"Zoë & <Bo>","type":"x"}`, body),
			"JSON with spaces":                 signedWith(t, p, own, `{"a": "b, c: d\"", "e": [1, 2]}`, `{"a":"b, c: d\"","e":[1,2]}`),
			"all non-ASCII characters escaped": signedWith(t, p, own, `{"a":"\ud83d\ude00"}`, `{"a":"😀"}`),
		} {
			c := mismatch.Case{
				Request: r, Tester: p, Secrets: []string{base64Secret}, Others: []mismatch.Other{{Account: "acme", Secrets: []string{"hush"}}},
			}
			got := c.Cause()
			if !strings.Contains(got, cause) {
				t.Errorf("%s, %s: %q", name, cause, got)
			}
			if strings.Contains(got, base64Secret) || strings.Contains(got, "hush") {
				t.Errorf("%s: %q contains a secret", name, got)
			}
		}
		// Daily's compact body is verified by Whereby's provider, but the tester compares exact bytes.
		c := mismatch.Case{Request: signedWith(t, p, []byte("another sender's"), body, body), Tester: p, Secrets: []string{base64Secret}}
		if got := c.Cause(); got != "" {
			t.Errorf("%s: a stranger's signature: %q", name, got)
		}
	}
}

// The secret of a sender that doesn't trim it.
func TestWhiteSpaceAroundTheSecretIsFound(t *testing.T) {
	p := platforms(t, "hush")["daily"]
	for key, cause := range map[string]string{
		base64Secret + "\n": "ends with a newline", base64Secret + "\r\n": "ends with a carriage return and a newline", base64Secret + " ": "ends with a space",
		" " + base64Secret: "begins with a space",
	} {
		c := mismatch.Case{Request: signedWith(t, p, []byte(key), body, body), Tester: p, Secrets: []string{base64Secret}}
		if got := c.Cause(); !strings.Contains(got, cause) {
			t.Errorf("%q: %q", key, got)
		}
	}
}

// counter counts comparisons and the bytes that they cost.
type counter struct{ tries, bytes int }

func (c *counter) SignatureKey(s string) ([]byte, bool) { return []byte("key " + s), true }
func (c *counter) SignedWith(r provider.WebhookRequest, _ []byte) bool {
	c.tries++
	c.bytes += len(r.Body)
	return false
}

func TestTheWorkIsBoundedAndKnown(t *testing.T) {
	var many []mismatch.Other
	for range 1000 {
		many = append(many, mismatch.Other{Account: "a", Secrets: []string{"1", "2", "3"}})
	}
	for _, others := range [][]mismatch.Other{nil, many[:1], many} {
		n := &counter{}
		c := mismatch.Case{
			Request: provider.WebhookRequest{Body: bytes.Repeat([]byte("x"), 1000)}, Tester: n, Secrets: []string{"a", "b"}, Others: others,
		}
		cost := c.Cost()
		if got := c.Cause(); got != "" || n.tries == 0 || n.tries > 128 || n.bytes > cost+1000 {
			t.Errorf("%q after %d tries and %d bytes, of %d", got, n.tries, n.bytes, cost)
		}
	}
}

func FuzzCause(f *testing.F) {
	f.Add([]byte(body), "t=1,v1=00")
	f.Add([]byte(`{"a":"\u2028\`), "")
	f.Fuzz(func(t *testing.T, b []byte, header string) {
		n := &counter{}
		r := provider.WebhookRequest{Header: map[string][]string{"Whereby-Signature": {header}}, Body: b}
		before := bytes.Clone(b)
		_ = mismatch.Case{Request: r, Tester: n, Secrets: []string{"s"}}.Cause()
		if !bytes.Equal(before, b) {
			t.Error("the body was changed")
		}
	})
}
