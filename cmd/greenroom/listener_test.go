package main

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

func TestAListenerThatHadToMoveSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	var log strings.Builder
	d := &door{
		cfg: &config.Config{Listen: addr, BodyLimit: 1 << 20}, log: slog.New(slog.NewTextHandler(&log, nil)), crash: new(crash.Group),
	}
	d.attempt(&fake{Memory: apptest.NewMemory(8)})
	defer func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}()
	s := d.status()
	if s.URL == "" || s.URL == "http://"+addr {
		t.Fatalf("it listens on %q", s.URL)
	}
	if !strings.Contains(log.String(), "moved to "+s.URL) || !strings.Contains(log.String(), addr) {
		t.Errorf("the log: %s", log.String())
	}
	for _, test := range []struct {
		name, want string
		owner      app.ListenerStatus
	}{
		{"a stranger", "another program", app.ListenerStatus{}},
		{"we are the owner", "another program", s},
		{"the owner listens elsewhere", "another program", app.ListenerStatus{URL: "http://127.0.0.1:1"}},
		{"the owner", "another Greenroom on the same data", app.ListenerStatus{URL: "http://" + addr}},
	} {
		if got := d.moved(test.owner); !strings.Contains(got, test.want) || !strings.Contains(got, addr) {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

func TestAListenerInItsPlaceSaysNothing(t *testing.T) {
	d := &door{cfg: &config.Config{Listen: "127.0.0.1:0", BodyLimit: 1 << 20}, log: slog.New(slog.DiscardHandler), crash: new(crash.Group)}
	if got := d.moved(app.ListenerStatus{}); got != "" {
		t.Errorf("before it listens: %q", got)
	}
	d.attempt(&fake{Memory: apptest.NewMemory(8)})
	if got := d.moved(app.ListenerStatus{}); got != "" {
		t.Errorf("%q", got)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

// TestSignedWebhooksHaveASignatureHeader: the listener reads the body of no other one.
func TestSignedWebhooksHaveASignatureHeader(t *testing.T) {
	looked := 0
	for _, d := range drivers() {
		a := provider.Account{Name: "a", Platform: d.Platform, APIKey: "k", APIURL: "http://127.0.0.1:9", WebhookSecret: sandbox.DailyWebhookSecret}
		for _, scheme := range []string{"", "simple"} {
			a.WebhookSignature = scheme
			p, err := d.Open(a, nil)
			if scheme != "" && errors.Is(err, provider.Invalid) {
				continue // Daily alone has a second scheme
			}
			if err != nil {
				t.Fatal(err)
			}
			s, ok := p.(provider.Synthesizer)
			if !ok {
				continue // making webhooks is an ability that a platform may lack
			}
			looked++
			made, err := s.Synthesize(provider.SyntheticEvent{Kind: provider.KindMeetingStarted, Room: "r", ID: "1", At: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			named := func(h string) bool { return made.Header.Get(h) != "" }
			if len(d.SignatureHeaders) == 0 || !slices.ContainsFunc(d.SignatureHeaders, named) {
				t.Errorf("%s %s: none of %q is in %v", d.Platform, scheme, d.SignatureHeaders, made.Header)
			}
		}
	}
	if looked < 3 {
		t.Errorf("only %d webhooks were made", looked)
	}
}
