package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"greenroom/internal/peers"
	"greenroom/provider"
)

// jsReceiver verifies as both platforms' own samples do: over the bytes that JSON.stringify makes of the parsed body.
const jsReceiver = `
const crypto = require("crypto")
const { platform, secret, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf8"))
const text = Buffer.from(body, "base64").toString("utf8")
const again = JSON.stringify(JSON.parse(text))
let want, got
if (platform == "daily") {
	want = headers["X-Webhook-Signature"][0]
	got = crypto.createHmac("sha256", Buffer.from(secret, "base64")).update(headers["X-Webhook-Timestamp"][0] + "." + again).digest("base64")
} else if (platform == "livekit") {
	// The hash is over the bytes as they came; the token is signed with the secret as it is.
	const [head, claims, sig] = headers["Authorization"][0].split(".")
	const hash = crypto.createHash("sha256").update(text).digest("base64")
	want = sig + hash
	got = crypto.createHmac("sha256", secret).update(head + "." + claims).digest("base64url") + JSON.parse(Buffer.from(claims, "base64url")).sha256
} else {
	const [, t, v] = headers["Whereby-Signature"][0].match(/^t=(\d+),v1=([0-9a-f]+)$/)
	want = v
	got = crypto.createHmac("sha256", secret).update(t + "." + again).digest("hex")
}
if (got != want || again != text) { console.log("refused: " + text + "\nstringify: " + again); process.exit(1) }
`

// Receivers that verify over JSON.stringify accept every synthetic webhook, whatever the names in it.
func TestReceiversInJavaScriptAcceptTriggers(t *testing.T) {
	node := peers.Find(t, "node")
	const secret = "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="
	for _, d := range drivers() {
		made, err := d.Open(provider.Account{Name: "a", Platform: d.Platform, APIKey: "k", APISecret: "s", APIURL: cmp.Or(d.DefaultURL, "http://127.0.0.1:9"), WebhookSecret: secret}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := made.(provider.Synthesizer)
		if !ok {
			continue
		}
		for word, kind := range d.Types {
			r, err := s.Synthesize(provider.SyntheticEvent{
				Kind: kind, Room: "demo-1", MeetingID: "987", Name: "Zoë & <Bo> \u2028\\u2028 \"\b\x01 \U0001f600", Session: "s-1",
				ID: "i-1", At: time.UnixMilli(1750000000250),
			})
			if err != nil {
				t.Errorf("%s %s: %v", d.Platform, word, err)
				continue
			}
			in, err := json.Marshal(struct {
				Platform provider.Platform `json:"platform"`
				Secret   string            `json:"secret"`
				Headers  http.Header       `json:"headers"`
				Body     []byte            `json:"body"`
			}{d.Platform, secret, r.Header, r.Body})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(node, "-e", jsReceiver)
			cmd.Stdin = strings.NewReader(string(in))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v: %s", d.Platform, word, err, out)
			}
		}
	}
}
