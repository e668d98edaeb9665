package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/registrar"
	"greenroom/provider"
)

// board is a platform with a webhook API. It admits one webhook, and tests the address before it accepts one.
type board struct {
	*platform
	hooks []provider.Registration
	calls []string
	down  error
	// ping, if any, is how the platform's test of an address is answered.
	ping func(url, secret string) int
	made int
	// lost, if any, is what comes instead of the answer to an update that was carried out.
	lost error
	// mute platforms don't tell whether they are patient.
	mute bool
	// done yields each change, reads each reading of presence.
	done, reads chan string
}

func (b *board) Presence(ctx context.Context, m provider.Meeting) ([]provider.Participant, error) {
	b.reads <- m.Room
	return b.platform.Presence(ctx, m)
}

// next waits for one of the platform's calls.
func next(t *testing.T, calls <-chan string) string {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case c := <-calls:
		return c
	case <-late.C:
		t.Fatal("the platform was not called")
		return ""
	}
}

func (b *board) NewWebhookSecret() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made++
	return fmt.Sprintf("made-%d", b.made), nil
}

func (b *board) Webhooks(context.Context) ([]provider.Registration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, "list")
	return slices.Clone(b.hooks), b.down
}

func (b *board) RegisterWebhook(_ context.Context, w provider.WebhookSpec) (provider.Registration, error) {
	if err := b.try(w); err != nil {
		return provider.Registration{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.done <- "register" }()
	b.calls = append(b.calls, "register "+w.URL)
	if len(b.hooks) > 0 {
		return provider.Registration{}, &provider.Error{Kind: provider.Conflict, Op: "register"}
	}
	r := provider.Registration{ID: "w-1", URL: w.URL, Secret: w.Secret, Patient: w.Patient && !b.mute}
	b.hooks = append(b.hooks, r)
	return r, nil
}

func (b *board) UpdateWebhook(_ context.Context, id string, w provider.WebhookSpec) (provider.Registration, error) {
	if err := b.try(w); err != nil {
		return provider.Registration{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.done <- "update" }()
	b.calls = append(b.calls, "update "+id+" "+w.URL)
	for i := range b.hooks {
		if b.hooks[i].ID == id {
			b.hooks[i] = provider.Registration{ID: id, URL: w.URL, Secret: w.Secret, Patient: w.Patient && !b.mute}
			return b.hooks[i], b.lost
		}
	}
	return provider.Registration{}, &provider.Error{Kind: provider.NotFound, Op: "update"}
}

func (b *board) RemoveWebhook(context.Context, string) error { return nil }

func (b *board) try(w provider.WebhookSpec) error {
	if b.ping == nil {
		return nil
	}
	if status := b.ping(w.URL, w.Secret); status != 200 {
		return &provider.Error{Kind: provider.Invalid, Op: "test the address", Text: fmt.Sprint(status)}
	}
	return nil
}

// ReadWebhook accepts requests signed with the request's own secrets, and otherwise behaves as the platform.
func (b *board) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	if secret, ok := strings.CutPrefix(r.Header.Get("X-Sig"), "by "); ok {
		if slices.Contains(r.Secrets, secret) {
			return provider.Webhook{Verdict: provider.Verified, Event: provider.Event{Kind: provider.KindTest}}, nil
		}
		return provider.Webhook{Verdict: provider.Rejected, Reason: "another secret"}, nil
	}
	return b.platform.ReadWebhook(r)
}

func (b *board) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.calls), func(c string) bool { return c == "list" })
}

func (b *board) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// newBoard is a bench whose account has a webhook API; its hub's readers run.
func newBoard(t *testing.T, change func(*Account)) (*bench, *board) {
	t.Helper()
	b := newBench(t)
	b.close()
	p := &board{platform: b.platform, done: make(chan string, 100), reads: make(chan string, 100)}
	b.accounts[0].Provider = p
	b.accounts[0].WebhookSecret = ""
	b.accounts[0].APIURL = "https://api.daily.example/v1"
	if change != nil {
		change(&b.accounts[0])
	}
	b.reopen()
	return b, p
}

func (b *bench) reopen() {
	b.close()
	b.open()
	b.Start()
}

