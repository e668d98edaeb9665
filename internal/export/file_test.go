package export

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"go/format"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	_ "greenroom/internal/cases"
	"greenroom/provider"
)

// write exports events.
func write(t testing.TB, form Form, all ...app.Delivery) []byte {
	var b bytes.Buffer
	w := NewWriter(&b, Options{Form: form, Base: "http://127.0.0.1:7070", Version: "v1", Save: func(string, []byte) (string, error) { return "file", nil }})
	for _, d := range all {
		if err := w.Write(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(t testing.TB, b []byte) (all []app.Delivery) {
	if err := Read(bytes.NewReader(b), func(d app.Delivery) error { all = append(all, d); return nil }); err != nil {
		t.Fatalf("%v: %.300s", err, b)
	}
	return all
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// bodies are those that are easily changed.
var bodies = []string{
	"", `{"n":12345678901234567890}`, `{"a":1,"a":2}`, `{"u":"http:\/\/x\/y","e":"\u00e9\u2028"}`, "\xff\xfe\x00", zipped(`{"a":1}`),
	"\r\n\t ", "`", `{ "a" : 1.50 }`, "\u202e\u2028", "\ufeff{}", `"quoted" 'single' \n`, "</script>&<>", "1e400",
}

func event(t *rapid.T) app.Delivery {
	text := rapid.SampledFrom([]string{"", "a", "Zoë", "a b", "\xff", "\xe9t\xe9", "\"", "'", "\\", "{}", "\u202e", "\t"})
	d := app.Delivery{
		Seq: rapid.Uint64Range(1, math.MaxUint32).Draw(t, "seq"), At: app.At(time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "at"), rapid.Int64Range(0, 999999999).Draw(t, "ns"))),
		Account: rapid.SampledFrom([]string{"daily", "catch:ci"}).Draw(t, "account"), Method: rapid.SampledFrom([]string{"POST", "GET", "PUT"}).Draw(t, "method"),
		Target: "/hooks" + text.Draw(t, "target") + "?" + text.Draw(t, "query"), Headers: http.Header{},
		Body:    app.Body(rapid.OneOf(rapid.SampledFrom(bodies), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "body")),
		Verdict: rapid.SampledFrom([]provider.Verdict{provider.Verified, provider.Rejected, provider.Unverified}).Draw(t, "verdict"),
		Reason:  rapid.SampledFrom([]string{"", "why"}).Draw(t, "reason"), Status: rapid.SampledFrom([]int{200, 401, 503}).Draw(t, "status"),
		Kind: provider.KindParticipantJoined, Type: "own.type", Room: "Zoë's", Meeting: "m", Participant: "Zoë", Session: "s", ProviderID: "evt",
	}
	d.Size = int64(len(d.Body))
	for range rapid.IntRange(0, 4).Draw(t, "headers") {
		n := rapid.SampledFrom([]string{"X-A", "X-B", "Content-Type", "x-lower", "Host"}).Draw(t, "name")
		d.Headers[n] = append(d.Headers[n], text.Draw(t, "value"))
	}
	return d
}

// What is exported as JSON or HAR is read back with every byte.
func TestRoundTrips(t *testing.T) {
	for _, form := range []Form{NDJSON, HAR} {
		t.Run(string(form), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var all []app.Delivery
				for range rapid.IntRange(1, 3).Draw(t, "events") {
					all = append(all, event(t))
				}
				var b bytes.Buffer
				w := NewWriter(&b, Options{Form: form})
				for _, d := range all {
					if err := w.Write(d); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				var got []app.Delivery
				if err := Read(&b, func(d app.Delivery) error { got = append(got, d); return nil }); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(all, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("-want +got:\n%.2000s", diff)
				}
			})
		})
	}
}

func TestALargeBodyComesBack(t *testing.T) {
	body := strings.Repeat("x\xff\u2028\n", 1<<18)
	for _, form := range []Form{NDJSON, HAR} {
		got := readAll(t, write(t, form, app.Delivery{Seq: 1, At: app.At(time.Unix(1, 0)), Method: "POST", Target: "/", Headers: http.Header{"A": {"b"}}, Body: app.Body(body)}))
		if len(got) != 1 || string(got[0].Body) != body {
			t.Errorf("%s: %d events", form, len(got))
		}
	}
}

