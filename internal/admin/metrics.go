package admin

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"greenroom/internal/app"
)

// collector reads the figures from the backend for each scrape.
type collector struct {
	backend app.Backend
	log     *slog.Logger
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("greenroom_"+name, help, labels, nil)
}

var (
	up             = describe("up", "1 if the store answered.")
	webhooks       = describe("webhooks_total", "Requests to the listener, by outcome: accepted (2xx), rejected (4xx), busy (503).", "outcome")
	lastWebhook    = describe("last_webhook_timestamp_seconds", "When the account's last authentic webhook arrived.", "account")
	accountHealth  = describe("account_healthy", "1 unless the account's health is failing or its webhook secret is missing.", "account")
	tunnelLive     = describe("tunnel_live", "1 if the tunnel is live, 0 if not, absent without one.", "driver")
	tunnelSpool    = describe("tunnel_spool", "Requests that wait at the relay.")
	storeBytes     = describe("store_bytes", "Size of the store's file.")
	storeProblem   = describe("store_problem", "1 if the store can't be written to or is damaged.")
	storeFree      = describe("store_reusable_bytes", "Free space inside the store's file.")
	deliveries     = describe("deliveries", "Webhooks in the store.")
	diskFree       = describe("disk_free_bytes", "Free space on the store's disk.")
	downloads      = describe("downloads", "Downloads of recordings, by state.", "state")
	programs       = describe("programs", "Programs that run on downloads, by state.", "state")
	pollerFailing  = describe("poller_failing", "1 if the last reading of a platform failed.", "poller", "account")
	forwardQueue   = describe("forward_queue", "Events that wait for a forward's target.", "forward")
	forwardParked  = describe("forward_parked", "Events that the target did not accept within a day.", "forward")
	forwardRunning = describe("forward_state", "1 for the forward's state: running, retrying or paused.", "forward", "state")
)

var all = []*prometheus.Desc{
	up, webhooks, lastWebhook, accountHealth, tunnelLive, tunnelSpool, storeBytes, storeProblem, storeFree, deliveries, diskFree, downloads,
	programs, pollerFailing, forwardQueue, forwardParked, forwardRunning,
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range all {
		out <- d
	}
}

// Collect implements [prometheus.Collector]. What can't be read is absent, with greenroom_up 0.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s, err := c.backend.Status(ctx, app.StatusQuery{})
	if err != nil {
		c.log.Warn("the figures could not be read", "err", err)
		gauge(up, 0)
		return
	}
	gauge(up, 1)
	for outcome, n := range map[string]uint64{"accepted": s.Listener.Accepted, "rejected": s.Listener.Rejected, "busy": s.Listener.Busy} {
		out <- prometheus.MustNewConstMetric(webhooks, prometheus.CounterValue, float64(n), outcome)
	}
	for _, a := range s.Accounts {
		if !a.LastEventAt.IsZero() {
			gauge(lastWebhook, float64(a.LastEventAt.UnixMilli())/1000, a.Name)
		}
		gauge(accountHealth, bit(a.Health == "ok" || a.Health == "unchecked"), a.Name)
	}
	if s.Tunnel.Driver != "" && s.Tunnel.Driver != "none" {
		gauge(tunnelLive, bit(s.Tunnel.State == "live"), s.Tunnel.Driver)
		gauge(tunnelSpool, float64(s.Tunnel.Spool))
	}
	gauge(storeBytes, float64(s.Store.Bytes))
	gauge(storeProblem, bit(s.Store.Problem != ""))
	gauge(storeFree, float64(s.Store.FreeBytes))
	gauge(deliveries, float64(s.Store.Deliveries))
	if free, err := freeSpace(s.Store.Path); err == nil {
		gauge(diskFree, float64(free))
	}
	for _, p := range s.Pollers {
		gauge(pollerFailing, bit(p.Error != ""), p.Name, p.Account)
	}
	c.recordings(ctx, gauge)
	c.forwards(ctx, gauge)
}

func (c *collector) recordings(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	all, err := c.backend.Recordings(ctx, app.RecordingQuery{Limit: maxRecordings})
	if err != nil {
		c.log.Warn("the recordings could not be read", "err", err)
		return
	}
	states, commands := map[string]int{}, map[string]int{}
	for _, r := range all {
		if r.Download == nil {
			continue
		}
		states[string(r.Download.State)]++
		if r.Download.Command != nil {
			commands[r.Download.Command.State]++
		}
	}
	for state, n := range states {
		gauge(downloads, float64(n), state)
	}
	for state, n := range commands {
		gauge(programs, float64(n), state)
	}
}

// maxRecordings bounds how many recordings one scrape reads: the newest.
const maxRecordings = 1000

func (c *collector) forwards(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) {
	all, err := c.backend.Forwards(ctx, app.ForwardQuery{})
	if err != nil {
		c.log.Warn("the forwards could not be read", "err", err)
		return
	}
	for _, f := range all {
		gauge(forwardQueue, float64(f.Queue), f.Name)
		gauge(forwardParked, float64(len(f.Parked)), f.Name)
		for _, state := range []app.ForwardState{app.ForwardRunning, app.ForwardRetrying, app.ForwardPaused} {
			gauge(forwardRunning, bit(f.State == state), f.Name, string(state))
		}
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
