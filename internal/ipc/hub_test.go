package ipc_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/ipc"
	"greenroom/provider"
	"greenroom/store"
)

// TestHubInProcess and TestHubOverTheSocket run the suite of every Backend against the real one.
func TestHubInProcess(t *testing.T) {
	apptest.Run(t, func(t *testing.T) apptest.Harness {
		h, err := hub.Open(hubOptions(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
		return apptest.Harness{Backend: h, Account: "daily", Meetings: true}
	})
}

func TestHubOverTheSocket(t *testing.T) {
	apptest.Run(t, func(t *testing.T) apptest.Harness {
		p := newPlace(t)
		p.open(t, p.hub())
		return apptest.Harness{Backend: p.open(t, p.hub()), Account: "daily", Meetings: true}
	})
}

func hubOptions(dir string) hub.Options {
	return hub.Options{
		Store:    store.Options{Path: filepath.Join(dir, store.FileName)},
		Accounts: []hub.Account{{Account: provider.Account{Name: "daily", Platform: provider.Daily}, Provider: &platform{}}},
		Policy:   hub.Policy{}, Version: "1.0", Crash: new(crash.Group),
		Forwarder: func(context.Context, app.ForwardTarget, app.Delivery) app.Attempt { return app.Attempt{Status: 200} },
	}
}

func (p place) hub() ipc.Options {
	o := p.options(nil)
	o.Own = own(p.data, true)
	return o
}

func openHub(dir string) (ipc.Owned, error) {
	h, err := hub.Open(hubOptions(dir))
	if err != nil {
		return ipc.Owned{}, err
	}
	return ipc.Owned{Backend: h, Close: h.Close}, nil
}

// platform is a provider that believes every webhook.
type platform struct {
	mu       sync.Mutex
	meetings int
}

var (
	_ provider.Provider = (*platform)(nil)
	_ provider.Linker   = (*platform)(nil)
)

func (*platform) Platform() provider.Platform { return provider.Daily }
func (*platform) Traits() provider.Traits {
	return provider.Traits{PresenceEvery: time.Minute, NamesRooms: true}
}

func (p *platform) CreateMeeting(_ context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meetings++
	return provider.Meeting{ID: "id-" + s.Name, Room: s.Name, GuestURL: "https://example.test/" + s.Name, Until: s.Until}, nil
}

func (*platform) EndMeeting(context.Context, provider.Meeting) error { return nil }

func (*platform) Presence(context.Context, provider.Meeting) ([]provider.Participant, error) {
	return nil, nil
}

func (*platform) Links(_ context.Context, r provider.LinkRequest) (provider.Links, error) {
	return provider.Links{Guest: r.Meeting.GuestURL, Host: r.Meeting.GuestURL + "?t=x"}, nil
}

func (*platform) ReadWebhook(provider.WebhookRequest) (provider.Webhook, error) {
	return provider.Webhook{Verdict: provider.Verified, Event: provider.Event{Kind: provider.KindUnknown}}, nil
}

var _ app.Backend = (*hub.Hub)(nil)
