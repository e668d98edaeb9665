package relay

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"greenroom/tunnel/relay/spool"
)

// metrics are the Prometheus figures. They contain no hooks: their ids are secret, and their number is unbounded.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	commits  prometheus.Histogram
	batch    prometheus.Histogram
	failures prometheus.Counter
	events   prometheus.Counter
	lost     prometheus.Counter
	quota    prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	quick := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "greenroom_relay_requests_total", Help: "Requests to hooks, by what became of them.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "greenroom_relay_request_seconds", Help: "Time from a request's header to its answer.", Buckets: quick,
		}, []string{"outcome"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "greenroom_relay_commit_seconds", Help: "Time that a commit of the spool takes.", Buckets: quick,
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "greenroom_relay_commit_writes", Help: "Writes that share a commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "greenroom_relay_commit_failures_total", Help: "Commits of the spool that failed.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "greenroom_relay_events_sent_total", Help: "Requests handed to clients, repetitions included.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "greenroom_relay_dropped_total", Help: "Requests dropped because no client fetched them in time.",
		}),
		quota: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "greenroom_relay_quota_refusals_total", Help: "Requests refused because their hook's spool was full.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.commits, m.batch, m.failures, m.events, m.lost, m.quota,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.opt.Sink != nil {
		return m
	}
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("greenroom_relay_clients", "Clients that are connected.", func() float64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		return float64(len(s.active))
	})
	gauge("greenroom_relay_spool_requests", "Requests that wait for their client.", func() float64 {
		n, _ := s.spool.Total()
		return float64(n)
	})
	gauge("greenroom_relay_spool_bytes", "Bytes that wait for their client.", func() float64 {
		_, n := s.spool.Total()
		return float64(n)
	})
	gauge("greenroom_relay_spool_file_bytes", "Size of the spool's file, free pages included.", func() float64 {
		n, err := s.spool.Size()
		if err != nil {
			return 0
		}
		return float64(n)
	})
	return m
}

func (m *metrics) answered(a answer, took time.Duration) {
	m.requests.WithLabelValues(a.outcome).Inc()
	m.seconds.WithLabelValues(a.outcome).Observe(took.Seconds())
}

func (m *metrics) commit(took time.Duration, writes int, err error) {
	m.commits.Observe(took.Seconds())
	m.batch.Observe(float64(writes))
	if err != nil {
		m.failures.Inc()
	}
}

func (m *metrics) sent()             { m.events.Inc() }
func (m *metrics) dropped(n int)     { m.lost.Add(float64(n)) }
func (m *metrics) full(_ spool.Hook) { m.quota.Inc() }

// AdminHandler serves /healthz (the process answers), /readyz (it accepts requests, and the last write succeeded) and /metrics.
// It shows nothing secret, and is for an address that only the operator reaches.
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
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}
