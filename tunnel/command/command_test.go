package command

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

// opened is an open tunnel whose program is the stub of the given name.
type opened struct {
	*tunneltest.Opened
	t   *testing.T
	dir string
}

func open(t *testing.T, stub string, o Options) *opened {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(stubVariable, stub)
	t.Setenv(controlVariable, dir)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	if o.Command == nil {
		o.Command = []string{os.Args[0]}
	}
	return &opened{Opened: tunneltest.Open(t, New(o), tunnel.Local{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7070}}), t: t, dir: dir}
}

const patience = 2 * time.Minute

func (o *opened) live(url string) {
	o.t.Helper()
	o.Until("live at "+url, func(s tunnel.Status) bool { return s.State == tunnel.Live && s.URL == url && s.Reason == "" })
}

func (o *opened) degraded(words string) {
	o.t.Helper()
	o.Until("degraded: "+words, func(s tunnel.Status) bool { return s.State == tunnel.Degraded && strings.Contains(s.Reason, words) })
}

// file waits until the stub has written a file, and returns its content.
func (o *opened) file(name string) []byte {
	o.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(filepath.Join(o.dir, name)); err == nil && (name != "started" || len(b) > 0) {
			return b
		}
		select {
		case <-tick.C:
		case <-late.C:
			o.t.Fatalf("the program did not write %s", name)
		}
	}
}

