package providertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/provider"
	"greenroom/provider/rest"
	"greenroom/provider/sandbox"
)

// Sandbox returns a harness on a platform of our sandbox, over HTTP, on a clock that moves only when a caller waits.
func Sandbox(t *testing.T, platform provider.Platform, open Open) Harness {
	t.Helper()
	clock := clockwork.NewFakeClockAt(time.Now().Truncate(time.Second))
	hook := &receiver{clock: clock}
	world := sandbox.New(sandbox.Options{Clock: clock, Seed: 1, Transport: hook})
	srv := httptest.NewServer(world.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := world.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	all := sandbox.Accounts(srv.URL)
	i := slices.IndexFunc(all, func(a provider.Account) bool { return a.Platform == platform })
	if i < 0 {
		t.Fatalf("the sandbox doesn't serve %s", platform)
	}
	a := all[i]
	if _, err := world.SetWebhook(platform, "http://hook.example/", ""); err != nil {
		t.Fatal(err)
	}
	settle := func(t testing.TB) {
		t.Helper()
		if err := world.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
		if err := world.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return Harness{
		HookURL: "http://hook.example",
		Open:    open, Account: a, Transport: srv.Client().Transport, Clock: worldClock{clock},
		Join: func(t testing.TB, m provider.Meeting, who Person) string {
			t.Helper()
			p := sandbox.Person{Name: who.Name, Owner: who.Host}
			if who.Bot {
				p.Role = "recorder"
			}
			session, err := world.Join(platform, m.Room, p)
			if err != nil {
				t.Fatal(err)
			}
			settle(t)
			return session
		},
		Leave: func(t testing.TB, _ provider.Meeting, session string) {
			t.Helper()
			if session != "" {
				if err := world.Leave(session, ""); err != nil {
					t.Fatal(err)
				}
			}
			settle(t)
		},
		Fill: func(t testing.TB, n int) {
			t.Helper()
			for i := range n {
				room, err := world.AddRoom(platform, fmt.Sprintf("filled-%d", i), sandbox.RoomOptions{})
				if err == nil {
					_, err = world.AddRecording(platform, room, sandbox.PastRecording{
						StartedAt: clock.Now().Add(-time.Duration(i+1) * time.Minute), For: time.Minute,
					})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		},
		Deliveries: func(t testing.TB) []provider.WebhookRequest {
			t.Helper()
			settle(t)
			return hook.all()
		},
	}
}

// worldClock is the world's time for a provider: waiting on it moves it.
type worldClock struct{ *clockwork.FakeClock }

var _ rest.Clock = worldClock{}

func (c worldClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Advance(max(d, 0))
	return nil
}

// receiver keeps the webhooks that the world sends.
type receiver struct {
	clock clockwork.Clock
	mu    sync.Mutex
	got   []provider.WebhookRequest
}

func (h *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, provider.WebhookRequest{
		Method: r.Method, Target: r.URL.RequestURI(), Header: r.Header.Clone(), Body: bytes.Clone(body), ReceivedAt: h.clock.Now(),
	})
	return answer(r, http.StatusOK, "text/plain", ""), nil
}

func (h *receiver) all() []provider.WebhookRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}
