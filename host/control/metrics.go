package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pomost/pomost/host/home"
)

// maxMeteredFlows bounds the values of the label flow; further flows share one.
const maxMeteredFlows = 200

// meters are the numbers that a daemon tells. What the state knows is read when it is asked for; what runs did is counted since the start.
type meters struct {
	service  *Service
	registry *prometheus.Registry
	runs     *prometheus.CounterVec
	records  *prometheus.CounterVec
	seconds  *prometheus.GaugeVec

	mu    sync.Mutex
	flows map[string]bool
}

var (
	heldDesc    = prometheus.NewDesc("pomost_records_held", "Records that wait for a person's decision.", []string{"flow"}, nil)
	failedDesc  = prometheus.NewDesc("pomost_records_failed", "Records that failed and are remembered.", []string{"flow"}, nil)
	waitingDesc = prometheus.NewDesc("pomost_records_waiting", "Records whose outcome is not known yet.", []string{"flow"}, nil)
	successDesc = prometheus.NewDesc("pomost_last_success_timestamp_seconds", "When a run of the flow last ended well.", []string{"flow"}, nil)
	lagDesc     = prometheus.NewDesc("pomost_lag_seconds", "How long ago a run of the flow last ended well.", []string{"flow"}, nil)
	pausedDesc  = prometheus.NewDesc("pomost_paused", "1 where the flow is paused.", []string{"flow"}, nil)
)

func newMeters(s *Service) *meters {
	m := &meters{service: s, registry: prometheus.NewRegistry(), flows: map[string]bool{},
		runs:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pomost_runs_total", Help: "Runs that ended, by how."}, []string{"flow", "lane", "outcome"}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pomost_records_total", Help: "Records that runs took up, by what became of them."}, []string{"flow", "lane", "outcome"}),
		seconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "pomost_run_seconds", Help: "How long the newest run took."}, []string{"flow", "lane"}),
	}
	m.registry.MustRegister(m.runs, m.records, m.seconds, m)
	return m
}

// label is a flow's, or the common one of those that are too many.
func (m *meters) label(flow string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.flows[flow] && len(m.flows) >= maxMeteredFlows {
		return "other"
	}
	m.flows[flow] = true
	return flow
}

func (m *meters) ended(e Ended) {
	name, lane, _ := strings.Cut(e.Result.Name, ":")
	flow := m.label(name)
	m.runs.WithLabelValues(flow, lane, e.Result.Status).Inc()
	m.seconds.WithLabelValues(flow, lane).Set(e.Result.Seconds)
	c := e.Result.Counts
	for outcome, n := range map[string]int{"created": c.Created, "updated": c.Updated, "unchanged": c.Unchanged, "skipped": c.Skipped, "held": c.Held, "failed": c.Failed} {
		if n > 0 {
			m.records.WithLabelValues(flow, lane, outcome).Add(float64(n))
		}
	}
}

// Describe implements prometheus.Collector.
func (m *meters) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{heldDesc, failedDesc, waitingDesc, successDesc, lagDesc, pausedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *meters) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	st, err := m.service.Status(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(heldDesc, err)
		return
	}
	for i, f := range st.Flows {
		if i >= maxMeteredFlows {
			return
		}
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, f.Name)
		}
		gauge(heldDesc, float64(f.Held))
		gauge(failedDesc, float64(f.Failed))
		gauge(waitingDesc, float64(f.Waiting))
		paused := 0.0
		if f.Paused {
			paused = 1
		}
		gauge(pausedDesc, paused)
		if !f.LastSuccess.IsZero() {
			gauge(successDesc, float64(f.LastSuccess.UnixMilli())/1000)
			gauge(lagDesc, st.Time.Sub(f.LastSuccess).Seconds())
		}
	}
}

// loopbackOnly refuses an address at which others could ask: health and metrics name flows, and nobody is asked who they are.
func loopbackOnly(address string) error {
	if address == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usage("--listen %s is no address", "write it as 127.0.0.1:9464", address)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return usage("--listen %s is not on this machine alone: whoever reaches it could read what flows there are", "listen on 127.0.0.1, and let a proxy that knows who asks stand before it", address)
}

// web answers health and metrics.
type web struct {
	address string
	l       net.Listener
	server  *http.Server
	log     func(format string, args ...any)
}

// listen opens the address of health and metrics; nil where there is none.
func (d *daemon) listen(ctx context.Context) (*web, error) {
	if d.opts.Listen == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.opts.Listen)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plainly(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", d.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.meters.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return &web{address: l.Addr().String(), l: l, log: d.log, server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}}, nil
}

// ready tells whether flows are run: the state answers, and the schedule looks at its clock.
func (d *daemon) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	err := d.service.reading(ctx, func(st *home.State) error {
		_, _, err := configIn(ctx, st)
		return err
	})
	switch {
	case err != nil:
		plainly(w, http.StatusServiceUnavailable, "the state does not answer")
	case !d.loop.Alive():
		plainly(w, http.StatusServiceUnavailable, "the schedule does not run")
	default:
		plainly(w, http.StatusOK, "ready")
	}
}

func plainly(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // whoever asked may be gone
}

// serve answers until ctx ends.
func (w *web) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if w.server.Shutdown(end) != nil {
			_ = w.server.Close()
		}
	})
	defer stop()
	if err := w.server.Serve(w.l); !errors.Is(err, http.ErrServerClosed) {
		w.log("health and metrics are not served any more: %v", err)
	}
}
