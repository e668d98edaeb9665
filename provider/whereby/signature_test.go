package whereby_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

const (
	vectorBody = `{"id":"evt_0001","apiVersion":"1.0","createdAt":"2025-06-15T12:00:00.000Z","type":"room.client.joined","data":{"meetingId":"12345678","roomName":"/demo-aaaa","displayName":"Zoë & <Bo>","numClients":2}}`
	vectorSum  = "576da1bd8247a41e0341bd56714af0a30dd0a54aba00ed84c70f7cb2e6c8219f"
)

var sent = time.Unix(1750000000, 0).UTC()

// sign signs as in Whereby's documentation, independently of the product's code.
func sign(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func request(header, body string) provider.WebhookRequest {
	r := provider.WebhookRequest{
		Method: http.MethodPost, Target: "/hooks/whereby", Header: http.Header{}, Body: []byte(body), ReceivedAt: sent,
	}
	if header != "" {
		r.Header.Set("Whereby-Signature", header)
	}
	return r
}

func TestSignature(t *testing.T) {
	good := "t=1750000000,v1=" + vectorSum
	spaced := strings.ReplaceAll(vectorBody, `,"`, ",\n  \"")
	other := sign("another-secret", "1750000000", []byte(vectorBody))
	for _, tt := range []struct {
		name    string
		account func(*provider.Account)
		header  string
		body    string
		late    time.Duration
		want    provider.Verdict
		missing bool
		reason  string
	}{
		{"the vector", nil, good, vectorBody, 0, provider.Verified, false, ""},
		{"in another order", nil, "v1=" + vectorSum + ",t=1750000000", vectorBody, 0, provider.Verified, false, ""},
		{"with spaces and more", nil, " t = 1750000000 , v0=00, x, v1=" + vectorSum + ",v2=zz", vectorBody, 0, provider.Verified, false, ""},
		{"in capitals", nil, "t=1750000000,v1=" + strings.ToUpper(vectorSum), vectorBody, 0, provider.Verified, false, ""},
		{"several signatures", nil, "t=1750000000,v1=" + other + ",v1=" + vectorSum, vectorBody, 0, provider.Verified, false, ""},
		{"a body with white space", nil, "t=1750000000,v1=" + vectorSum, spaced, 0, provider.Verified, false, ""},
		{"a minute late", nil, good, vectorBody, time.Minute, provider.Verified, false, ""},
		{"a minute early", nil, good, vectorBody, -time.Minute, provider.Verified, false, ""},
		{"too late", nil, good, vectorBody, 61 * time.Second, provider.Rejected, false, "stale: 1m1s"},
		{"too early", nil, good, vectorBody, -61 * time.Second, provider.Rejected, false, "future: 1m1s"},
		{"another body", nil, good, strings.Replace(vectorBody, "demo", "dem0", 1), 0, provider.Rejected, false, "wrong"},
		{"another time", nil, "t=1750000001,v1=" + vectorSum, vectorBody, 0, provider.Rejected, false, "wrong"},
		{"another secret", nil, "t=1750000000,v1=" + other, vectorBody, 0, provider.Rejected, false, "wrong"},
		{"an older secret", func(a *provider.Account) { a.WebhookSecrets = []string{"another-secret"} }, "t=1750000000,v1=" + other, vectorBody, 0, provider.Verified, false, ""},
		{"only an older secret", func(a *provider.Account) { a.WebhookSecret, a.WebhookSecrets = "", []string{hookSecret, " "} }, good, vectorBody, 0, provider.Verified, false, ""},
		{"not a time", nil, "v1=" + vectorSum, vectorBody, 0, provider.Rejected, false, "form"},
		{"no signature in it", nil, "t=1750000000", vectorBody, 0, provider.Rejected, false, "form"},
		{"not hexadecimal", nil, "t=1750000000,v1=zz", vectorBody, 0, provider.Rejected, false, "form"},
		{"a time that is none", nil, "t=soon,v1=" + sign(hookSecret, "soon", []byte(vectorBody)), vectorBody, 0, provider.Rejected, false, "not a time"},
		{"the first second of all", nil, "t=0,v1=" + sign(hookSecret, "0", []byte(vectorBody)), vectorBody, 0, provider.Rejected, false, "stale"},
		{"a time before it", nil, "t=-1,v1=" + sign(hookSecret, "-1", []byte(vectorBody)), vectorBody, 0, provider.Rejected, false, "not a time"},
		{"the last time", nil, "t=1000000000000,v1=" + sign(hookSecret, "1000000000000", []byte(vectorBody)), vectorBody, 0, provider.Rejected, false, "future"},
		{"a huge time", nil, "t=9999999999999,v1=" + sign(hookSecret, "9999999999999", []byte(vectorBody)), vectorBody, 0, provider.Rejected, false, "not a time"},
		{"nothing", nil, "", vectorBody, 0, provider.Rejected, true, "Whereby-Signature"},
		{"no secret", func(a *provider.Account) { a.WebhookSecret = "" }, good, vectorBody, 0, provider.Unverified, false, "WHEREBY_WEBHOOK_SECRET"},
		{"the right one beyond eight", nil, "t=1750000000" + strings.Repeat(",v1="+other, 8) + ",v1=" + vectorSum, vectorBody, 0, provider.Rejected, false, "wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			if tt.account != nil {
				tt.account(&a)
			}
			r := request(tt.header, tt.body)
			r.ReceivedAt = sent.Add(tt.late)
			w, err := with(t, a).ReadWebhook(r)
			if err != nil || w.Verdict != tt.want || w.Missing != tt.missing || !strings.Contains(w.Reason, tt.reason) {
				t.Errorf("%+v, %v", w, err)
			}
			// The vector is an event without a participant, which the reason states.
			if tt.want == provider.Verified && w.Reason != "the event doesn't name a participant" {
				t.Errorf("verified, but %q", w.Reason)
			}
			if tt.name != "another body" && (w.Event.Room != "demo-aaaa" || w.Event.Kind != provider.KindParticipantJoined) {
				t.Errorf("the event is not shown: %+v", w.Event)
			}
		})
	}
}

