package export

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	martian "github.com/google/martian/v3/har"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"greenroom/internal/app"
	"greenroom/internal/peers"
)

// easilyChanged are events with bodies that are easily changed, two of 1 MiB and more, and with odd targets and headers.
func easilyChanged() (all []app.Delivery) {
	for i, body := range append(bodies[:len(bodies):len(bodies)], strings.Repeat("{\"n\":1}\n", 1<<17), strings.Repeat("x\xff\u2028\n", 1<<18)) {
		all = append(all, app.Delivery{
			Seq: uint64(i + 1), At: app.At(time.Unix(1700000000+int64(i), 5e6)), Account: "daily", Method: []string{"POST", "PUT"}[i%2], Status: 200 + i,
			Target:  "/a b\xff%2F%zz#[" + fmt.Sprint(i) + "?x=%20&y=\xff&&z",
			Headers: http.Header{"X": {"caf\xe9", ""}, "X-Twice": {"1", "2"}, "Content-Type": {"application/json"}}, Body: app.Body(body), Size: int64(len(body)),
		})
	}
	return all
}

// pairs are the headers of an event as HAR has them, in order: texts.
func pairs(d app.Delivery) (out []string) {
	for _, n := range slices.Sorted(maps.Keys(d.Headers)) {
		for _, v := range d.Headers[n] {
			out = append(out, n+": "+strings.ToValidUTF8(v, "\uFFFD"))
		}
	}
	return out
}

// address is the URL of an event in HAR.
func address(i int) string {
	return fmt.Sprintf("http://127.0.0.1:7070/a%%20b%%FF%%2F%%25zz%%23%%5B%d?x=%%20&y=%%FF&&z", i)
}

// HAR files satisfy the schema of HAR 1.2 (https://github.com/ahmadnassri/node-har-schema).
func TestHARSatisfiesItsSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := filepath.Glob("testdata/har-schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(path, err)
		}
		if err := c.AddResource("https://har.example/"+filepath.Base(path), doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("https://har.example/har.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(file []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
	all := easilyChanged()
	for _, events := range [][]app.Delivery{nil, all[:1], all} {
		if err := check(write(t, HAR, events...)); err != nil {
			t.Error(err)
		}
	}
	good := string(write(t, HAR, all[1]))
	for from, to := range map[string]string{`"version":"1.2",`: "", `"url":"http:`: `"url":"::`, `T22:13:21.005Z`: "", `"bodySize":`: `"bodySize":0.5,"x":`, `"mimeType":`: `"type":`} {
		if bad := strings.ReplaceAll(good, from, to); bad == good || check([]byte(bad)) == nil {
			t.Errorf("without %s the file satisfies the schema, too: %.500s", from, bad)
		}
	}
}

// A reader of others, that of Google's proxy Martian, makes the same requests of a HAR file, with every byte of their bodies.
func TestOthersReadTheRequestsOfHAR(t *testing.T) {
	all := easilyChanged()
	var file martian.HAR
	if err := json.Unmarshal(write(t, HAR, all...), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Log.Entries) != len(all) {
		t.Fatalf("%d entries", len(file.Log.Entries))
	}
	for i, e := range file.Log.Entries {
		r, d := e.Request, all[i]
		body := ""
		if r.PostData != nil {
			body = r.PostData.Text
		}
		var headers []string
		for _, h := range r.Headers {
			headers = append(headers, h.Name+": "+h.Value)
		}
		if body != string(d.Body) || r.BodySize != int64(len(d.Body)) {
			t.Errorf("event %d: %d bytes of %d are other ones: %.80q, not %.80q", d.Seq, r.BodySize, len(d.Body), body, d.Body)
		}
		if r.Method != d.Method || r.URL != address(i) || !cmp.Equal(headers, pairs(d)) || !e.StartedDateTime.Equal(d.At.Time) || e.Response.Status != d.Status {
			t.Errorf("event %d: %s %s %q %s %d", d.Seq, r.Method, r.URL, headers, e.StartedDateTime, e.Response.Status)
		}
	}
}

// loadHAR loads a file as the button "Import HAR file" of Chromium's developer tools does, and returns what the Network panel has
// then.
const loadHAR = `(async har => {
	const part = path => import('devtools://devtools/bundled/' + path);
	const { NetworkPanel } = await part('panels/network/network.js');
	const { NetworkLog } = await part('models/logs/logs.js');
	await NetworkPanel.NetworkPanel.instance().networkLogView.onLoadFromFile(new File([har], 'events.har'));
	return Promise.all(NetworkLog.NetworkLog.instance().requests().map(async r => ({
		method: r.requestMethod, url: r.url(), status: r.statusCode, at: r.issueTime(), body: await r.requestFormData() ?? '',
		headers: r.requestHeaders().map(h => h.name + ': ' + h.value),
	})));
})`

// Chromium's developer tools open HAR files: their Network panel has each event with its URL, headers and body. It shows bodies that
// aren't text as the base64 that they are in the file.
func TestHAROpensInTheDeveloperTools(t *testing.T) {
	browser := peers.Browser(t, nil)
	all := easilyChanged()
	file, err := json.Marshal(string(write(t, HAR, all...)))
	if err != nil {
		t.Fatal(err)
	}
	type request struct {
		Method, URL, Body string
		Status            int
		At                float64
		Headers           []string
	}
	if err := chromedp.Do(browser, chromedp.Navigate("devtools://devtools/bundled/devtools_app.html?panel=network")); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(browser, chromedp.Evaluate[[]request](loadHAR+"("+string(file)+")", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var want []request
	for i, d := range all {
		body := string(d.Body)
		if !utf8.Valid(d.Body) {
			body = base64.StdEncoding.EncodeToString(d.Body)
		}
		want = append(want, request{d.Method, address(i), body, d.Status, float64(d.At.UnixNano()) / 1e9, pairs(d)})
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 0.001)); diff != "" {
		t.Errorf("-want +got:\n%.3000s", diff)
	}
}
