package hub

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/daily"
)

func TestForwardsAreAddedChangedAndRemoved(t *testing.T) {
	dev, other := newReceiver(accepts), newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: dev, hooks + "2": other})
	ctx := t.Context()
	b.joins(1)
	made, err := b.AddForward(ctx, app.ForwardSpec{Name: "dev", URL: hooks})
	if err != nil || made.Source != app.ForwardByCommand || made.State != app.ForwardRunning || made.Queue != 0 {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := b.AddForward(ctx, app.ForwardSpec{Name: "dev", URL: hooks + "2"}); !errors.Is(err, provider.Conflict) {
		t.Errorf("a second one: %v", err)
	}
	for _, bad := range []app.ForwardSpec{
		{Name: "", URL: hooks}, {Name: "-x", URL: hooks}, {Name: "a b", URL: hooks}, {Name: "x", URL: "nowhere"},
		{Name: "x", URL: hooks, Filter: "knd:x"}, {Name: "x", URL: hooks, CA: "no certificate"}, {Name: "x", URL: hooks, CA: "x", Insecure: true},
	} {
		if _, err := b.AddForward(ctx, bad); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	first := b.joins(2)
	b.await("dev", first[1])
	paused, err := b.EditForward(ctx, app.ForwardPatch{Name: "dev", Paused: ptr(true)})
	if err != nil || paused.State != app.ForwardPaused {
		t.Fatalf("%+v, %v", paused, err)
	}
	waiting := b.joins(3)
	if f := b.forward1("dev"); f.Queue != 3 || f.Position != first[1] {
		t.Errorf("a paused forward: %+v", f)
	}
	b.close() // the pause lasts
	b.open()
	b.Start()
	if f := b.forward1("dev"); f.State != app.ForwardPaused || f.Queue != 3 {
		t.Errorf("after a restart: %+v", f)
	}
	if _, err := b.EditForward(ctx, app.ForwardPatch{Name: "dev", URL: ptr(hooks + "2"), Paused: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	b.await("dev", waiting[2])
	if got := other.got(); !slices.Equal(got, waiting) {
		t.Errorf("after a change of the target it got %v, not %v", got, waiting)
	}
	if _, err := b.EditForward(ctx, app.ForwardPatch{Name: "dev", From: &first[1]}); err != nil {
		t.Fatal(err)
	}
	b.await("dev", waiting[2])
	if got := other.got(); !slices.Equal(got, slices.Concat(waiting, first[1:], waiting)) {
		t.Errorf("sent again from %d: %v", first[1], got)
	}
	for _, err := range []error{
		second(b.EditForward(ctx, app.ForwardPatch{Name: "none"})), second(b.RemoveForward(ctx, app.ForwardRef{Name: "none"})),
	} {
		if !errors.Is(err, provider.NotFound) {
			t.Error(err)
		}
	}
	if _, err := b.EditForward(ctx, app.ForwardPatch{Name: "dev", Filter: ptr("(")}); !errors.Is(err, provider.Invalid) {
		t.Error(err)
	}
	if gone, err := b.RemoveForward(ctx, app.ForwardRef{Name: "dev"}); err != nil || gone.Name != "dev" {
		t.Errorf("%+v, %v", gone, err)
	}
	b.joins(1)
	if all, err := b.Forwards(ctx, app.ForwardQuery{}); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// A forward isn't retrying once the event that its target refused is selected no more.
func TestAnEventThatIsFilteredAwayIsNotRetried(t *testing.T) {
	target := newReceiver(func(uint64) app.Attempt { return app.Attempt{Status: 503} })
	b := forwarding(t, map[string]*receiver{hooks: target})
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	b.joins(1)
	b.awaitTries("dev", 1)
	if f := b.forward1("dev"); f.State != app.ForwardRetrying || f.Queue != 1 {
		t.Errorf("a target that refuses: %+v", f)
	}
	f, err := b.EditForward(t.Context(), app.ForwardPatch{Name: "dev", Filter: ptr("kind:recording.ready")})
	if err != nil || f.State != app.ForwardRunning || f.Queue != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

func second[T any](_ T, err error) error { return err }

// forward1 returns a forward as it is.
func (b *bench) forward1(name string) app.Forward {
	b.t.Helper()
	all, err := b.Forwards(context.Background(), app.ForwardQuery{})
	i := slices.IndexFunc(all, func(f app.Forward) bool { return f.Name == name })
	if err != nil || i < 0 {
		b.t.Fatalf("%+v, %v", all, err)
	}
	return all[i]
}

// A forward sends what its filter selects: of events that didn't happen only those that the filter asks for, in the same order.
func TestForwardsSendWhatTheirFiltersSelect(t *testing.T) {
	targets := map[string]*receiver{}
	filters := map[string]string{
		"": "", "ada": "participant:Ada", "bad": "verdict:rejected", "twice": "is:duplicate", "all": "verdict:verified,rejected is:duplicate or verdict:verified,rejected",
		"tests": "kind:test,participant.joined",
	}
	for name := range filters {
		targets[hooks+name] = newReceiver(accepts)
	}
	b := forwarding(t, targets)
	for name, f := range filters {
		if _, err := b.AddForward(t.Context(), app.ForwardSpec{Name: "f" + name, URL: hooks + name, Filter: f}); err != nil {
			t.Fatal(err)
		}
	}
	joined := func(name, id string) provider.Event {
		e := join("office", id, t0)
		e.Participant.Name = name
		return e
	}
	ada := b.event(joined("Ada", "1")).Seq
	again := b.event(joined("Ada", "1")).Seq
	bo := b.event(joined("Bo", "2")).Seq
	rejected := b.send("bad", []byte(`{}`)).Seq
	ping := b.event(provider.Event{Kind: provider.KindTest, Type: "test"}).Seq
	last := b.event(joined("Ada", "3")).Seq
	want := map[string][]uint64{
		"": {ada, bo, last}, "ada": {ada, last}, "bad": {rejected}, "twice": {again}, "all": {ada, again, bo, rejected, last}, "tests": {ada, bo, ping, last},
	}
	for name, seqs := range want {
		b.await("f"+name, seqs[len(seqs)-1])
		if got := targets[hooks+name].got(); !slices.Equal(got, seqs) {
			t.Errorf("%q sent %v, want %v", filters[name], got, seqs)
		}
		if f := b.forward1("f" + name); f.Queue != 0 {
			t.Errorf("%q: %+v", filters[name], f)
		}
	}
	// The attempt is stored with a rejected event too.
	if d, err := b.Event(t.Context(), app.EventRef{Seq: rejected}); err != nil || len(d.Forwards) != 2 || d.Forwards[0].Status != 200 {
		t.Errorf("%+v, %v", d.Forwards, err)
	}
}

// A forward with a secret of its own signs events as their platform does.
func TestForwardsSignAgain(t *testing.T) {
	const own, theirs = "b3du", "dGhlaXJz"
	p, err := daily.New(provider.Account{Name: "daily", Platform: provider.Daily, APIKey: "k", WebhookSecret: own}, daily.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := daily.New(provider.Account{Name: "there", Platform: provider.Daily, APIKey: "k", WebhookSecret: theirs}, daily.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan app.Delivery, 10)
	b := newBench(t)
	b.close()
	b.accounts = []Account{{Account: provider.Account{Name: "daily", Platform: provider.Daily, WebhookSecret: own}, Provider: p}}
	b.forward = func(_ context.Context, _ app.ForwardTarget, d app.Delivery) app.Attempt {
		got <- d
		return app.Attempt{Status: 200}
	}
	b.open()
	b.Start()
	if _, err := b.AddForward(t.Context(), app.ForwardSpec{Name: "dev", URL: hooks, Resign: "not base64!"}); provider.KindOf(err) != provider.Invalid {
		t.Errorf("a secret that can't sign: %v", err)
	}
	if _, err := b.AddForward(t.Context(), app.ForwardSpec{Name: "dev", URL: hooks, Resign: theirs}); err != nil {
		t.Fatal(err)
	}
	made, err := p.Synthesize(provider.SyntheticEvent{Kind: provider.KindParticipantJoined, Room: "r", Session: "s", ID: "i", At: b.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	made.Header.Set("X-Other", "stays")
	a, err := b.Ingest(t.Context(), app.Inbound{Account: "daily", Method: "POST", Target: "/hooks/daily", Header: made.Header, Body: made.Body, ReceivedAt: b.clock.Now()})
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("%+v, %v", a, err)
	}
	select {
	case d := <-got:
		w, err := reader.ReadWebhook(provider.WebhookRequest{Header: d.Headers, Body: d.Body, ReceivedAt: b.clock.Now()})
		if err != nil || w.Verdict != provider.Verified || d.Headers.Get("X-Other") != "stays" {
			t.Errorf("%+v, %v: %v", w, err, d.Headers)
		}
	case <-time.After(patience):
		t.Fatal("nothing was sent")
	}
	stored, err := b.Event(t.Context(), app.EventRef{Seq: a.Seq})
	if err != nil || stored.Headers.Get("X-Webhook-Signature") != made.Header.Get("X-Webhook-Signature") {
		t.Errorf("the event itself was changed: %v, %v", stored.Headers, err)
	}
	if f := b.forward1("dev"); !f.Resign {
		t.Errorf("%+v", f)
	}
}

// The forwards of the configuration are those of the file: changed by it alone, paused while it lacks them.
func TestForwardsOfTheConfiguration(t *testing.T) {
	dev := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: dev})
	b.close()
	b.configured = []app.ForwardSpec{{Name: "dev", URL: hooks, Filter: "participant:*"}}
	b.open()
	b.Start()
	if f := b.forward1("dev"); f.Source != app.ForwardByFile || f.State != app.ForwardRunning || f.Filter == "" {
		t.Fatalf("%+v", f)
	}
	first := b.joins(1)[0]
	b.await("dev", first)
	for _, err := range []error{
		second(b.EditForward(t.Context(), app.ForwardPatch{Name: "dev", Filter: ptr("")})), second(b.RemoveForward(t.Context(), app.ForwardRef{Name: "dev"})),
	} {
		if !errors.Is(err, provider.Conflict) {
			t.Error(err)
		}
	}
	if f, err := b.EditForward(t.Context(), app.ForwardPatch{Name: "dev", Paused: ptr(true)}); err != nil || f.State != app.ForwardPaused {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := b.EditForward(t.Context(), app.ForwardPatch{Name: "dev", Paused: ptr(false)}); err != nil || f.State != app.ForwardRunning {
		t.Errorf("%+v, %v", f, err)
	}
	listed := b.configured
	b.close()
	b.configured = nil
	b.open()
	b.Start()
	waiting := b.joins(1)[0]
	if f := b.forward1("dev"); f.State != app.ForwardPaused || f.Queue != 1 {
		t.Errorf("no longer in the file: %+v", f)
	}
	b.close()
	b.configured = listed
	b.open()
	b.Start()
	b.await("dev", waiting)
	if got := dev.got(); !slices.Equal(got, []uint64{first, waiting}) {
		t.Errorf("it got %v", got)
	}
	b.close()
	b.configured = nil
	b.open()
	b.Start()
	if _, err := b.RemoveForward(t.Context(), app.ForwardRef{Name: "dev"}); err != nil {
		t.Error(err)
	}
}

// A forward checks certificates with those that it was given, or none at all; a change of one takes the other back.
func TestTheCertificatesOfAForward(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	server.Close()
	b := forwarding(t, map[string]*receiver{hooks: newReceiver(accepts)})
	ctx := t.Context()
	if _, err := b.AddForward(ctx, app.ForwardSpec{Name: "both", URL: hooks, CA: ca, Insecure: true}); !errors.Is(err, provider.Invalid) || app.AsError(err).Hint != "use either --ca or --insecure" {
		t.Errorf("both: %v", err)
	}
	if _, err := b.AddForward(ctx, app.ForwardSpec{Name: "bad", URL: hooks, CA: "no certificate"}); !errors.Is(err, provider.Invalid) {
		t.Errorf("no certificate: %v", err)
	}
	if _, err := b.AddForward(ctx, app.ForwardSpec{Name: "dev", URL: hooks, Insecure: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		patch    app.ForwardPatch
		ca       string
		insecure bool
	}{
		{"as it was made", app.ForwardPatch{Paused: ptr(false)}, "", true},
		{"certificates", app.ForwardPatch{CA: &ca}, ca, false},
		{"insecure again", app.ForwardPatch{Insecure: ptr(true)}, "", true},
		{"no certificates changes nothing", app.ForwardPatch{CA: ptr("")}, "", true},
		{"secure", app.ForwardPatch{Insecure: ptr(false)}, "", false},
		{"certificates again", app.ForwardPatch{CA: &ca, Insecure: ptr(false)}, ca, false},
		{"it stays secure", app.ForwardPatch{Insecure: ptr(false)}, ca, false},
	} {
		if _, err := b.EditForward(ctx, func() app.ForwardPatch { c.patch.Name = "dev"; return c.patch }()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if j := b.job("dev"); j.CA != c.ca || j.Insecure != c.insecure {
			t.Errorf("%s: %q, %t", c.name, j.CA, j.Insecure)
		}
		if f := b.forward1("dev"); f.CA != (c.ca != "") || f.Insecure != c.insecure {
			t.Errorf("%s: shown as %+v", c.name, f)
		}
	}
	if _, err := b.EditForward(ctx, app.ForwardPatch{Name: "dev", CA: &ca, Insecure: ptr(true)}); !errors.Is(err, provider.Invalid) {
		t.Errorf("both: %v", err)
	}
}

// What a filter selects is decided when it is set: a time in it means the moment of the change.
func TestAFilterIsReadWhenItIsSet(t *testing.T) {
	b := forwarding(t, map[string]*receiver{hooks: newReceiver(accepts)})
	set := func(f string) string {
		t.Helper()
		b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand, Filter: f})
		return fmt.Sprint(b.job("dev").Selects)
	}
	first := set("since:1h")
	b.clock.Advance(time.Hour)
	if got := set("since:1h"); got != first {
		t.Errorf("set again it selects %s, not %s", got, first)
	}
	if got := set("since:3h"); got == first {
		t.Errorf("another filter selects the same: %s", got)
	}
}
