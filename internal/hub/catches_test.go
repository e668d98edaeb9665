package hub

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catch"
	"greenroom/provider"
)

func (b *bench) catch(spec app.CatchSpec) app.Catch {
	b.t.Helper()
	c, err := b.CreateCatch(b.t.Context(), spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// post posts a request to a catch.
func (b *bench) post(c app.Catch, target string, h http.Header, body string) app.Answer {
	b.t.Helper()
	a, err := b.Ingest(b.t.Context(), app.Inbound{
		Account: app.CatchAccount(c.Name), Method: "PUT", Target: target, Header: h, Body: []byte(body), ReceivedAt: b.clock.Now(),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *bench) signedFor(scheme, secret, body string) http.Header {
	b.t.Helper()
	s, err := catch.Parse(scheme)
	if err != nil {
		b.t.Fatal(err)
	}
	h, err := s.Sign(nil, []byte(body), secret, b.clock.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return h
}

func TestCatchesVerifyStoreAndAnswer(t *testing.T) {
	b := newBench(t)
	c := b.catch(app.CatchSpec{Name: "pay-ments", Scheme: "stripe", Secret: "hush", Status: 202, Answer: `{"queued":true}`})
	if !strings.HasPrefix(c.Path, "/catch/pay-ments-") || len(c.Path) < len("/catch/pay-ments-")+25 || c.URL != "" || c.Events != 0 {
		t.Fatalf("%+v", c)
	}
	const body = `{"id":"evt_1","type":"charge.succeeded"}`
	a := b.post(c, c.Path+"/any/path?q=1", b.signedFor("stripe", "hush", body), body)
	if a.Status != 202 || a.Text != `{"queued":true}` || a.ContentType != "application/json" || !a.Stored {
		t.Errorf("an event: %+v", a)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq})
	if err != nil || d.Account != "catch:pay-ments" || d.Verdict != provider.Verified || d.Type != "charge.succeeded" || d.ProviderID != "evt_1" ||
		string(d.Body) != body || d.Status != 202 || d.Kind != provider.KindUnknown {
		t.Errorf("%+v, %v", d, err)
	}
	for name, h := range map[string]http.Header{"unsigned": {}, "of another": b.signedFor("stripe", "other", body)} {
		if a := b.post(c, c.Path, h, body); a.Status != 401 || strings.Contains(a.Text, "hush") {
			t.Errorf("%s: %+v", name, a)
		}
	}
	h := b.signedFor("stripe", "hush", body)
	b.clock.Advance(6 * time.Minute)
	stale := b.post(c, c.Path, h, body)
	if d, err := b.Event(t.Context(), app.EventRef{Seq: stale.Seq}); stale.Status != 401 || err != nil || d.Reason != "the signature is stale: 6m0s old" {
		t.Errorf("stale: %+v, %+v, %v", stale, d, err)
	}
	quoted := b.post(c, c.Path, b.signedFor("stripe", "hush\n", body), body)
	if d, _ := b.Event(t.Context(), app.EventRef{Seq: quoted.Seq}); !strings.Contains(d.Reason, "ends with a newline") {
		t.Errorf("the cause: %+v", d)
	}
	for _, target := range []string{"/catch/pay-ments", "/catch/pay-ments-", c.Path[:len(c.Path)-1], c.Path + "x", "/catch/other-" + c.Path[17:], "%"} {
		if a := b.post(c, target, b.signedFor("stripe", "hush", body), body); a.Status != 404 {
			t.Errorf("%s: %+v", target, a)
		}
	}
	all, err := b.Catches(t.Context(), app.CatchQuery{})
	if err != nil || len(all) != 1 || all[0].Events != 1 || all[0].Rejected != 4 {
		t.Errorf("%+v, %v", all, err)
	}
	if page, err := b.Events(t.Context(), app.EventQuery{Account: "catch:pay-ments", Verdict: provider.Verified}); err != nil || len(page.Events) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if rooms, _ := b.Rooms(t.Context(), app.RoomQuery{}); len(rooms) != 0 {
		t.Errorf("it made %v", rooms)
	}
	b.close()
	b.open()
	if a := b.post(c, c.Path, b.signedFor("stripe", "hush", body), body); a.Status != 202 {
		t.Errorf("after a restart: %+v", a)
	}
	if gone, err := b.RemoveCatch(t.Context(), app.CatchRef{Name: "pay-ments"}); err != nil || gone.Name != "pay-ments" || gone.Events != 2 {
		t.Fatalf("%+v, %v", gone, err)
	}
	if a := b.post(c, c.Path, b.signedFor("stripe", "hush", body), body); a.Status != 404 {
		t.Errorf("after it was removed: %+v", a)
	}
	if page, err := b.Events(t.Context(), app.EventQuery{Account: "catch:pay-ments"}); err != nil || len(page.Events) != 0 {
		t.Errorf("its events: %+v, %v", page, err)
	}
	if _, err := b.RemoveCatch(t.Context(), app.CatchRef{Name: "pay-ments"}); !errors.Is(err, provider.NotFound) {
		t.Error(err)
	}
}

func TestCatchesThatCantBe(t *testing.T) {
	b := newBench(t)
	b.catch(app.CatchSpec{Name: "first-one", Scheme: "none"})
	for _, spec := range []app.CatchSpec{
		{Name: "", Scheme: "none"}, {Name: "a/b", Scheme: "none"}, {Name: "x", Scheme: "nonsense"}, {Name: "x", Scheme: "github"},
		{Name: "x", Scheme: "standard-webhooks", Secret: "!"}, {Name: "x", Scheme: "none", Secret: "s"}, {Name: "x", Scheme: "none", Status: 99},
		{Name: "x", Scheme: "none", Answer: strings.Repeat("x", maxRespond+1)},
	} {
		if _, err := b.CreateCatch(t.Context(), spec); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
	if _, err := b.CreateCatch(t.Context(), app.CatchSpec{Name: "first-one", Scheme: "none"}); !errors.Is(err, provider.Conflict) {
		t.Error(err)
	}
}

// Without a scheme events are unverified and kept all the same. Challenges are answered only when they are signed.
func TestChallengesAndUnsignedEvents(t *testing.T) {
	b := newBench(t)
	open := b.catch(app.CatchSpec{Name: "open", Scheme: "none"})
	a := b.post(open, open.Path, http.Header{}, "anything")
	if d, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq}); a.Status != 200 || a.Text != "ok" || err != nil || d.Verdict != provider.Unverified {
		t.Errorf("%+v, %+v, %v", a, d, err)
	}
	s := b.catch(app.CatchSpec{Name: "slack", Scheme: "slack", Secret: "hush"})
	const challenge = `{"type":"url_verification","challenge":"c-1"}`
	if a := b.post(s, s.Path, b.signedFor("slack", "hush", challenge), challenge); a.Status != 200 || a.Text != "c-1" || a.ContentType == "" {
		t.Errorf("%+v", a)
	}
	if a := b.post(s, s.Path, b.signedFor("slack", "other", challenge), challenge); a.Status != 401 || strings.Contains(a.Text, "c-1") {
		t.Errorf("%+v", a)
	}
	relayed := app.Inbound{
		Account: "catch:slack", Method: "POST", Target: s.Path, Header: b.signedFor("slack", "hush", challenge), Body: []byte(challenge),
		ReceivedAt: b.clock.Now(), Position: b.relayed(1, "", nil).Position,
	}
	if got := b.batch(relayed); got[0].Text != "c-1" || !got[0].Stored {
		t.Errorf("through a relay: %+v", got)
	}
}

// Each catch has a ring of its own, and rejected events displace no others.
func TestCatchesHaveQuotas(t *testing.T) {
	b := newBench(t)
	small, signed := b.catch(app.CatchSpec{Name: "a", Scheme: "none"}), b.catch(app.CatchSpec{Name: "b", Scheme: "github", Secret: "hush"})
	first := b.post(signed, signed.Path, b.signedFor("github", "hush", "x"), "x")
	var batch []app.Inbound
	at := b.relayed(1, "", nil).Position
	for n := range 1100 {
		p := *at
		p.Seq = uint64(n + 1)
		batch = append(batch,
			app.Inbound{Account: "catch:a", Method: "POST", Target: small.Path, Body: []byte("x"), ReceivedAt: b.clock.Now(), Position: &p})
	}
	b.batch(batch...)
	batch = batch[:0]
	for n := range 1100 {
		p := *at
		p.Seq = uint64(n + 1101)
		batch = append(batch,
			app.Inbound{Account: "catch:b", Method: "POST", Target: signed.Path, Body: []byte("x"), ReceivedAt: b.clock.Now(), Position: &p})
	}
	b.batch(batch...)
	all, err := b.Catches(t.Context(), app.CatchQuery{})
	if err != nil || len(all) != 2 || all[0].Events != 1000 || all[1].Events != 1 || all[1].Rejected != 1000 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := b.Event(t.Context(), app.EventRef{Seq: first.Seq}); err != nil {
		t.Errorf("the accepted one: %v", err)
	}
}

// Events of catches are forwarded, with a signature of the same scheme where the forward has a secret.
func TestCaughtEventsAreForwarded(t *testing.T) {
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: target})
	c := b.catch(app.CatchSpec{Name: "gh", Scheme: "github", Secret: "hush"})
	if _, err := b.AddForward(t.Context(), app.ForwardSpec{Name: "dev", URL: hooks, Filter: "account:catch:gh", Resign: "theirs"}); err != nil {
		t.Fatal(err)
	}
	a := b.post(c, c.Path, b.signedFor("github", "hush", "x"), "x")
	b.await("dev", a.Seq)
	if got := target.got(); !slices.Equal(got, []uint64{a.Seq}) {
		t.Errorf("%v", got)
	}
	d, err := b.resigned(app.Delivery{Account: "catch:gh", Headers: http.Header{"X-Other": {"1"}}, Body: app.Body("x")}, "theirs")
	if want := b.signedFor("github", "theirs", "x"); err != nil || d.Headers.Get("X-Hub-Signature-256") != want.Get("X-Hub-Signature-256") || d.Headers.Get("X-Other") != "1" {
		t.Errorf("%v, %v", d.Headers, err)
	}
}

// An event of a catch can be taken in again, and signed again with the catch's secret.
func TestEventsOfACatchAreReplayed(t *testing.T) {
	b := newBench(t)
	c := b.catch(app.CatchSpec{Name: "pay", Scheme: "stripe", Secret: "hush", Status: 200, Answer: "ok"})
	const body, changed = `{"id":"evt_1","type":"a"}`, `{"id":"evt_2","type":"b"}`
	first := b.post(c, c.Path, b.signedFor("stripe", "hush", body), body)
	b.clock.Advance(time.Hour)
	a, err := b.Replay(t.Context(), app.Replay{Seq: first.Seq})
	if err != nil || a.Status != 200 || !a.Stored {
		t.Fatalf("%+v, %v", a, err)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq})
	if err != nil || d.ReplayOf != app.Seq(first.Seq) || d.Verdict != provider.Verified || d.Account != "catch:pay" || string(d.Body) != body {
		t.Errorf("%+v, %v", d, err)
	}
	in := app.Inbound{Account: d.Account, Method: d.Method, Target: d.Target, Header: d.Headers, Body: []byte(changed), ReceivedAt: b.clock.Now()}
	signed, err := b.Resign(t.Context(), app.ResignRequest{Request: in})
	if err != nil {
		t.Fatal(err)
	}
	if a := b.post(c, signed.Target, http.Header(signed.Header), changed); a.Status != 200 {
		t.Errorf("signed again: %+v", a)
	}
	in.Body, in.ReceivedAt = []byte(body), d.At.Time.Add(-time.Hour)
	if again, err := b.Resign(t.Context(), app.ResignRequest{Request: in, IfStale: true}); err != nil || slices.Equal(http.Header(again.Header)["Stripe-Signature"], d.Headers["Stripe-Signature"]) {
		t.Errorf("a stale signature stays: %+v, %v", again.Header, err)
	}
	in.ReceivedAt = b.clock.Now() // it was stale on its arrival, too, and rejected
	if again, err := b.Resign(t.Context(), app.ResignRequest{Request: in, IfStale: true}); err != nil || slices.Equal(http.Header(again.Header)["Stripe-Signature"], d.Headers["Stripe-Signature"]) {
		t.Errorf("the signature of an event that was rejected as stale stays: %+v, %v", again.Header, err)
	}
	in.Body = []byte(changed) // forged: its signature was never right
	if again, err := b.Resign(t.Context(), app.ResignRequest{Request: in, IfStale: true}); err != nil || !slices.Equal(http.Header(again.Header)["Stripe-Signature"], d.Headers["Stripe-Signature"]) {
		t.Errorf("a forged event is signed: %+v, %v", again.Header, err)
	}
}

