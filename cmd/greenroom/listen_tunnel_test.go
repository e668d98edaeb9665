package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/provider"
	"greenroom/tui"
	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

// through makes a bench's tunnel the given one.
func (b *bench) through(p *tunneltest.Pipe) {
	b.tunnels = func(c config.Tunnel, _ string) (tunnel.Driver, error) {
		if c.Driver == config.NoTunnel {
			return nil, errors.New("no tunnel was asked for")
		}
		return p, nil
	}
	b.stderr = &locked{w: &b.err}
}

// locked is for output that comes from several goroutines.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// patient keeps what is written until it is read.
type patient struct {
	mu    sync.Mutex
	more  *sync.Cond
	buf   bytes.Buffer
	ended bool
}

func newPatient() *patient {
	p := &patient{}
	p.more = sync.NewCond(&p.mu)
	return p
}

func (p *patient) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more.Broadcast()
	return p.buf.Write(b)
}

func (p *patient) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() == 0 && !p.ended {
		p.more.Wait()
	}
	return p.buf.Read(b)
}

func (p *patient) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.more.Broadcast()
}

// listening starts `listen --json` and gives what it prints, with the URL that it listens on.
func (b *bench) listening(t *testing.T, args ...string) (lines *lineReader, url string, stop func() int) {
	t.Helper()
	out := newPatient()
	b.stdout = out
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		code := b.execute(ctx, append([]string{"listen", "--addr", "127.0.0.1:0", "--json"}, args...))
		out.end()
		done <- code
	}()
	t.Cleanup(cancel)
	lines = &lineReader{t: t, r: out}
	var first struct{ Listening string }
	if err := json.Unmarshal([]byte(lines.next()), &first); err != nil || first.Listening == "" {
		t.Fatal(first, err)
	}
	return lines, first.Listening, func() int {
		cancel()
		return <-done
	}
}

// tunnel is the next status of the tunnel; events in between are passed over.
func (l *lineReader) tunnel() app.TunnelStatus {
	l.t.Helper()
	for {
		var v struct{ Tunnel *app.TunnelStatus }
		line := l.next()
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			l.t.Fatalf("not JSON: %s (%v)", line, err)
		}
		if v.Tunnel != nil {
			return *v.Tunnel
		}
	}
}

// event returns the next event that isn't a platform's test of the address, without the lines about the tunnel.
func (l *lineReader) event() app.Delivery {
	l.t.Helper()
	for {
		var d app.Delivery
		line := l.next()
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			l.t.Fatalf("not JSON: %s (%v)", line, err)
		}
		if d.Seq != 0 && d.Kind != provider.KindTest {
			return d
		}
	}
}

// beside is another terminal on the same data.
func (b *bench) beside(t *testing.T) *bench {
	t.Helper()
	o := newBench(t, false, "")
	o.getenv, o.open, o.version, o.now = b.getenv, openBackend, b.version, time.Now
	return o
}

