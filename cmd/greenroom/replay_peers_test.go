package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/peers"
	"greenroom/provider"
)

// sent is a request that a replay sent.
type sent struct {
	header http.Header
	body   []byte
}

// goReceiver verifies as the platforms' documents describe it, over the bytes, and refuses old signatures.
func goReceiver(platform provider.Platform, secret string, s sent) error {
	var stamp, got, want string
	var at time.Time
	if platform == provider.Daily {
		key, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			return err
		}
		stamp, got = s.header.Get("X-Webhook-Timestamp"), s.header.Get("X-Webhook-Signature")
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s", stamp, s.body)
		want = base64.StdEncoding.EncodeToString(mac.Sum(nil))
		var ms int64
		fmt.Sscan(stamp, &ms)
		at = time.UnixMilli(ms)
	} else {
		var sec int64
		if _, err := fmt.Sscanf(s.header.Get("Whereby-Signature"), "t=%d,v1=%s", &sec, &got); err != nil {
			return err
		}
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", sec, s.body)
		want = hex.EncodeToString(mac.Sum(nil))
		at = time.Unix(sec, 0)
	}
	if got != want {
		return fmt.Errorf("the signature is %s, not %s", got, want)
	}
	if age := time.Since(at); age > time.Minute {
		return fmt.Errorf("it was signed %s ago", age)
	}
	return nil
}

// Replayed requests, changed or too old, are accepted by receivers that were written after the platforms' own samples.
func TestReceiversAcceptReplays(t *testing.T) {
	node := peers.Find(t, "node")
	b, _ := realBench(t)
	var last sent
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		last = sent{r.Header.Clone(), body}
	}))
	t.Cleanup(target.Close)
	for _, account := range []string{"daily", "whereby"} {
		platform, secret := provider.Platform(account), b.getenv(strings.ToUpper(account)+"_WEBHOOK_SECRET")
		var seq uint64
		if err := b.with(t.Context(), func(be app.Backend) error {
			// It arrived 30 days ago, freshly signed then.
			at := time.Now().Add(-30 * 24 * time.Hour)
			w, err := be.SignWebhook(t.Context(), app.SyntheticWebhook{
				Account: account, Kind: provider.KindParticipantJoined, Room: "demo", Name: "Zoë", Session: "s-1", ID: "evt-" + account, At: app.At(at),
			})
			if err != nil {
				return err
			}
			w.Header["X-Own"] = []string{"kept", "twice"}
			a, err := be.Ingest(t.Context(), app.Inbound{
				Account: account, Method: w.Method, Target: "/hooks/" + account + "?x=1", Header: w.Header, Body: w.Body, ReceivedAt: at,
			})
			seq = a.Seq
			if err == nil && a.Status != http.StatusOK {
				err = fmt.Errorf("%+v", a)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for name, flags := range map[string][]string{
			"too old":     nil,
			"changed":     {"--set", "payload.user_name=Åsa <&>", "--set", "data.displayName=\"\\u2028\""},
			"the account": {"--resign", "account"},
			"a secret":    {"--resign", secret},
		} {
			t.Run(account+" "+name, func(t *testing.T) {
				b.run(t, 0, append([]string{"event", "replay", fmt.Sprint(seq), "--to", target.URL + "/in?y=2"}, flags...)...)
				if err := goReceiver(platform, secret, last); err != nil {
					t.Error("Go:", err)
				}
				if got := last.header["X-Own"]; len(got) != 2 {
					t.Errorf("the header that came twice is %q", got)
				}
				in, err := json.Marshal(struct {
					Platform provider.Platform `json:"platform"`
					Secret   string            `json:"secret"`
					Headers  http.Header       `json:"headers"`
					Body     []byte            `json:"body"`
				}{platform, secret, last.header, last.body})
				if err != nil {
					t.Fatal(err)
				}
				if name == "changed" {
					return // JSON.stringify writes the value in another way than the user did
				}
				cmd := exec.Command(node, "-e", jsReceiver)
				cmd.Stdin = strings.NewReader(string(in))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("Node: %v: %s", err, out)
				}
			})
		}
		b.run(t, 0, "event", "replay", fmt.Sprint(seq), "--to", target.URL, "--resign", "none")
		if err := goReceiver(platform, secret, last); err == nil || !strings.Contains(err.Error(), "ago") {
			t.Errorf("%s with its own signature: %v", account, err)
		}
		b.run(t, 0, "event", "replay", fmt.Sprint(seq), "--to", target.URL, "--set", "type=changed")
		in, err := json.Marshal(map[string]any{"platform": platform, "secret": secret, "headers": last.header, "body": last.body})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(node, "-e", jsReceiver)
		cmd.Stdin = strings.NewReader(string(in))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("Node, a changed request of %s: %v: %s", account, err, out)
		}
	}
}