func (o *opened) tell(name string, on bool) {
	o.t.Helper()
	file, err := filepath.Join(o.dir, name), error(nil)
	if on {
		err = os.WriteFile(file, nil, 0o600)
	} else {
		err = os.Remove(file)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestAProgramThatPrintsItsURL(t *testing.T) {
	o := open(t, "prints", Options{Command: []string{os.Args[0], "local", "{port}", "at={addr}", "--to", "$HOME;x"}})
	o.live("https://stub.example")
	o.file("started")
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(o.dir, "interrupted")) {
		t.Error("the program was not asked to end")
	}
	if s := o.Until("the end", func(s tunnel.Status) bool { return s.State == tunnel.Closed }); s.StoreAndForward || s.Driver != "exec" {
		t.Errorf("%+v", s)
	}
	if want := "local 7070 at=127.0.0.1:7070 --to $HOME;x"; !strings.Contains(o.Log.String(), want) {
		t.Errorf("its arguments were not %q", want)
	}
}

func TestAProgramThatEndsIsStartedAgain(t *testing.T) {
	clock := clockwork.NewFakeClock()
	o := open(t, "prints and dies", Options{Clock: clock})
	o.Each = func() { clock.Advance(time.Second) }
	for range 3 {
		o.Until("its end", func(s tunnel.Status) bool {
			return s.State == tunnel.Degraded && s.URL == "" && strings.Contains(s.Reason, "ended with exit status 3, with the message: out of ␛[31mluck; it will be started again")
		})
		o.Until("its URL again", func(s tunnel.Status) bool { return s.State == tunnel.Live })
	}
	if strings.Contains(o.Log.String(), "\x1b") {
		t.Error("what it printed is in the log raw")
	}
}

// TestAProgramThatEndsAtOnce is restarted after growing delays, and logged once.
func TestAProgramThatEndsAtOnce(t *testing.T) {
	clock := clockwork.NewFakeClock()
	began := clock.Now()
	o := open(t, "usage", Options{Clock: clock})
	for range 10 {
		s := o.Until("its end", func(s tunnel.Status) bool {
			return s.State == tunnel.Degraded && s.RetryAt.After(clock.Now()) && strings.Contains(s.Reason, "exit status 2, with the message: usage")
		})
		clock.Advance(s.RetryAt.Sub(clock.Now()))
	}
	// Ten pauses of full jitter, of up to a second, 2, 4 and so on, are never as short.
	if took := clock.Since(began); took < 10*time.Second {
		t.Errorf("started eleven times within %s", took)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(o.Log.String(), "the tunnel's program ended"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// TestAWrongURLIsReplaced: the first URL that a program prints may be its maker's.
func TestAWrongURLIsReplaced(t *testing.T) {
	o := open(t, "maker", Options{})
	o.live("https://maker.example")
	o.file("started")
	o.Tunnel.(interface{ Refuted(url string) }).Refuted("https://maker.example")
	o.live("http://stub.example")
}

func TestAProgramThatNeverPrintsAURL(t *testing.T) {
	clock := clockwork.NewFakeClock()
	o := open(t, "silent", Options{Clock: clock})
	o.file("started")
	o.Each = func() { clock.Advance(quietTime) }
	o.degraded("and printed nothing")
}

func TestAProgramThatFloods(t *testing.T) {
	o := open(t, "floods", Options{})
	o.live("https://flood.example")
	if n := len(o.Log.String()); n > 1<<20 {
		t.Errorf("the log took %d bytes of it", n)
	}
}

func TestAProgramThatIsDeaf(t *testing.T) {
	o := open(t, "deaf", Options{patience: 200 * time.Millisecond})
	o.live("https://deaf.example")
	pid, err := strconv.Atoi(string(o.file("started")))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err := os.FindProcess(pid); err == nil {
		if err := p.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("it still runs: %v", err)
		}
	}
}

// TestTheProgramInheritsNoSecrets: it may print what it has, and what it prints is logged.
func TestTheProgramInheritsNoSecrets(t *testing.T) {
	t.Setenv("GREENROOM_TEST_SECRET", "hush")
	t.Setenv("GREENROOM_TEST_OTHER", "kept")
	o := open(t, "environment", Options{Secrets: []string{"GREENROOM_TEST_SECRET"}})
	o.live("https://environment.example")
	o.file("started")
	if log := o.Log.String(); strings.Contains(log, "hush") || !strings.Contains(log, "kept") {
		t.Errorf("it has another environment:\n%s", log)
	}
}

// TestADeafProgramDelaysTheEndByLessThanASignalMayTake: a signal ends Greenroom within three seconds.
func TestADeafProgramDelaysTheEndByLessThanASignalMayTake(t *testing.T) {
	if d := New(Options{}); d.opt.patience > 2500*time.Millisecond {
		t.Errorf("it is waited for %v", d.opt.patience)
	}
}

func TestCloudflared(t *testing.T) {
	clock := clockwork.NewFakeClock()
	o := open(t, "cloudflared", Options{Preset: "cloudflared", Clock: clock})
	o.Each = func() { clock.Advance(pollSoon) }
	o.tell("named", true)
	o.Until("a name and no connection", func(s tunnel.Status) bool {
		return s.State != tunnel.Live && s.URL == "https://quick-brown-fox.trycloudflare.com" && strings.Contains(s.Reason, "connecting to its edge")
	})
	o.tell("ready", true)
	o.live("https://quick-brown-fox.trycloudflare.com")
	o.tell("ready", false)
	o.degraded("has lost its connections")
	o.tell("ready", true)
	o.live("https://quick-brown-fox.trycloudflare.com")
	o.file("started")
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(o.dir, "interrupted")) {
		t.Error("it was not asked to end")
	}
}

func TestTailscale(t *testing.T) {
	t.Run("on", func(t *testing.T) {
		open(t, "tailscale", Options{Preset: "tailscale"}).live("https://laptop.tail1234.ts.net")
	})
	t.Run("off", func(t *testing.T) {
		o := open(t, "tailscale off", Options{Preset: "tailscale"})
		o.degraded("enable it at https://login.tailscale.com/f/funnel?node=nAbC1")
		if o.Last.URL != "" {
			t.Errorf("taken for the tunnel: %s", o.Last.URL)
		}
	})
}

const testToken = "2abcDEFsecret_4tOkEn"

func TestNgrok(t *testing.T) {
	for domain, url := range map[string]string{
		"": "https://1a2b.ngrok-free.app", "mine.ngrok.app": "https://mine.ngrok.app", "https://mine.ngrok.app": "https://mine.ngrok.app",
	} {
		t.Run(domain, func(t *testing.T) {
			t.Setenv("NGROK_AUTHTOKEN", "another one")
			o := open(t, "ngrok", Options{
				Preset: "ngrok", Authtoken: " " + testToken + "\n", Domain: domain, Secrets: []string{"NGROK_AUTHTOKEN"},
			})
			o.live(url)
			o.file("started")
			if s := o.Last; s.Driver != "ngrok" || s.StoreAndForward {
				t.Errorf("%+v", s)
			}
			if log := o.Log.String(); !strings.Contains(log, `same`) || strings.Contains(log, "false") {
				t.Errorf("it has another authtoken:\n%s", log)
			}
		})
	}
}

// TestNgrokRefuses shows the fix, and the authtoken nowhere.
func TestNgrokRefuses(t *testing.T) {
	for stub, says := range map[string]string{
		"ngrok refused": "refuses the authtoken: copy the right one from https://dashboard.ngrok.com/get-started/your-authtoken (ERR_NGROK_107)",
		"ngrok unknown": "see https://ngrok.com/docs/errors/err_ngrok_9999",
	} {
		o := open(t, stub, Options{Preset: "ngrok", Authtoken: testToken})
		o.degraded("ended with exit status 1, with the message: ngrok refuses")
		if !strings.Contains(o.Last.Reason, says) {
			t.Errorf("%s: %q", stub, o.Last.Reason)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(o.Log.String()+o.Last.Reason, testToken) {
			t.Errorf("%s: the authtoken is in the log or in the status", stub)
		}
	}
}

func TestNgrokNeedsItsProgramAndItsToken(t *testing.T) {
	local := tunnel.Local{Addr: &net.TCPAddr{IP: net.IPv4zero, Port: 1}}
	t.Setenv("PATH", t.TempDir())
	for _, test := range []struct {
		o    Options
		says string
	}{
		{Options{Preset: "ngrok", Authtoken: testToken}, "install it: https://ngrok.com/download"},
		{Options{Preset: "ngrok", Command: []string{os.Args[0]}}, "no authtoken: copy it from https://dashboard.ngrok.com"},
		{Options{Preset: "ngrok", Command: []string{os.Args[0]}, Authtoken: testToken, Domain: "https://x.example/path"}, "is not a domain"},
	} {
		if _, err := New(test.o).Open(t.Context(), local); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v, want %q", err, test.says)
		}
	}
}

func TestAURLThatIsKnown(t *testing.T) {
	o := open(t, "prints", Options{URL: "https://known.example/"})
	o.live("https://known.example")
	o.file("started")
	if s := o.Last; s.URL != "https://known.example" {
		t.Errorf("%+v", s)
	}
}

func TestAPatternOfOnesOwn(t *testing.T) {
	open(t, "prints", Options{Pattern: `docs at (https://[a-z.]+)`}).live("https://help.example")
}

func TestWhatCannotBeOpened(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4zero, Port: 1}
	for _, test := range []struct {
		o    Options
		addr net.Addr
		says string
	}{
		{Options{}, addr, "no command"},
		{Options{Command: []string{"greenroom-no-such-program"}}, addr, "greenroom-no-such-program"},
		{Options{Command: []string{os.Args[0]}, Pattern: "("}, addr, "pattern"},
		{Options{Command: []string{os.Args[0]}, URL: "nowhere"}, addr, "https://"},
		{Options{Preset: "bore"}, addr, "cloudflared, ngrok, tailscale"},
		{Options{Command: []string{os.Args[0]}}, nil, "no local listener"},
	} {
		_, err := New(test.o).Open(context.Background(), tunnel.Local{Addr: test.addr})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.o, err)
		}
	}
}

func TestAnyAddressIsReachedAtLoopback(t *testing.T) {
	p, err := New(Options{Command: []string{os.Args[0], "{addr}"}}).plan(tunnel.Local{Addr: &net.TCPAddr{IP: net.IPv6unspecified, Port: 7070}})
	if err != nil {
		t.Fatal(err)
	}
	if args, _, err := p.args(); err != nil || args[0] != "127.0.0.1:7070" {
		t.Errorf("%v, %v", args, err)
	}
}

func TestHints(t *testing.T) {
	for line, want := range map[string]string{
		"         https://login.tailscale.com/f/funnel?node=nAbC1":               "enable it at https://login.tailscale.com/f/funnel?node=nAbC1",
		"failed to connect to local tailscaled; it doesn't appear to be running": "start tailscaled",
		"Access denied: serve config denied":                                     "--operator",
		"Available on the internet:":                                             "",
	} {
		if got := tailscaleHint(line); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: %q", line, got)
		}
	}
}