// registered waits until the account's registration is in a state.
func (b *bench) registered(want app.WebhookState) app.RegisteredWebhook {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	changes, err := b.Subscribe(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		s, err := b.Status(ctx, app.StatusQuery{})
		if err != nil {
			b.t.Fatal(err)
		}
		if r := s.Accounts[0].Registration; r != nil && r.State == want && r.URL == s.Tunnel.Hooks["daily"] {
			return *r
		}
		if _, ok := <-changes; !ok {
			b.t.Fatalf("the webhook never became %s: %+v", want, s.Accounts[0].Registration)
		}
	}
}

func (b *bench) signedBy(secret string, received time.Time) int {
	b.t.Helper()
	a, err := b.Ingest(context.Background(), app.Inbound{
		Account: "daily", Method: "POST", Target: "/hooks/daily", ReceivedAt: received, Body: []byte("{}"),
		Header: http.Header{"X-Sig": {"by " + secret}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a.Status
}

const hookA, hookB = "https://a.example/hooks/daily", "https://b.example/hooks/daily"

func TestAWebhookIsMadeWhenTheTunnelIsLive(t *testing.T) {
	b, p := newBoard(t, nil)
	p.ping = func(_, secret string) int { return b.signedBy(secret, b.clock.Now()) }
	if s, err := b.Status(t.Context(), app.StatusQuery{}); err != nil || s.Accounts[0].Health != "no webhook secret" ||
		!strings.Contains(s.Accounts[0].Hint, "open a tunnel") || s.Accounts[0].Registration != nil {
		t.Errorf("before there is a tunnel: %+v, %v", s.Accounts[0], err)
	}
	connecting := live("x", "https://a.example")
	connecting.Status.State = "connecting"
	b.report(connecting)
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	if got := p.asked(); !slices.Equal(got, []string{"register " + hookA}) {
		t.Errorf("asked for %v", got)
	}
	if w := p.hooks[0]; w.Secret != "made-1" || !w.Patient {
		t.Errorf("registered %#v with %q", w, w.Secret)
	}
	if s, err := b.Status(t.Context(), app.StatusQuery{}); err != nil || s.Accounts[0].Health == "no webhook secret" {
		t.Errorf("afterwards: %+v, %v", s.Accounts[0], err)
	}
	// Another URL, after a restart: ours is changed, and keeps its secret.
	b.reopen()
	if got := b.signedBy("made-1", b.clock.Now()); got != 200 {
		t.Errorf("after a restart the secret is answered %d", got)
	}
	b.report(live("x", "https://b.example"))
	b.registered(app.WebhookRegistered)
	if got := p.asked(); !slices.Equal(got[1:], []string{"update w-1 " + hookB}) || p.hooks[0].Secret != "made-1" {
		t.Errorf("then asked for %v", got)
	}
	// The same again: nothing is to be done.
	b.reopen()
	b.report(live("x", "https://b.example"))
	b.registered(app.WebhookRegistered)
	if got := p.asked(); len(got) != 2 {
		t.Errorf("at last asked for %v", got)
	}
}

func TestATunnelThatStoresNeedsNoPatience(t *testing.T) {
	b, p := newBoard(t, nil)
	r := live("x", "https://a.example")
	r.Status.StoreAndForward = true
	b.report(r)
	b.registered(app.WebhookRegistered)
	if p.hooks[0].Patient {
		t.Error("the platform was asked to be patient")
	}
	b.report(live("x", "https://a.example"))
	next(t, p.done)
	if next(t, p.done) != "update" {
		t.Error("it was registered twice")
	}
	b.registered(app.WebhookRegistered)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.hooks[0].Patient {
		t.Error("the platform was not asked to be patient for a tunnel that loses things")
	}
}

func TestAForeignWebhookIsLeftAlone(t *testing.T) {
	b, p := newBoard(t, nil)
	p.hooks = []provider.Registration{{ID: "theirs", URL: "https://u:p@theirs.example/in?key=hush", Secret: "theirs"}}
	b.report(live("x", "https://a.example"))
	r := b.registered(app.WebhookForeign)
	if r.Foreign != "https://theirs.example/in" || !strings.Contains(r.Hint, "greenroom tunnel register daily --replace") {
		t.Errorf("%+v", r)
	}
	if _, err := b.RegisterWebhook(t.Context(), app.WebhookRegistration{Account: "daily"}); !errors.Is(err, provider.Conflict) ||
		strings.Contains(err.Error(), "hush") {
		t.Errorf("registering: %v", err)
	}
	if got := p.asked(); len(got) != 0 {
		t.Fatalf("asked for %v", got)
	}
	out, err := b.RegisterWebhook(t.Context(), app.WebhookRegistration{Account: "daily", Replace: true})
	if err != nil || out.State != app.WebhookRegistered || p.hooks[0].URL != hookA || p.hooks[0].Secret != "made-1" {
		t.Errorf("replaced: %+v, %v", out, err)
	}
	b.registered(app.WebhookRegistered)
}

// TestAWebhookThatWasTakenOverIsForeign: a program that takes a webhook over changes its address and keeps its id. Taking it
// back would begin an endless fight.
func TestAWebhookThatWasTakenOverIsForeign(t *testing.T) {
	b, p := newBoard(t, nil)
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	const theirs = "https://theirs.example/hooks/daily"
	p.set(func() { p.hooks[0].URL, p.hooks[0].Secret = theirs, "theirs" })
	gone := live("x", "https://a.example")
	gone.Status.State = "degraded"
	b.report(gone)
	b.report(live("x", "https://a.example"))
	if r := b.registered(app.WebhookForeign); r.Foreign != theirs {
		t.Errorf("%+v", r)
	}
	if got := p.asked(); len(got) != 1 {
		t.Errorf("asked for %v", got)
	}
}

// TestAChangeWhoseAnswerWasLostIsOurs: a webhook whose change was begun and never heard of is known by the address that was
// asked for, though the address is another one by now.
func TestAChangeWhoseAnswerWasLostIsOurs(t *testing.T) {
	b, p := newBoard(t, nil)
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	p.set(func() { p.lost = &provider.Error{Kind: provider.Unavailable, Op: "update webhook", Text: "no answer"} })
	b.report(live("x", "https://b.example"))
	b.registered(app.WebhookFailing)
	p.set(func() { p.lost = nil })
	b.reopen()
	b.report(live("x", "https://c.example"))
	b.registered(app.WebhookRegistered)
	if got := p.hooks[0].URL; got != "https://c.example/hooks/daily" {
		t.Errorf("the platform posts to %s", got)
	}
}

func TestASilentWebhookIsEnabledAgain(t *testing.T) {
	b, p := newBoard(t, nil)
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	p.set(func() { p.hooks[0].Failed = true })
	gone := live("x", "https://a.example")
	gone.Status.State = "degraded"
	b.report(gone)
	b.report(live("x", "https://a.example"))
	next(t, p.done)
	next(t, p.done)
	if got := p.asked(); len(got) != 2 || got[1] != "update w-1 "+hookA {
		t.Errorf("asked for %v", got)
	}
}

func TestTheConfiguredSecretWins(t *testing.T) {
	b, p := newBoard(t, nil)
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	b.accounts[0].WebhookSecret = "configured"
	b.reopen()
	if got := b.signedBy("made-1", b.clock.Now()); got != 200 {
		t.Errorf("the one that is still in force is answered %d", got)
	}
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	if p.hooks[0].Secret != "configured" {
		t.Errorf("the platform signs with %q", p.hooks[0].Secret)
	}
	changed := b.clock.Now()
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{23 * time.Hour, 200}, {25 * time.Hour, 401}} {
		if got := b.signedBy("made-1", changed.Add(tt.after)); got != tt.want {
			t.Errorf("the old one is answered %d after %s", got, tt.after)
		}
	}
	b.reopen()
	if got := b.signedBy("made-1", changed); got != 200 {
		t.Errorf("what was received before is answered %d after a restart", got)
	}
}

// TestTheLogDoesNotTellTheAddress: who knows a webhook's URL at a relay can fill its spool.
func TestTheLogDoesNotTellTheAddress(t *testing.T) {
	var log bytes.Buffer
	b, p := newBoard(t, nil)
	b.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.reopen()
	b.report(live("x", "https://relay.example/h/capability"))
	b.registered(app.WebhookRegistered)
	p.set(func() { p.down = &provider.Error{Kind: provider.Unavailable, Op: "list webhooks", Text: "no answer"} })
	b.report(live("x", "https://relay.example/h/capability-2"))
	b.registered(app.WebhookFailing)
	b.report(live("x", "http://127.0.0.1:1/h/capability-3"))
	b.registered(app.WebhookFailing)
	b.close()
	if text := log.String(); !strings.Contains(text, "relay.example") || strings.Contains(text, "capability") {
		t.Errorf("the log: %s", text)
	}
}

// TestTheConfiguredSecretEndsTheOneThatWasMade: also while no tunnel is open through which the platform could be updated.
func TestTheConfiguredSecretEndsTheOneThatWasMade(t *testing.T) {
	b, p := newBoard(t, nil)
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	b.accounts[0].WebhookSecret = "configured"
	b.reopen()
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 200}, {23 * time.Hour, 200}, {25 * time.Hour, 401}} {
		if got := b.signedBy("made-1", b.clock.Now().Add(tt.after)); got != tt.want {
			t.Errorf("the one that was made is answered %d after %s", got, tt.after)
		}
	}
	if got := p.asked(); len(got) != 1 {
		t.Errorf("asked for %v", got)
	}
}

