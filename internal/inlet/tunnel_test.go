package inlet

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/cursor"
	"greenroom/internal/web"
	"greenroom/tunnel"
	"greenroom/tunnel/probe"
	"greenroom/tunnel/tunneltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 2 * time.Minute

// owner is a Backend that records the reports it gets.
type owner struct {
	*apptest.Memory
	reports    chan app.TunnelReport
	subscribed chan struct{}
}

func newOwner() *owner {
	return &owner{apptest.NewMemory(64), make(chan app.TunnelReport, 64), make(chan struct{}, 1)}
}

func (o *owner) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	changes, err := o.Memory.Subscribe(ctx)
	o.subscribed <- struct{}{}
	return changes, err
}

func (o *owner) ReportTunnel(ctx context.Context, r app.TunnelReport) (app.TunnelReported, error) {
	o.reports <- r
	return o.Memory.ReportTunnel(ctx, r)
}

// until waits for a report.
func (o *owner) until(t *testing.T, what string, ok func(app.TunnelReport) bool) app.TunnelReport {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case r := <-o.reports:
			if ok(r) {
				return r
			}
		case <-late.C:
			t.Fatalf("no report of %s", what)
		}
	}
}

func (o *owner) state(t *testing.T, s tunnel.State) app.TunnelStatus {
	t.Helper()
	return o.until(t, string(s), func(r app.TunnelReport) bool { return r.Status.State == string(s) }).Status
}

// through returns a tunnel through the pipe.
func through(p *tunneltest.Pipe, o TunnelOptions) *Tunnel {
	o.Name, o.Driver = p.Name(), func() (tunnel.Driver, error) { return p, nil }
	o.Router, o.Hooks = web.Router{Accounts: []string{"daily", "b"}}, []string{"daily", "b"}
	return NewTunnel(o)
}

// live opens a tunnel and waits until it is live at the returned URL.
func live(t *testing.T, o *owner, tun *Tunnel, p *tunneltest.Pipe) (base string, l tunnel.Local) {
	t.Helper()
	opened := tun.Open(o, nil)
	l = <-p.Opened
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	base = p.Public(t, l)
	p.Board.Update(func(s *tunnel.Status) {
		s.State, s.URL, s.RTT, s.More = tunnel.Live, base, 1500*time.Microsecond, []tunnel.Address{{Name: "b", URL: "https://b.example"}}
	})
	o.state(t, tunnel.Live)
	return base, l
}

func TestATunnelReportsItsStatus(t *testing.T) {
	o, p := newOwner(), tunneltest.NewPipe("relay")
	var shown []app.TunnelStatus
	tun := through(p, TunnelOptions{OnStatus: func(s app.TunnelStatus) { shown = append(shown, s) }})
	if hosts := tun.hosts(); hosts != nil {
		t.Errorf("before it has a URL its hosts are %q", hosts)
	}
	base, _ := live(t, o, tun, p)
	s := tun.status()
	if s.Driver != "relay" || !s.StoreAndForward || s.RTTMs != 1.5 || s.Hooks["daily"] != base+"/hooks/daily" || len(s.Hooks) != 2 ||
		len(s.More) != 1 || s.More[0].Hooks["b"] != "https://b.example/hooks/b" {
		t.Errorf("%+v", s)
	}
	if hosts := tun.hosts(); len(hosts) != 1 || "http://"+hosts[0] != base {
		t.Errorf("its hosts are %q", hosts)
	}
	if err := <-tun.Open(o, nil); err != nil {
		t.Errorf("opened twice: %v", err)
	}
	tun.Close()
	last := o.until(t, "the end", func(r app.TunnelReport) bool { return r.Lease == 0 })
	if last.Source == "" || last.Listener != nil {
		t.Errorf("the last report: %+v", last)
	}
	select {
	case <-p.Closed:
	default:
		t.Error("the driver's tunnel is still open")
	}
	first := shown[0]
	if first.State != "connecting" || !first.StoreAndForward || len(first.Hooks) != 0 {
		t.Errorf("at first %+v", first)
	}
	if !slices.ContainsFunc(shown, func(s app.TunnelStatus) bool { return s.State == "live" }) {
		t.Errorf("shown: %+v", shown)
	}
	tun.Close() // does nothing
	if err := <-tun.Open(o, nil); err != nil || len(o.reports) > 0 {
		t.Errorf("opened after it was closed: %v, %d reports", err, len(o.reports))
	}
}

