package providertest_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
)

// Each provider in this file has one defect. The suite must report it in the right test.
type (
	takes      struct{ *daily.Provider }
	twice      struct{ *daily.Provider }
	blind      struct{ *daily.Provider }
	trusting   struct{ *daily.Provider }
	stubborn   struct{ *daily.Provider }
	forgetful  struct{ *daily.Provider }
	kindless   struct{ *daily.Provider }
	talkative  struct{ *daily.Provider }
	changeable struct{ *daily.Provider }
)

// takes returns any room of the name as its own.
func (p takes) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	m, err := p.Provider.CreateMeeting(ctx, s)
	if errors.Is(err, provider.Conflict) {
		return p.Lookup(ctx, provider.Meeting{Room: s.Name})
	}
	return m, err
}

// twice creates another room if the answer of the first is lost.
func (p twice) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	if _, err := p.Provider.CreateMeeting(ctx, s); err != nil {
		return provider.Meeting{}, err
	}
	s.Name += "-2"
	return p.Provider.CreateMeeting(ctx, s)
}

// blind treats a failure as an empty room.
func (p blind) Presence(ctx context.Context, m provider.Meeting) ([]provider.Participant, error) {
	here, err := p.Provider.Presence(ctx, m)
	if errors.Is(err, provider.Unavailable) && ctx.Err() == nil {
		return nil, nil
	}
	return here, err
}

// trusting verifies everything that has a signature.
func (p trusting) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	w, err := p.Provider.ReadWebhook(r)
	if w.Verdict == provider.Rejected && !w.Missing {
		w.Verdict, w.Reason = provider.Verified, ""
	}
	return w, err
}

// stubborn refuses to end a room that is gone.
func (p stubborn) EndMeeting(ctx context.Context, m provider.Meeting) error {
	if _, err := p.Lookup(ctx, m); err != nil {
		return err
	}
	return p.Provider.EndMeeting(ctx, m)
}

// forgetful deletes the room and leaves the people in it.
func (p forgetful) EndMeeting(ctx context.Context, m provider.Meeting) error {
	m.Sessions = nil
	if here, err := p.Presence(ctx, m); err == nil && len(here) > 0 {
		return nil
	}
	return p.Provider.EndMeeting(ctx, m)
}

// kindless returns errors without a kind.
func (p kindless) Lookup(ctx context.Context, m provider.Meeting) (provider.Meeting, error) {
	found, err := p.Provider.Lookup(ctx, m)
	if err != nil {
		return found, errors.New("it failed")
	}
	return found, nil
}

// talkative puts its key into its errors.
func (p talkative) Lookup(ctx context.Context, m provider.Meeting) (provider.Meeting, error) {
	found, err := p.Provider.Lookup(ctx, m)
	var e *provider.Error
	if errors.As(err, &e) {
		said := *e
		said.Text += " bad-key-0123456789"
		return found, &said
	}
	return found, err
}

// changeable changes the body that it reads.
func (p changeable) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	w, err := p.Provider.ReadWebhook(r)
	if len(r.Body) > 0 {
		r.Body[0] = ' '
	}
	return w, err
}

var wrong = map[string]struct {
	make  func(*daily.Provider) provider.Provider
	fails string
}{
	"takes":      {func(p *daily.Provider) provider.Provider { return takes{p} }, "TestWrong/CreateForeignRoom"},
	"twice":      {func(p *daily.Provider) provider.Provider { return twice{p} }, "TestWrong/CreateAnswerLost"},
	"blind":      {func(p *daily.Provider) provider.Provider { return blind{p} }, "TestWrong/PresenceNotTheShape"},
	"trusting":   {func(p *daily.Provider) provider.Provider { return trusting{p} }, "TestWrong/Webhooks/another_body"},
	"stubborn":   {func(p *daily.Provider) provider.Provider { return stubborn{p} }, "TestWrong/End"},
	"forgetful":  {func(p *daily.Provider) provider.Provider { return forgetful{p} }, "TestWrong/EndWithPeople"},
	"kindless":   {func(p *daily.Provider) provider.Provider { return kindless{p} }, "TestWrong/Lookup"},
	"talkative":  {func(p *daily.Provider) provider.Provider { return talkative{p} }, "TestWrong/BadKey"},
	"changeable": {func(p *daily.Provider) provider.Provider { return changeable{p} }, "TestWrong/Webhooks"},
}

const which = "GREENROOM_TEST_WRONG"

// TestSuiteCatches runs the suite on defective providers, each in a process of its own, since a test can't be expected to fail
// within one.
func TestSuiteCatches(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range wrong {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestWrong$", "-test.v")
			cmd.Env = append(os.Environ(), which+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: "+w.fails) {
				t.Errorf("%v; %s did not fail:\n%s", err, w.fails, out)
			}
		})
	}
}

// TestWrong is run by TestSuiteCatches.
func TestWrong(t *testing.T) {
	w, ok := wrong[os.Getenv(which)]
	if !ok {
		t.Skip("run by TestSuiteCatches")
	}
	open := func(a provider.Account, transport http.RoundTripper, clock rest.Clock) (provider.Provider, error) {
		p, err := daily.New(a, daily.Options{Transport: transport, Clock: clock})
		if err != nil {
			return nil, err
		}
		return w.make(p), nil
	}
	providertest.Run(t, providertest.Sandbox(t, provider.Daily, open))
}

func TestClock(t *testing.T) {
	at := time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)
	c := providertest.NewClock(at)
	if err := c.Sleep(t.Context(), time.Second); err != nil || !c.Now().Equal(at.Add(time.Second)) {
		t.Error(c.Now(), err)
	}
	c.Advance(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) || !c.Now().Equal(at.Add(61*time.Second)) {
		t.Error(c.Now(), err)
	}
	if w := c.Waits(); len(w) != 1 || w[0] != time.Second {
		t.Errorf("waited %v", w)
	}
}

func TestLiveNeedsAKey(t *testing.T) {
	t.Setenv("GREENROOM_LIVE_DAILY_API_KEY", "k")
	t.Setenv("GREENROOM_LIVE_DAILY_API_URL", "http://127.0.0.1:1/v1")
	h := providertest.Live(t, provider.Daily, daily.DefaultURL, nil)
	if h.Account.APIKey != "k" || h.Account.APIURL != "http://127.0.0.1:1/v1" || h.Join != nil {
		t.Errorf("%+v", h)
	}
	skipped := false
	t.Run("without", func(t *testing.T) {
		t.Setenv("GREENROOM_LIVE_WHEREBY_API_KEY", "")
		t.Cleanup(func() { skipped = t.Skipped() })
		providertest.Live(t, provider.Whereby, "", nil)
	})
	if !skipped {
		t.Error("a test without a key continues")
	}
}
