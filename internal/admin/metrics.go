package admin

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"greenroom/internal/app"
)

// collector reads the metrics from the backend for each scrape.
type collector struct {
	backend app.Backend
	log     *slog.Logger
}

// label is the name of a label and its value.
type label struct{ name, value string }

// escapes are the escape sequences of the exposition format.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// series returns the name of a metric with its labels.
func series(name string, labels ...label) string {
	name = "greenroom_" + name
	for i, l := range labels {
		name += []string{"{", ","}[min(i, 1)] + l.name + `="` + escapes.Replace(l.value) + `"`
	}
	if len(labels) > 0 {
		name += "}"
	}
	return name
}

// writer writes the metrics of one scrape.
type writer struct{ io.Writer }

func (w writer) gauge(name string, v float64, labels ...label) {
	metrics.WriteGaugeFloat64(w, series(name, labels...), v)
}

// write writes the metrics in the format of Prometheus. If the status can't be read, greenroom_up is 0 and the other metrics are absent.
func (c *collector) write(out io.Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	w := writer{out}
	defer metrics.WriteProcessMetrics(out)
	s, err := c.backend.Status(ctx, app.StatusQuery{})
	if err != nil {
		c.log.Warn("the metrics could not be read", "err", err)
		w.gauge("up", 0)
		return
	}
	w.gauge("up", 1)
	for _, n := range []struct {
		outcome string
		count   uint64
	}{{"accepted", s.Listener.Accepted}, {"rejected", s.Listener.Rejected}, {"busy", s.Listener.Busy}} {
		metrics.WriteCounterUint64(w, series("webhooks_total", label{"outcome", n.outcome}), n.count)
	}
	for _, a := range s.Accounts {
		account := label{"account", a.Name}
		if !a.LastEventAt.IsZero() {
			w.gauge("last_webhook_timestamp_seconds", float64(a.LastEventAt.UnixMilli())/1000, account)
		}
		w.gauge("account_healthy", bit(a.Health == "ok" || a.Health == "unchecked"), account)
	}
	if s.Tunnel.Driver != "" && s.Tunnel.Driver != "none" {
		w.gauge("tunnel_live", bit(s.Tunnel.State == "live"), label{"driver", s.Tunnel.Driver})
		w.gauge("tunnel_spool", float64(s.Tunnel.Spool))
	}
	w.gauge("store_bytes", float64(s.Store.Bytes))
	w.gauge("store_problem", bit(s.Store.Problem != ""))
	w.gauge("store_reusable_bytes", float64(s.Store.FreeBytes))
	w.gauge("deliveries", float64(s.Store.Deliveries))
	if free, err := freeSpace(s.Store.Path); err == nil {
		w.gauge("disk_free_bytes", float64(free))
	}
	for _, p := range s.Pollers {
		w.gauge("poller_failing", bit(p.Error != ""), label{"account", p.Account}, label{"poller", p.Name})
	}
	c.recordings(ctx, w)
	c.forwards(ctx, w)
}

func (c *collector) recordings(ctx context.Context, w writer) {
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
		w.gauge("downloads", float64(n), label{"state", state})
	}
	for state, n := range commands {
		w.gauge("programs", float64(n), label{"state", state})
	}
}

// maxRecordings is the number of recordings that one scrape reads, the newest first.
const maxRecordings = 1000

func (c *collector) forwards(ctx context.Context, w writer) {
	all, err := c.backend.Forwards(ctx, app.ForwardQuery{})
	if err != nil {
		c.log.Warn("the forwards could not be read", "err", err)
		return
	}
	for _, f := range all {
		forward := label{"forward", f.Name}
		w.gauge("forward_queue", float64(f.Queue), forward)
		w.gauge("forward_parked", float64(len(f.Parked)), forward)
		for _, state := range []app.ForwardState{app.ForwardRunning, app.ForwardRetrying, app.ForwardPaused} {
			w.gauge("forward_state", bit(f.State == state), forward, label{"state", string(state)})
		}
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
