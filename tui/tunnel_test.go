package tui

import (
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

const hookURL = "https://relay.example/h/k3vq7f2mxr5t6y8b9n4c2d7w5e"

// relayed is a screen whose webhooks come through a relay: Daily's was registered elsewhere, Whereby's is pasted by hand.
func relayed(b *tuitest.Backend) {
	busyDay(b)
	hooks := map[string]string{"daily": hookURL + "/hooks/daily", "whereby": hookURL + "/hooks/whereby"}
	b.Stat.Tunnel = app.TunnelStatus{
		Driver: "relay", State: "live", URL: hookURL, RTTMs: 23, Spool: 3, StoreAndForward: true, Hooks: hooks,
		Gap: "2 requests of yesterday were dropped: the spool was full",
	}
	for i := range b.Stat.Accounts {
		a := &b.Stat.Accounts[i]
		a.Webhook = hooks[a.Name]
		a.Registration = &app.RegisteredWebhook{
			Account: a.Name, URL: a.Webhook, State: app.WebhookByHand, Hint: "paste it in Whereby's dashboard: Configure, Webhooks, Add endpoint",
		}
	}
	b.Stat.Accounts[0].Registration = &app.RegisteredWebhook{
		Account: "daily", URL: hooks["daily"], State: app.WebhookForeign, Foreign: "https://old.example/in",
		Problem: "the webhook of daily posts to https://old.example/in, which was not registered from here",
	}
}

func change(p *person, f func(*app.Status)) {
	p.backend.Lock()
	f(&p.backend.Stat)
	p.backend.Unlock()
	p.backend.Publish(app.Change{Kind: app.StatusChange})
	p.wait(time.Second)
}

func TestTheTunnelIsShownAndProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 200, 50, relayed)
		p.sees("● tunnel up  relay.example/h/k3vq7f2mxr5t6y8b9n4c2d7w5e")
		p.does("tunnel.copy").misses("Public URL copied") // on another tab the key is another's
		p.opens("Status").sees("● tunnel up through relay, 23 ms round trip", "3 requests waiting at the relay", "2 requests of yesterday")
		p.does("tunnel.copy").sees("Public URL copied")
		if got := p.clipboard(); got[len(got)-1] != hookURL {
			t.Errorf("copied %q", got)
		}
		p.does("tunnel.qr").sees("Public URL", "█").presses("esc")
		p.backend.Lock()
		p.backend.Probed = app.TunnelProbed{OK: true, RTTMs: 31, URL: hookURL}
		p.backend.Unlock()
		p.does("tunnel.probe").sees("A request came back through the tunnel in 31 ms")
		p.backend.Lock()
		p.backend.Probed = app.TunnelProbed{Reason: "relay.example answered 502"}
		p.backend.Unlock()
		p.does("tunnel.probe").sees("back through the tunnel: relay.example")
		change(p, func(s *app.Status) {
			s.Tunnel.State, s.Tunnel.Reason, s.Tunnel.Spool = "degraded", "the relay is away", 0
		})
		p.sees("! tunnel degraded through relay", "the relay is away", "nothing waiting at the relay")
		change(p, func(s *app.Status) { s.Tunnel.Driver, s.Tunnel.StoreAndForward = "ssh", false })
		p.sees("! tunnel degraded through ssh", "no store-and-forward: webhooks sent while this machine is offline are lost")
		change(p, func(s *app.Status) {
			s.Tunnel = app.TunnelStatus{Driver: "ssh", State: "closed", Reason: "the server refused the key"}
			s.Accounts[0].Webhook, s.Accounts[0].Registration = "", nil
		})
		p.sees("✗ tunnel closed", "the server refused the key").misses("store-and-forward")
		p.does("tunnel.probe").sees("No tunnel is open").does("tunnel.copy").sees("There is no public URL").does("tunnel.qr").sees("There is no public URL")
		p.does("webhook.register").sees("A webhook is registered once the tunnel is live")
		if n := p.backend.Count("ProbeTunnel"); n != 2 {
			t.Errorf("%d probes", n)
		}
	})
}

func TestAForeignWebhookIsReplacedOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 200, 50, relayed)
		p.opens("Status").sees("! the webhook of daily posts to https://old.example/in", "{webhook.register} replaces it", "paste it in Whereby's dashboard")
		p.does("webhook.register").sees("Replace the webhook of daily?", "https://old.example/in", "[ Keep ]").presses("enter").misses("Take over")
		if p.backend.Count("RegisterWebhook") != 0 {
			t.Fatal("leaving it took it over")
		}
		p.does("webhook.register").presses("y").sees("The platform of daily posts to the tunnel")
		change(p, func(s *app.Status) { s.Accounts[0].Registration.State = app.WebhookRegistered })
		p.sees("✓ registered with the platform").misses("Take over")
		p.does("webhook.register").sees("The platform of daily posts to the tunnel")
		p.moves("down").does("webhook.register").sees("No API for this: paste it in Whereby's dashboard")
		if got := p.backend.Registered; len(got) != 2 || !got[0].Replace || got[1].Replace || got[0].Account != "daily" {
			t.Errorf("%+v", got)
		}
		change(p, func(s *app.Status) {
			s.Accounts[0].Registration = &app.RegisteredWebhook{State: app.WebhookFailing, Problem: "no card on file", Hint: "put one there"}
		})
		p.sees("✗ no card on file", "put one there")
		change(p, func(s *app.Status) { s.Accounts[0].Registration = nil })
		p.sees("◌ asking the platform for its webhook…")
		p.backend.Lock()
		p.backend.Fail = &app.Error{Kind: provider.Conflict, Text: "taken", Hint: "ask"}
		p.backend.Unlock()
		p.moves("up").does("webhook.register")
	})
}

func TestQuittingExplainsWhatHappensToWebhooks(t *testing.T) {
	for _, stores := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 80, 24, func(b *tuitest.Backend) {
				relayed(b)
				b.Stat.Tunnel.StoreAndForward = stores
			})
			want := "Webhooks won't be received"
			if stores {
				want = "The relay keeps webhooks"
			}
			p.does("quit").sees("Quit?", want)
		})
	}
}

func TestTheLinesAboveTheAccountsAreReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, relayed)
		p.opens("Status").sees("round trip")
		for _, away := range []string{"bottom", "down"} {
			p.moves(away).misses("round trip").moves("top").sees("round trip")
		}
	})
}

// The process that received webhooks ends, and a screen that was attached to it takes over: it says so, and asks before it ends.
func TestATakeoverIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, busyDay, func(o *Options) { o.PID = 99 })
		change(p, func(s *app.Status) { s.Store.Bytes++ })
		p.misses("now receives webhooks")
		change(p, func(s *app.Status) { s.Store.Owner = 99 })
		p.sees("This screen now receives webhooks: process 1 has exited")
		p.does("quit").sees("Webhooks won't be received")
	})
}