// A catch has a public address while the tunnel is live and has one.
func TestTheAddressOfACatch(t *testing.T) {
	b := newBench(t)
	path := b.catch(app.CatchSpec{Name: "pay", Scheme: "none"}).Path
	for _, c := range []struct{ state, url, want string }{
		{"live", "https://a.example", "https://a.example" + path}, {"live", "https://a.example/h/x/", "https://a.example/h/x" + path},
		{"live", "", ""}, {"degraded", "https://a.example", ""},
	} {
		r := live("a", c.url)
		r.Status.State = c.state
		b.report(r)
		if all, err := b.Catches(t.Context(), app.CatchQuery{}); err != nil || len(all) != 1 || all[0].URL != c.want || all[0].Path != path {
			t.Errorf("%+v: %+v, %v", c, all, err)
		}
	}
}

// What a catch responds, and how many there are, has limits; what lies on them is accepted.
func TestTheLimitsOfCatches(t *testing.T) {
	b := newBench(t)
	for n, spec := range []app.CatchSpec{
		{Status: 200}, {Status: 599}, {Answer: strings.Repeat("x", maxRespond), Status: 200}, {Name: strings.Repeat("n", 40)},
	} {
		spec.Name, spec.Scheme = cmp.Or(spec.Name, fmt.Sprintf("fine%d", n)), "none"
		c, err := b.CreateCatch(t.Context(), spec)
		if want := strings.TrimSpace(fmt.Sprint(cmp.Or(spec.Status, 200), " ", cmp.Or(spec.Answer, map[bool]string{true: "ok"}[spec.Status == 0]))); err != nil || c.Respond != want {
			t.Errorf("%+v: %+v, %v", spec, c, err)
		}
	}
	for _, spec := range []app.CatchSpec{{Status: 199}, {Status: 600}, {Name: strings.Repeat("n", 41)}} {
		spec.Name, spec.Scheme = cmp.Or(spec.Name, "bad"), "none"
		if _, err := b.CreateCatch(t.Context(), spec); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
	for n := 4; n < maxCatches; n++ {
		b.catch(app.CatchSpec{Name: fmt.Sprintf("c%d", n), Scheme: "none"})
	}
	if _, err := b.CreateCatch(t.Context(), app.CatchSpec{Name: "more", Scheme: "none"}); !errors.Is(err, provider.Conflict) {
		t.Errorf("one more than fit: %v", err)
	}
}

func TestTheContentTypeOfAnAnswer(t *testing.T) {
	const text, object = "text/plain; charset=utf-8", "application/json"
	for in, want := range map[string]string{
		"ok": text, `{"a":1}`: object, " [1]\n": object, "{": text, "[": text, "1": text, "": text, `"x"`: text,
	} {
		if got := contentType(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}