func TestASecretThatAnotherMadeAtOurAddressIsTakenOver(t *testing.T) {
	b, p := newBoard(t, nil)
	p.hooks = []provider.Registration{{ID: "w-9", URL: hookA, Secret: "another's", Patient: true}}
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	if got := p.asked(); len(got) != 0 {
		t.Errorf("asked for %v", got)
	}
	if got := b.signedBy("another's", b.clock.Now()); got != 200 {
		t.Errorf("it is answered %d", got)
	}
}

func TestARegistrationThatFailsIsTriedAgain(t *testing.T) {
	b, p := newBoard(t, nil)
	p.down = &provider.Error{Kind: provider.Unavailable, Op: "list webhooks", Text: "no answer", Hint: "wait"}
	b.report(live("x", "https://a.example"))
	if r := b.registered(app.WebhookFailing); !strings.Contains(r.Problem, "no answer") || r.Hint != "wait" {
		t.Errorf("%+v", r)
	}
	p.set(func() { p.down = nil })
	for waited := time.Duration(0); len(p.done) == 0; waited += time.Second {
		if waited > 1000*registrar.Every {
			t.Fatal("it was not tried again")
		}
		b.clock.Advance(time.Second)
		b.report(live("x", "https://a.example")) // the lease is renewed
	}
	b.registered(app.WebhookRegistered)
}