// Generated Go code is formatted, compiles, and holds the same bytes.
func TestGoCode(t *testing.T) {
	var all []app.Delivery
	for i, body := range bodies {
		all = append(all, app.Delivery{
			Seq: uint64(i + 1), At: app.At(time.Unix(1700000000, 5)), Account: "daily", Kind: provider.KindTest, Method: "POST", Target: "/a?x=\xff" + fmt.Sprint(i),
			Headers: http.Header{"X-Latin": {"caf\xe9", ""}, "X-Longer-Name": {"`"}, "Host": {"h"}}, Body: app.Body(body),
		})
	}
	code := write(t, Go, all...)
	if pretty, err := format.Source(code); err != nil || !bytes.Equal(pretty, code) {
		t.Errorf("it isn't formatted: %v\n%s", err, cmp.Diff(string(pretty), string(code)))
	}
	if empty := write(t, Go); !bytes.HasSuffix(empty, []byte("Event{\n}\n")) {
		t.Errorf("without events: %s", empty)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool")
	}
	dir := t.TempDir()
	const main = `package main
import ("encoding/json"; "io"; "os"; "x/webhooks")
func main() {
	var out [][]byte
	for _, e := range webhooks.Events {
		r := e.Request()
		b, _ := io.ReadAll(r.Body)
		out = append(out, []byte(r.Method), []byte(r.RequestURI), []byte(r.Header["X-Latin"][0]), []byte(r.Host), b)
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}`
	for name, content := range map[string]string{"go.mod": "module x\n\ngo 1.22\n", "main.go": main, "webhooks/webhooks.go": string(code)} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(goTool, "run", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got, want [][]byte
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		want = append(want, []byte("POST"), []byte(d.Target), []byte("caf\xe9"), []byte("h"), append([]byte{}, d.Body...))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

func TestRedact(t *testing.T) {
	d := app.Delivery{
		Headers: http.Header{"X-Webhook-Signature": {"a", "b"}, "Own-Proof": {"x"}, "Authorization": {"Bearer z"}, "Stripe-Signature": {"t"}, "X-Gitlab-Token": {"t"}, "Content-Type": {"application/json"}},
		Body:    app.Body(`{"n":1.50, "turnPassword" : "se\"cret","x":{"turn_password":"two"},"other":"turnPassword"}`),
	}
	got := Redact(d, []string{"own-proof"})
	want := http.Header{"X-Webhook-Signature": {Redacted, Redacted}, "Own-Proof": {Redacted}, "Authorization": {Redacted}, "Stripe-Signature": {Redacted}, "X-Gitlab-Token": {Redacted}, "Content-Type": {"application/json"}}
	if diff := cmp.Diff(want, got.Headers); diff != "" {
		t.Error(diff)
	}
	if w := `{"n":1.50, "turnPassword" : "[redacted]","x":{"turn_password":"[redacted]"},"other":"turnPassword"}`; string(got.Body) != w {
		t.Errorf("%s", got.Body)
	}
	if d.Headers.Get("Authorization") != "Bearer z" || !bytes.Contains(d.Body, []byte("secret")) && !bytes.Contains(d.Body, []byte(`se\"cret`)) {
		t.Error("the event itself was changed")
	}
}

func TestHAROfOthers(t *testing.T) {
	got := readAll(t, []byte(`{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[{"startedDateTime":"2026-01-02T03:04:05.678+01:00","time":5,
		"request":{"method":"POST","url":"https://example.com/a%20b?x=1","httpVersion":"h2","cookies":[],"headers":[{"name":":path","value":"/"},{"name":"content-type","value":"text/plain"}],"queryString":[],
		"postData":{"mimeType":"text/plain","text":"AP8=","encoding":"base64"},"headersSize":-1,"bodySize":2},"response":{"status":204}}]}}`))
	if len(got) != 1 || got[0].Target != "/a%20b?x=1" || got[0].Status != 204 || string(got[0].Body) != "\x00\xff" || got[0].Verdict != provider.Unverified ||
		cmp.Diff(got[0].Headers, http.Header{"Content-Type": {"text/plain"}}) != "" || got[0].At.UnixMilli() != 1767319445678 {
		t.Errorf("%+v", got)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	good := string(write(t, NDJSON, app.Delivery{Seq: 1, At: app.At(time.Unix(1, 0)), Method: "POST", Target: "/", Headers: http.Header{"A": {"b"}}}))
	for text, want := range map[string]string{
		"": "no events", "no json": "event 1 is not JSON", good + "{": "event 2 is not JSON", good + `{"seq":2,"method":"POST","at":"2026-01-01T00:00:00Z"}`: "event 2 has no headers",
		`[1]`: "event 1 can't be read", `{"headers":{"A":["b"]},"body":"","at":"2026-01-01T00:00:00Z"}`: "no method", `{"headers":{"A":["b"]},"body":"","method":"POST"}`: "no time",
		`{"headers":{"A":["b"]},"method":"POST","at":"2026-01-01T00:00:00Z","body":"!","body_encoding":"base64"}`: "can't be read",
		`{"log":{"entries":[{}]}}`: "event 1 has no method", `{"log":{"entries":[1]}}`: "entry 1 can't be read",
	} {
		n := 0
		err := Read(strings.NewReader(text), func(app.Delivery) error { n++; return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if strings.HasPrefix(text, good) && n != 1 {
			t.Errorf("%s: %d events before the error", text, n)
		}
	}
}

func FuzzRead(f *testing.F) {
	d := app.Delivery{Seq: 1, At: app.At(time.Unix(1, 0)), Method: "POST", Target: "/\xff", Headers: http.Header{"A": {"\xff"}}, Body: app.Body("\xff")}
	f.Add(write(f, NDJSON, d))
	f.Add(write(f, HAR, d))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = Read(bytes.NewReader(b), func(d app.Delivery) error {
			again := readAll(t, write(t, NDJSON, d))
			if len(again) != 1 || !bytes.Equal(again[0].Body, d.Body) || again[0].Target != d.Target {
				t.Errorf("%+v becomes %+v", d, again)
			}
			return nil
		})
	})
}