// TestATunnelRenewsItsReport before the owner drops it.
func TestATunnelRenewsItsReport(t *testing.T) {
	clock := clockwork.NewFakeClock()
	o, p := newOwner(), tunneltest.NewPipe("ssh")
	p.Board.Update(func(s *tunnel.Status) { s.State, s.Reason = tunnel.Degraded, "the server is away" })
	tun := through(p, TunnelOptions{Clock: clock})
	<-tun.Open(o, nil)
	defer tun.Close()
	o.state(t, tunnel.Degraded)
	for range 3 {
		if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(reportEvery)
		r := o.until(t, "a renewal", func(app.TunnelReport) bool { return true })
		if r.Lease <= reportEvery || r.Status.State != "degraded" || r.Status.Reason != "the server is away" {
			t.Errorf("%+v", r)
		}
	}
}

func TestRequestsThroughATunnelAreStored(t *testing.T) {
	o, p := newOwner(), tunneltest.NewPipe("sqs")
	tun := through(p, TunnelOptions{})
	<-tun.Open(o, nil)
	defer tun.Close()
	local := <-p.Opened
	missing := tunneltest.Envelope(15, "/hooks/b", "")
	missing.Missing = "too large"
	batch := []tunnel.Envelope{
		tunneltest.Envelope(11, "/hooks/daily", "one"), tunneltest.Envelope(12, "/elsewhere?secret", "{}"),
		tunneltest.Envelope(13, probe.Path+strings.Repeat("0", 32), ""), tunneltest.Envelope(14, "/hooks/b", "two"), missing,
	}
	answers, err := local.Receive(t.Context(), batch)
	if err != nil || len(answers) != len(batch) {
		t.Fatal(answers, err)
	}
	for i, want := range []int{200, 404, 404, 200, 200} {
		if a := answers[i]; !a.Stored || a.Status != want {
			t.Errorf("request %d: %+v, want %d", i, a, want)
		}
	}
	page, err := o.Events(t.Context(), app.EventQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var stored []string
	for _, d := range page.Events {
		stored = append(stored, d.Account+" "+d.Target)
	}
	if want := []string{"b /hooks/b", "b /hooks/b", " /elsewhere?secret", "daily /hooks/daily"}; !slices.Equal(stored, want) {
		t.Errorf("stored %q; a late probe is no webhook", stored)
	}
	positions, err := local.Positions(t.Context())
	if err != nil || len(positions) != 1 || positions[0] != (cursor.Position{Hook: "h", Epoch: 1, Seq: 15}) {
		t.Errorf("positions %+v, %v", positions, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := local.Positions(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("positions that can't be read: %v", err)
	}
}

func TestAProbeOnRequest(t *testing.T) {
	o, p := newOwner(), tunneltest.NewPipe("relay")
	tun := through(p, TunnelOptions{})
	base, _ := live(t, o, tun, p)
	defer tun.Close()
	<-o.subscribed
	ask := func(id uint64) app.TunnelProbed {
		t.Helper()
		o.Publish(app.Change{Kind: app.ProbeChange, Probe: id})
		return *o.until(t, "a probe", func(r app.TunnelReport) bool { return r.Probed != nil }).Probed
	}
	if got := ask(7); !got.OK || got.ID != 7 || got.Driver != "relay" || got.URL != base || got.RTTMs <= 0 || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	p.Cut.Store(true)
	if got := ask(8); got.OK || got.ID != 8 || !strings.Contains(got.Reason, "502") {
		t.Errorf("%+v", got)
	}
	s := tun.status()
	if s.State != "degraded" {
		s = o.state(t, tunnel.Degraded)
	}
	if !strings.Contains(s.Reason, "502") {
		t.Errorf("%+v", s)
	}
}

func TestATunnelThatCannotBeOpened(t *testing.T) {
	p := tunneltest.NewPipe("exec")
	p.Fail = errors.New("the program bore is not installed")
	broken := TunnelOptions{Name: "exec", Driver: func() (tunnel.Driver, error) { return nil, errors.New("the settings are wrong") }}
	for want, tun := range map[string]*Tunnel{"bore is not installed": through(p, TunnelOptions{}), "settings are wrong": NewTunnel(broken)} {
		o := newOwner()
		if err := <-tun.Open(o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if s := o.state(t, tunnel.Closed); s.Driver != "exec" || !strings.Contains(s.Reason, want) {
			t.Errorf("%+v", s)
		}
		tun.Close()
	}
	none := NewTunnel(TunnelOptions{Name: "none"})
	o := newOwner()
	if err := <-none.Open(o, nil); err != nil {
		t.Error(err)
	}
	none.Close()
	if len(o.reports) > 0 {
		t.Error("no tunnel was reported as one")
	}
}

// TestTheListenerOpensItsTunnel, and closes it first.
func TestTheListenerOpensItsTunnel(t *testing.T) {
	o, p := newOwner(), tunneltest.NewPipe("exec")
	tun := through(p, TunnelOptions{})
	l := NewListener(web.Options{Addr: "127.0.0.1:0"}, tun)
	l.TryOpen(o)
	local := <-p.Opened
	if got := "http://" + local.Addr.String(); got != l.Status().URL {
		t.Errorf("the tunnel leads to %s", got)
	}
	p.Board.Update(func(s *tunnel.Status) { s.URL = "https://quick.example/in" })
	o.until(t, "the URL", func(r app.TunnelReport) bool { return r.Status.URL != "" })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for host, want := range map[string]int{"quick.example": http.StatusOK, "other.example": http.StatusNotFound} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.Status().URL+"/hooks/daily", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, res.StatusCode, want)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	var withdrawn []bool // of the listener, in order
	for len(o.reports) > 0 {
		if r := <-o.reports; r.Lease == 0 {
			withdrawn = append(withdrawn, r.Listener != nil)
		}
	}
	if !slices.Equal(withdrawn, []bool{false, true}) {
		t.Errorf("withdrawn: %v; the tunnel closes before the listener", withdrawn)
	}
}

// late is a Backend whose name can't be read at first.
type late struct {
	app.Backend
	fails int
}

func (l *late) TunnelState(ctx context.Context, q app.TunnelQuery) (app.TunnelState, error) {
	if l.fails--; l.fails >= 0 {
		return app.TunnelState{}, errors.New("the disk is full")
	}
	return l.Backend.TunnelState(ctx, q)
}

func TestATunnelWaitsForTheStoresName(t *testing.T) {
	b := &late{Backend: apptest.NewMemory(1), fails: 3}
	var shown []app.TunnelStatus
	clock := clockwork.NewFakeClock()
	tun := NewTunnel(TunnelOptions{OnStatus: func(s app.TunnelStatus) { shown = append(shown, s) }, Clock: clock})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for range 3 {
			if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
				t.Error(err)
			}
			clock.Advance(time.Minute)
		}
	})
	device, err := tun.device(t.Context(), b)
	waiting.Wait()
	if err != nil || device == "" {
		t.Fatalf("%q, %v", device, err)
	}
	if len(shown) != 3 || shown[0].State != "degraded" || !strings.Contains(shown[0].Reason, "the disk is full") {
		t.Errorf("meanwhile it shows %+v", shown)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tun.device(ctx, &late{Backend: b, fails: 1 << 30}); !errors.Is(err, context.Canceled) {
		t.Errorf("a tunnel that is closed meanwhile: %v", err)
	}
}