func TestListenThroughATunnel(t *testing.T) {
	b, _ := realBench(t)
	p := tunneltest.NewPipe("relay")
	b.through(p)
	lines, url, stop := b.listening(t, "--tunnel", "relay")
	if s := lines.tunnel(); s.Driver != "relay" || s.State != "connecting" || len(s.Hooks) != 0 || !s.StoreAndForward {
		t.Errorf("at first %+v", s)
	}
	local := <-p.Opened
	if "http://"+local.Addr.String() != url || local.Device == "" {
		t.Errorf("the tunnel was given %v and %q", local.Addr, local.Device)
	}
	base := p.Public(t, local)
	p.Board.Update(func(s *tunnel.Status) {
		s.State, s.URL, s.RTT, s.Spool, s.StoreAndForward = tunnel.Live, base, 12*time.Millisecond, 2, true
	})
	if s := lines.tunnel(); s.State != "connecting" || !strings.Contains(s.Reason, "checking") {
		t.Errorf("before a probe came back %+v", s)
	}
	live := lines.tunnel()
	if live.State != "live" || live.Hooks["daily"] != base+"/hooks/daily" || live.RTTMs != 12 || live.Spool != 2 {
		t.Errorf("then %+v", live)
	}
	p.Board.Update(func(s *tunnel.Status) { s.RTT = 13 * time.Millisecond }) // no line

	batch := []tunnel.Envelope{
		tunneltest.Envelope(11, "/hooks/daily", "unsigned"), tunneltest.Envelope(12, "/elsewhere", "{}"), tunneltest.Envelope(14, "/v1/whereby", "forged"),
	}
	answers, err := local.Receive(t.Context(), batch)
	if err != nil || len(answers) != 3 {
		t.Fatal(answers, err)
	}
	for i, want := range []int{400, 404, 400} {
		if a := answers[i]; !a.Stored || a.Status != want {
			t.Errorf("request %d: %+v, want %d", i, a, want)
		}
	}
	p.Seq.Store(20)
	for _, account := range []string{"daily", "", "whereby"} { // the second is for no account
		if d := lines.event(); d.Account != account {
			t.Errorf("%+v is not an event of %s", d, account)
		}
	}
	positions, err := local.Positions(t.Context())
	if err != nil || len(positions) != 1 || positions[0].Hook != "h" || positions[0].Seq < 14 {
		t.Errorf("positions %+v, %v", positions, err)
	}

	other := b.beside(t)
	other.run(t, 0, "tunnel", "status", "--json")
	wantFields(t, "tunnel status", other.keys(t), tunnelFields)
	other.run(t, 0, "tunnel", "status")
	for _, want := range []string{"relay", "live", base + "/hooks/whereby", "13 ms", "2 at the relay"} {
		if !strings.Contains(other.out.String(), want) {
			t.Errorf("tunnel status lacks %q: %s", want, other.out.String())
		}
	}
	other.run(t, 0, "tunnel", "probe", "--json")
	if s := other.out.String(); !strings.Contains(s, `"ok":true`) || strings.Contains(s, `"rtt_ms":0,`) {
		t.Errorf("tunnel probe: %s", s)
	}
	p.Cut.Store(true)
	other.run(t, 1, "tunnel", "probe")
	if s := other.err.String(); !strings.Contains(s, "the relay tunnel doesn't work: 127.0.0.1 answered 502") {
		t.Errorf("tunnel probe: %s", s)
	}
	if s := lines.tunnel(); s.State != "degraded" || !strings.Contains(s.Reason, "502") {
		t.Errorf("after a probe that failed %+v", s)
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
	select {
	case <-p.Closed:
	default:
		t.Error("the tunnel is still open")
	}
	other.run(t, 4, "tunnel", "probe")
	other.run(t, 0, "tunnel", "status", "--json")
	if s := other.out.String(); !strings.Contains(s, `"state":"closed"`) {
		t.Errorf("after listen has ended: %s", s)
	}
}

// TestATunnelBesideAnOwner has the tunnel in a process that isn't the store's owner.
func TestATunnelBesideAnOwner(t *testing.T) {
	b, _ := realBench(t)
	owner := b.beside(t)
	_, _, stopOwner := owner.listening(t)
	p := tunneltest.NewPipe("sqs")
	b.through(p)
	lines, _, stop := b.listening(t, "--tunnel", "sqs")
	lines.tunnel()
	local := <-p.Opened
	base := p.Public(t, local)
	p.Board.Update(func(s *tunnel.Status) { s.State, s.URL = tunnel.Live, base })
	for lines.tunnel().State != "live" {
	}
	if a, err := local.Receive(t.Context(), []tunnel.Envelope{tunneltest.Envelope(p.Seq.Add(1), "/hooks/daily", "unsigned")}); err != nil || !a[0].Stored {
		t.Errorf("%+v, %v", a, err)
	}
	if d := lines.event(); d.Account != "daily" {
		t.Errorf("%+v", d)
	}
	third := b.beside(t)
	third.run(t, 0, "tunnel", "probe")
	third.run(t, 0, "tunnel", "status", "--json")
	if s := third.out.String(); !strings.Contains(s, `"state":"live"`) || !strings.Contains(s, `"driver":"sqs"`) {
		t.Errorf("the owner says %s", s)
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
	third.run(t, 0, "tunnel", "status", "--json")
	if s := third.out.String(); !strings.Contains(s, `"driver":"none"`) {
		t.Errorf("after it was closed the owner says %s", s)
	}
	if code := stopOwner(); code != 0 {
		t.Errorf("the owner ended with %d: %s", code, owner.err.String())
	}
}

func TestListenEndsWhenItsTunnelCannotBeOpened(t *testing.T) {
	b, _ := realBench(t)
	p := tunneltest.NewPipe("exec")
	p.Fail = errors.New("the program bore is not installed")
	b.through(p)
	b.run(t, 4, "listen", "--addr", "127.0.0.1:0", "--tunnel", "exec")
	if s := b.err.String(); !strings.Contains(s, "Listening on") || !strings.Contains(s, "bore is not installed") {
		t.Errorf("it says %s", s)
	}
	b.tunnels = openTunnelDriver
	b.run(t, 4, "listen", "--addr", "127.0.0.1:0", "--tunnel", "relay")
	if s := b.err.String(); !strings.Contains(s, "GREENROOM_RELAY_URL") {
		t.Errorf("it says %s", s)
	}
}

func TestListenShowsItsTunnel(t *testing.T) {
	var said []string
	b := newBench(t, false, "")
	b.stderr = writer(func(s string) { said = append(said, strings.TrimSuffix(s, "\n")) })
	tell := (&listenOptions{program: b.program}).tunnelPrinter(func(err error) { t.Error(err) })
	for _, s := range []app.TunnelStatus{
		{Driver: "ssh", State: "connecting"},
		{Driver: "ssh", State: "connecting", Reason: "to box.example"},
		{Driver: "ssh", State: "live", URL: "https://x.example", RTTMs: 3, Hooks: map[string]string{"b": "https://x.example/hooks/b", "a": "https://x.example/hooks/a"}},
		{Driver: "ssh", State: "live", URL: "https://x.example", RTTMs: 4, Hooks: map[string]string{"b": "https://x.example/hooks/b", "a": "https://x.example/hooks/a"}},
		{Driver: "ssh", State: "degraded", URL: "https://x.example", Reason: "the server\x1b is away", Gap: "3 requests"},
		{Driver: "ssh", State: "closed", Reason: "refused"},
	} {
		tell(s)
	}
	want := []string{
		"Tunnel ssh: connecting: to box.example",
		"Tunnel ssh: live, https://x.example (no store-and-forward: requests sent while this machine is offline are lost)",
		"  a  https://x.example/hooks/a", "  b  https://x.example/hooks/b",
		"Tunnel ssh: degraded, https://x.example: the server␛ is away", "Lost in transit: 3 requests",
		"Tunnel ssh: closed: refused",
	}
	if got := strings.Join(said, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("it said\n%s", got)
	}
}

type writer func(string)

func (w writer) Write(b []byte) (int, error) { w(string(b)); return len(b), nil }

// TestTheScreenOpensTheTunnelToo covers the screen as the owner, and its Status tab.
func TestTheScreenOpensTheTunnelToo(t *testing.T) {
	b, _ := realBench(t)
	env := b.getenv
	b.getenv = func(name string) string {
		return map[string]string{"GREENROOM_RELAY_URL": "https://gr.example", "GREENROOM_RELAY_TOKEN": "hush"}[name] + env(name)
	}
	p := tunneltest.NewPipe("relay")
	b.through(p)
	b.draw = drawn(t, func(ctx context.Context, backend app.Backend) error {
		changes, err := backend.Subscribe(ctx)
		if err != nil {
			return err
		}
		local := <-p.Opened
		if _, err := local.Receive(ctx, []tunnel.Envelope{tunneltest.Envelope(1, "/hooks/daily", `{"test":"test"}`)}); err != nil {
			return err
		}
		base := p.Public(t, local)
		p.Seq.Store(1)
		p.Board.Update(func(s *tunnel.Status) { s.State, s.URL = tunnel.Live, base })
		for range changes {
			s, err := backend.Status(ctx, app.StatusQuery{})
			if err != nil {
				return err
			}
			if s.Tunnel.State == "live" {
				if i := 0; s.Accounts[i].Webhook != s.Tunnel.Hooks[s.Accounts[i].Name] || s.Accounts[i].Platform == provider.LiveKit {
					t.Errorf("an account's webhook is %q", s.Accounts[i].Webhook)
				}
				return nil
			}
		}
		return errors.New("it never became live")
	})
	b.run(t, 0)
	select {
	case <-p.Closed:
	default:
		t.Error("the tunnel outlived the screen")
	}
}

// drawn is a screen that does what f does.
func drawn(t *testing.T, f func(context.Context, app.Backend) error) func(context.Context, tui.Options) error {
	t.Helper()
	return func(ctx context.Context, o tui.Options) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return f(ctx, o.Backend)
	}
}

// TestTheWebhookFollowsTheTunnel has a real Daily webhook, on the sandbox, made through the tunnel, and another's left alone
// until the user replaces it.
func TestTheWebhookFollowsTheTunnel(t *testing.T) {
	b, w := realBench(t)
	env := b.getenv
	b.getenv = func(name string) string {
		if name == "DAILY_WEBHOOK_SECRET" {
			return ""
		}
		return env(name)
	}
	if _, err := w.SetWebhook(provider.Daily, "http://127.0.0.1:9/theirs", ""); err != nil {
		t.Fatal(err)
	}
	p := tunneltest.NewPipe("ssh")
	b.through(p)
	lines, _, stop := b.listening(t, "--tunnel", "ssh")
	local := <-p.Opened
	base := p.Public(t, local)
	p.Board.Update(func(s *tunnel.Status) { s.State, s.URL = tunnel.Live, base })
	for lines.tunnel().State != "live" {
	}
	other := b.beside(t)
	other.run(t, 1, "tunnel", "register", "daily")
	if s := other.err.String(); !strings.Contains(s, "posts to http://127.0.0.1:9/theirs") || !strings.Contains(s, "--replace") {
		t.Errorf("a foreign one: %s", s)
	}
	other.run(t, 2, "tunnel", "register", "daily", "--replace")
	other.run(t, 0, "doctor")
	if s := other.out.String(); !strings.Contains(s, "registration") || !strings.Contains(s, "--replace` replaces it") ||
		!strings.Contains(s, "Configure, Webhooks, Add endpoint") {
		t.Errorf("doctor: %s", s)
	}
	asking := b.beside(t)
	asking.inTTY, asking.outTTY, asking.stdin = true, true, strings.NewReader("n\n")
	asking.run(t, 1, "tunnel", "register", "daily", "--replace")
	if s := asking.err.String(); !strings.Contains(s, "Replace it? Its receiver gets no more webhooks. [y/N]") {
		t.Errorf("it asks %s", s)
	}
	if hooks := w.Webhooks(); len(hooks) != 1 || hooks[0].URL != "http://127.0.0.1:9/theirs" {
		t.Fatalf("before the user said yes: %+v", hooks)
	}
	other.run(t, 0, "tunnel", "register", "daily", "--replace", "--yes", "--json")
	if s := other.out.String(); !strings.Contains(s, `"state":"registered"`) || !strings.Contains(s, base+"/hooks/daily") {
		t.Errorf("taken over: %s", s)
	}
	if hooks := w.Webhooks(); len(hooks) != 1 || hooks[0].URL != base+"/hooks/daily" {
		t.Fatalf("then: %+v", hooks)
	}
	if err := w.Emit(provider.Daily, "meeting.started", map[string]any{"room": "elsewhere", "meeting_id": "m-1", "start_ts": 1.5}); err != nil {
		t.Fatal(err)
	}
	if d := lines.event(); d.Verdict != provider.Verified || d.Kind != provider.KindMeetingStarted {
		t.Errorf("the event: %+v", d)
	}
	other.run(t, 0, "event", "list", "--kind", "test", "--json")
	if s := other.out.String(); !strings.Contains(s, `"verified"`) {
		t.Errorf("the platform's test of the address: %s", s)
	}
	other.run(t, 0, "trigger", "participant.joined", "--account", "daily", "--room", "elsewhere", "--to", base+"/hooks/daily")
	if d := lines.event(); d.Verdict != provider.Verified || d.Kind != provider.KindParticipantJoined {
		t.Errorf("what is signed with the secret that was made: %+v", d)
	}
	other.run(t, 4, "tunnel", "register", "whereby")
	other.run(t, 0, "doctor")
	if s := other.out.String(); !strings.Contains(s, "created with the webhook and kept in the store") || !strings.Contains(s, "the platform posts to the tunnel") {
		t.Errorf("doctor: %s", s)
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
}

// TestAWebhookThatFellSilentWakesWithTheTunnel has Daily disable a webhook while the tunnel is away.
func TestAWebhookThatFellSilentWakesWithTheTunnel(t *testing.T) {
	b, w := realBench(t)
	p := tunneltest.NewPipe("relay")
	b.through(p)
	lines, _, stop := b.listening(t, "--tunnel", "relay")
	local := <-p.Opened
	base := p.Public(t, local)
	p.Board.Update(func(s *tunnel.Status) { s.State, s.URL, s.StoreAndForward = tunnel.Live, base, true })
	for lines.tunnel().State != "live" {
	}
	other := b.beside(t)
	other.run(t, 0, "tunnel", "register", "daily")
	p.Cut.Store(true)
	other.run(t, 1, "tunnel", "probe")
	for lines.tunnel().State != "degraded" {
	}
	emit := func(n int) {
		t.Helper()
		err := w.Emit(provider.Daily, "meeting.started", map[string]any{"room": "elsewhere", "meeting_id": fmt.Sprint("m-", n), "start_ts": 1.5})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		emit(n)
	}
	if h := w.Webhooks(); len(h) != 1 || !h[0].Failed {
		t.Fatalf("three failures left it %+v", h)
	}
	p.Cut.Store(false)
	other.run(t, 0, "tunnel", "probe")
	for lines.tunnel().State != "live" {
	}
	other.run(t, 0, "tunnel", "register", "daily") // waits for the automatic check, and finds nothing to do
	if h := w.Webhooks(); len(h) != 1 || h[0].Failed || h[0].URL != base+"/hooks/daily" {
		t.Fatalf("when the tunnel was back it was %+v", h)
	}
	emit(9)
	if d := lines.event(); d.Kind != provider.KindMeetingStarted || d.Verdict != provider.Verified {
		t.Errorf("%+v", d)
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
}

// TestThePublicNameIsAcceptedWhileItIsTheTunnels posts to the listener under names of others and of the tunnel, as a tunnel that
// carries connections does.
func TestThePublicNameIsAcceptedWhileItIsTheTunnels(t *testing.T) {
	b, _ := realBench(t)
	p := tunneltest.NewPipe("exec")
	b.through(p)
	lines, url, stop := b.listening(t, "--tunnel", "exec")
	<-p.Opened
	status := func(host string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hooks/daily", strings.NewReader("unsigned"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		res.Body.Close()
		return res.StatusCode
	}
	if got := status("quick.example"); got != http.StatusNotFound {
		t.Errorf("before the tunnel has that name it is answered %d", got)
	}
	p.Board.Update(func(s *tunnel.Status) { s.URL = "https://quick.example/in" })
	for lines.tunnel().URL == "" {
	}
	if got := status("quick.example"); got != http.StatusBadRequest { // the signature is missing
		t.Errorf("under the tunnel's name it is answered %d", got)
	}
	if got := status("other.example"); got != http.StatusNotFound {
		t.Errorf("under another name it is answered %d", got)
	}
	if code := stop(); code != 0 {
		t.Errorf("listen ended with %d: %s", code, b.err.String())
	}
}
