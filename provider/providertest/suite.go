// Package providertest is a suite of tests for every provider: [Run].
//
// A provider's own test is a few lines: it opens a [Harness] on the sandbox, over HTTP, and runs the suite. The same suite runs
// against a live account if the environment has its keys: see [Live]. Optional abilities are found by type assertion, as in the
// program, and tested if present.
//
// The suite injects its own faults into the transport: answers lost after the platform acted, cut answers, web pages instead of
// JSON. It needs nothing from the platform for them.
package providertest

import (
	"context"
	"fmt"
	"hash/crc32"
	"net/http"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// Open returns a provider of an account that uses the transport and waits on the clock.
type Open func(a provider.Account, transport http.RoundTripper, clock rest.Clock) (provider.Provider, error)

// Harness is a platform to test a provider on.
type Harness struct {
	Open Open
	// Account has good credentials.
	Account provider.Account
	// Transport reaches the platform; nil is the default.
	Transport http.RoundTripper
	// Clock is the platform's time, as far as it is known.
	Clock rest.Clock

	// The hooks below are nil on a live account; tests that need them are skipped.

	// Join adds a person to a meeting and returns their session. Leave removes the session; an empty one only waits. When they
	// return, the platform's presence is up to date.
	Join  func(t testing.TB, m provider.Meeting, who Person) string
	Leave func(t testing.TB, m provider.Meeting, session string)
	// Deliveries returns the webhooks that the platform has sent so far, after sending those that are due.
	Deliveries func(t testing.TB) []provider.WebhookRequest
	// Fill creates n more rooms on the platform, each with a recording that is ready.
	Fill func(t testing.TB, n int)
	// Lacks are tests by name that the platform can't pass, with the reason.
	Lacks map[string]string
	// HookURL is a base under which the platform's webhooks arrive at Deliveries; empty if it can't reach us.
	HookURL string
}

// Person is someone who joins.
type Person struct {
	Name string
	Host bool
	Bot  bool
	// Sends waits until the platform knows the person's tracks.
	Sends bool
}

// Run tests a provider.
func Run(t *testing.T, h Harness) {
	if h.Clock == nil {
		h.Clock = rest.RealClock{}
	}
	for _, one := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"Identity", testIdentity},
		{"Create", testCreate},
		{"CreateTaken", testCreateExisting},
		{"CreateAnswerLost", testCreateAnswerLost},
		{"CreateForeignRoom", testCreateForeign},
		{"CreateAtOnce", testCreateAtOnce},
		{"Kept", testKept},
		{"KeptAnswerLost", testKeptAnswerLost},
		{"KeptForeign", testKeptForeign},
		{"KeptChange", testKeptChange},
		{"End", testEnd},
		{"EndWithPeople", testEndWithPeople},
		{"Lookup", testLookup},
		{"Links", testLinks},
		{"Presence", testPresence},
		{"AllPresence", testAllPresence},
		{"PresenceNotTheShape", testPresenceShape},
		{"Eject", testEject},
		{"Mute", testMute},
		{"Rooms", testRooms},
		{"Recordings", testRecordings},
		{"Pages", testPages},
		{"Recorder", testRecorder},
		{"Files", testFiles},
		{"History", testHistory},
		{"Logo", testLogo},
		{"Check", testCheck},
		{"BadKey", testBadKey},
		{"Cancelled", testCancelled},
		{"RateLimited", testRateLimited},
		{"Webhooks", testWebhooks},
		{"WebhookWithoutSecret", testWebhookWithoutSecret},
		{"WebhookSecrets", testWebhookSecrets},
		{"SecretOfASynthetic", testSecretOfASynthetic},
		{"SignsAnyBody", testSignsAnyBody},
		{"Registrar", testRegistrar}, // must be last, since it removes the webhook that the others use
	} {
		t.Run(one.name, func(t *testing.T) {
			if why := h.Lacks[one.name]; why != "" {
				t.Skip(why)
			}
			one.test(t, h)
		})
	}
}

// open returns the harness's provider, with a transport around its own if wrap is given.
func (h Harness) open(t testing.TB, wrap func(http.RoundTripper) http.RoundTripper) provider.Provider {
	t.Helper()
	return h.openAs(t, h.Account, wrap)
}

func (h Harness) openAs(t testing.TB, a provider.Account, wrap func(http.RoundTripper) http.RoundTripper) provider.Provider {
	t.Helper()
	transport := h.Transport
	if wrap != nil {
		if transport == nil {
			transport = http.DefaultTransport
		}
		transport = wrap(transport)
	}
	p, err := h.Open(a, transport, h.Clock)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return p
}

// able returns an ability of a provider. Without it, the test is skipped.
func able[T any](t *testing.T, p provider.Provider, without string) T {
	t.Helper()
	ability, ok := p.(T)
	if !ok {
		t.Skip(without)
	}
	return ability
}

// needsPeople skips the test if no one can join.
func (h Harness) needsPeople(t *testing.T) {
	t.Helper()
	if h.Join == nil {
		t.Skip("no one can be made to join here")
	}
}

// spec returns a meeting of an hour; every test has its own name.
func (h Harness) spec(t testing.TB) provider.MeetingSpec {
	t.Helper()
	now := h.Clock.Now().UTC()
	room := fmt.Sprintf("suite-%x", crc32.ChecksumIEEE([]byte(t.Name())))
	return provider.MeetingSpec{
		Name: fmt.Sprintf("%s-%s-%d", room, now.Format("20060102150405"), time.Now().UnixNano()%1e6), Room: room,
		Until: now.Add(time.Hour).Truncate(time.Second), Recording: provider.RecordingNone, Trigger: provider.TriggerNone,
	}
}

// create creates a meeting that ends with the test.
func (h Harness) create(t testing.TB, p provider.Provider, s provider.MeetingSpec) provider.Meeting {
	t.Helper()
	m, err := p.CreateMeeting(t.Context(), s)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	h.endLater(t, m)
	return m
}

// endLater ends a meeting with the test; it may have ended already.
func (h Harness) endLater(t testing.TB, m provider.Meeting) {
	t.Helper()
	p := h.open(t, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // the test's has ended
		defer cancel()
		if err := p.EndMeeting(ctx, m); err != nil {
			t.Errorf("end after the test: %v", err)
		}
	})
}
