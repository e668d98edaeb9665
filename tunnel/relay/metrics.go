package relay

import (
	"net/http"
	"sync"
	"time"

	figures "github.com/VictoriaMetrics/metrics"
)

// metrics are the figures for Prometheus. They have no label for hooks, whose ids are secret and whose number is unbounded.
type metrics struct {
	set      *figures.Set
	commits  *figures.PrometheusHistogram // seconds of a commit of the spool
	batch    *figures.PrometheusHistogram // writes in a commit
	failures *figures.Counter             // failed commits
	events   *figures.Counter             // requests sent to clients, including repeats
	lost     *figures.Counter             // requests dropped because no client fetched them in time
	quota    *figures.Counter             // requests refused because their hook's spool was full

	mu       sync.Mutex
	outcomes map[string]outcome
}

// outcome counts the requests with one outcome, and their time from headers to answer.
type outcome struct {
	requests *figures.Counter
	seconds  *figures.PrometheusHistogram
}

// quick are the upper bounds of durations, in seconds.
var quick = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newMetrics(s *Server) *metrics {
	figures.ExposeMetadata(true) // the types
	set := figures.NewSet()
	m := &metrics{
		set:      set,
		commits:  set.NewPrometheusHistogramExt("greenroom_relay_commit_seconds", quick),
		batch:    set.NewPrometheusHistogramExt("greenroom_relay_commit_writes", figures.ExponentialBuckets(1, 2, 10)),
		failures: set.NewCounter("greenroom_relay_commit_failures_total"),
		events:   set.NewCounter("greenroom_relay_events_sent_total"),
		lost:     set.NewCounter("greenroom_relay_dropped_total"),
		quota:    set.NewCounter("greenroom_relay_quota_refusals_total"),
		outcomes: make(map[string]outcome),
	}
	if s.opt.Sink != nil {
		return m
	}
	set.NewGauge("greenroom_relay_clients", func() float64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		return float64(len(s.active))
	})
	set.NewGauge("greenroom_relay_spool_requests", func() float64 {
		n, _ := s.spool.Total()
		return float64(n)
	})
	set.NewGauge("greenroom_relay_spool_bytes", func() float64 {
		_, n := s.spool.Total()
		return float64(n)
	})
	set.NewGauge("greenroom_relay_spool_file_bytes", func() float64 {
		n, err := s.spool.Size()
		if err != nil {
			return 0
		}
		return float64(n)
	})
	return m
}

func (m *metrics) answered(a answer, took time.Duration) {
	m.mu.Lock()
	o, ok := m.outcomes[a.outcome]
	if !ok {
		o = outcome{
			m.set.NewCounter(`greenroom_relay_requests_total{outcome="` + a.outcome + `"}`),
			m.set.NewPrometheusHistogramExt(`greenroom_relay_request_seconds{outcome="`+a.outcome+`"}`, quick),
		}
		m.outcomes[a.outcome] = o
	}
	m.mu.Unlock()
	o.requests.Inc()
	o.seconds.Update(took.Seconds())
}

func (m *metrics) commit(took time.Duration, writes int, err error) {
	m.commits.Update(took.Seconds())
	m.batch.Update(float64(writes))
	if err != nil {
		m.failures.Inc()
	}
}

// AdminHandler serves /healthz (the process answers), /readyz (it accepts requests, and the last write succeeded) and /metrics. It
// shows nothing secret, and is meant for an address that only the operator can reach.
func (s *Server) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		s.metrics.set.WritePrometheus(w)
		figures.WriteProcessMetrics(w)
	})
	return mux
}