func TestSignatureOverTwoHeaders(t *testing.T) {
	r := request("", vectorBody)
	r.Header["Whereby-Signature"] = []string{"t=1750000000", "v1=" + vectorSum}
	if w, err := with(t, account()).ReadWebhook(r); err != nil || w.Verdict != provider.Verified {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestWebhooks(t *testing.T) {
	providertest.Golden(t, with(t, account()), "testdata/webhooks", func(body []byte) provider.WebhookRequest {
		return request("t=1750000000,v1="+sign(hookSecret, "1750000000", body), string(body))
	})
}

// A signed body is always verified and gives a sensible event; unsigned it never is verified.
func FuzzReadWebhook(f *testing.F) {
	files, err := filepath.Glob("testdata/webhooks/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	p := with(f, account())
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		w, err := p.ReadWebhook(request("t=1750000000,v1="+sign(hookSecret, "1750000000", body), string(body)))
		if err != nil || w.Verdict != provider.Verified || !bytes.Equal(before, body) {
			t.Fatalf("%+v, %v", w, err)
		}
		e := w.Event
		if e.Kind == "" || len(e.Type) > 256 || len(e.ID) > 256 || len(e.Room) > 1024 || strings.Contains(e.MeetingID, " \n") {
			t.Errorf("%+v", e)
		}
		if who := e.Participant; who != nil && len(who.Session+who.Name) > 256+1024 {
			t.Errorf("%+v", who)
		}
		if e.Headcount != nil && *e.Headcount < 0 {
			t.Errorf("%d people", *e.Headcount)
		}
		if w, err := p.ReadWebhook(request("", string(body))); err != nil || w.Verdict != provider.Rejected || !w.Missing {
			t.Errorf("unsigned: %+v, %v", w, err)
		}
	})
}

// No header makes an unsigned request verified.
func FuzzSignatureHeader(f *testing.F) {
	for _, s := range []string{"t=1750000000,v1=" + vectorSum, "t=,v1=", ",,==", "v1=" + vectorSum + ",t=1750000000,t=2"} {
		f.Add(s)
	}
	p := with(f, account())
	f.Fuzz(func(t *testing.T, header string) {
		r := request("", vectorBody+"!")
		r.Header["Whereby-Signature"] = []string{header}
		if w, err := p.ReadWebhook(r); err != nil || w.Verdict != provider.Rejected || w.Reason == "" {
			t.Errorf("%+v, %v", w, err)
		}
	})
}