func TestWhatCannotBeRegisteredSaysWhereItIs(t *testing.T) {
	b := newBench(t)
	b.platform.traits.WebhookPlace = "paste it at Acme: Configure, Webhooks"
	b.report(live("x", "https://a.example"))
	s, err := b.Status(t.Context(), app.StatusQuery{})
	r := s.Accounts[0].Registration
	if err != nil || r == nil || r.State != app.WebhookByHand || r.URL != hookA || !strings.Contains(r.Hint, "Configure, Webhooks") {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := b.RegisterWebhook(t.Context(), app.WebhookRegistration{Account: "daily"}); !errors.Is(err, provider.Unsupported) {
		t.Errorf("%v", err)
	}
}

func TestRegisteringNeedsATunnel(t *testing.T) {
	b, p := newBoard(t, nil)
	if _, err := b.RegisterWebhook(t.Context(), app.WebhookRegistration{Account: "daily"}); !errors.Is(err, app.NotConfigured) {
		t.Errorf("%v", err)
	}
	b.report(live("x", "http://127.0.0.1:8080"))
	if r := b.registered(app.WebhookFailing); !strings.Contains(r.Problem, "only from this machine") || len(p.calls) != 0 {
		t.Errorf("%+v, after %v", r, p.calls)
	}
}

func TestAGapIsFilledByReadingAgain(t *testing.T) {
	b, p := newBoard(t, nil)
	b.room("design")
	b.start("design")
	b.reopen()
	next(t, p.reads)
	b.clock.Advance(time.Second) // too early for a reading that nothing calls for
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	b.clock.Advance(time.Second)
	next(t, p.reads)
	if took := b.clock.Since(t0); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestWhatThePlatformDoesNotTellIsNotAskedForAgain(t *testing.T) {
	b, p := newBoard(t, func(a *Account) { a.WebhookSecret = "configured" })
	p.mute = true
	b.report(live("x", "https://a.example"))
	b.registered(app.WebhookRegistered)
	again := func() {
		t.Helper()
		if _, err := b.RegisterWebhook(t.Context(), app.WebhookRegistration{Account: "daily"}); err != nil {
			t.Fatal(err)
		}
	}
	again()
	if got := p.asked(); len(got) != 1 {
		t.Errorf("asked for %v", got)
	}
	p.set(func() { p.hooks[0].Secret = "another's" })
	again()
	if got := p.asked(); len(got) != 2 || p.hooks[0].Secret != "configured" {
		t.Errorf("after another secret was set there asked for %v", got)
	}
}
