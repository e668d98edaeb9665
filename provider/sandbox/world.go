package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/bounds"
	"greenroom/internal/crash"
	"greenroom/provider"
)

// The default credentials of a world.
const (
	DailyKey   = "sandbox-daily-key"
	WherebyKey = "sandbox-whereby-key"
	LiveKitKey = "sandbox-livekit-key"
	// LiveKitSecret signs calls, links and webhooks.
	LiveKitSecret = "greenroom-sandbox-livekit-secret-2026"
	// DailyWebhookSecret is base64, as Daily requires.
	DailyWebhookSecret   = "Z3JlZW5yb29tLXNhbmRib3gtZGFpbHktc2VjcmV0ISE="
	WherebyWebhookSecret = "greenroom-sandbox-whereby-secret"
)

// Options configure a world. The zero value is a useful world on the real clock.
type Options struct {
	// Clock drives all timing; nil is the real one.
	Clock clockwork.Clock
	// Seed makes ids, names and faults repeatable.
	Seed uint64
	// BaseURL is the scheme and host of links; empty means those of each request.
	BaseURL string

	// The credentials; the defaults are the constants of this package.
	DailyKey, WherebyKey                     string
	LiveKitKey, LiveKitSecret                string
	DailyWebhookSecret, WherebyWebhookSecret string
	// DailyDomain and WherebySubdomain name the customer; the default is "sandbox".
	DailyDomain, WherebySubdomain string

	// PresenceLag is how far Daily's presence lags; 0 is 15 s, negative is none.
	PresenceLag time.Duration
	// Grace is how long after the last leave a session ends; 0 is 20 s, negative is none.
	Grace time.Duration
	// Processing is how long a recording needs to become ready after its end; 0 is 10 s, negative is none.
	Processing time.Duration
	// FileRate limits the bytes per second of each answer with a recording's file; 0 is no limit.
	FileRate int64
	// NoRateLimits disables the platforms' limits. 429s can still be produced with a [Fault].
	NoRateLimits bool
	// WherebyPoints is Whereby's allowance per minute; 0 is 1000, a Build plan has 100.
	WherebyPoints int
	// WherebyAhead is how far ahead an endDate may be; 0 is no limit.
	WherebyAhead time.Duration
	// RemoteUnmute lets others unmute people on LiveKit.
	RemoteUnmute bool
	// MaxWebhooks is the number of webhooks that Daily allows a domain; 0 is 1.
	MaxWebhooks int
	// OnPanic is called after panics in the world's goroutines; nil lets them through.
	OnPanic func(crash.Report)
	// Transport carries the webhooks; nil is a new one.
	Transport http.RoundTripper
}

func (o *Options) fill() {
	o.DailyKey = cmp.Or(o.DailyKey, DailyKey)
	o.WherebyKey = cmp.Or(o.WherebyKey, WherebyKey)
	o.LiveKitKey = cmp.Or(o.LiveKitKey, LiveKitKey)
	o.LiveKitSecret = cmp.Or(o.LiveKitSecret, LiveKitSecret)
	o.DailyWebhookSecret = cmp.Or(o.DailyWebhookSecret, DailyWebhookSecret)
	o.WherebyWebhookSecret = cmp.Or(o.WherebyWebhookSecret, WherebyWebhookSecret)
	o.DailyDomain = cmp.Or(o.DailyDomain, "sandbox")
	o.WherebySubdomain = cmp.Or(o.WherebySubdomain, "sandbox")
	o.PresenceLag = max(cmp.Or(o.PresenceLag, 15*time.Second), 0)
	o.Grace = max(cmp.Or(o.Grace, 20*time.Second), 0)
	o.Processing = max(cmp.Or(o.Processing, 10*time.Second), 0)
	o.WherebyPoints = cmp.Or(o.WherebyPoints, 1000)
	o.MaxWebhooks = cmp.Or(o.MaxWebhooks, 1)
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{MaxIdleConnsPerHost: 4}
	}
}

// World is the platforms: their rooms, people and webhooks. Create one with [New].
type World struct {
	opt   Options
	clock clockwork.Clock

	group  crash.Group
	ctx    context.Context
	cancel context.CancelFunc
	client *http.Client
	// wake signals new appointments to the agenda's goroutine.
	wake chan struct{}

	mu       sync.Mutex
	rng      *rand.Rand
	agenda   agenda
	rooms    []*room // in order of creation
	byName   map[roomKey]*room
	waiting  []*stay // knockers
	hooks    []*hook
	attempts []Attempt
	faults   []*Fault
	held     map[*hook]*message // kept back by a reorder fault
	nextID   int
	windows  map[string][]time.Time
	points   pointBucket
	uploads  map[string]Theme
	autoplay *PlayOptions
	servers  []*http.Server
	changed  chan struct{}
	closed   bool
}

// New creates a world and starts it. [World.Close] must be called at the end.
func New(o Options) *World {
	o.fill()
	w := &World{
		opt: o, clock: o.Clock, group: crash.Group{OnPanic: o.OnPanic},
		rng:    rand.New(rand.NewPCG(o.Seed, 0x67726e72)),
		byName: map[roomKey]*room{}, windows: map[string][]time.Time{},
		held: map[*hook]*message{}, uploads: map[string]Theme{},
		wake: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.client = &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.group.Go("sandbox agenda", w.keepTime)
	return w
}

// Serve answers on the listener until [World.Close], and then returns nil; it returns the error of a failed listener.
func (w *World) Serve(l net.Listener) error {
	srv := bounds.Server(w.guard(w.welcome(l.Addr(), w.Handler())), nil, 0)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errors.Join(errClosed, l.Close())
	}
	w.servers = append(w.servers, srv)
	w.mu.Unlock()
	if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("sandbox: serve: %w", err)
	}
	return nil
}

// guard reports a handler's panic to OnPanic and then drops the connection, so that nothing is written to stderr.
func (w *World) guard(next http.Handler) http.Handler {
	if w.opt.OnPanic == nil {
		return next
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v != http.ErrAbortHandler {
				w.opt.OnPanic(crash.Report{Name: "sandbox " + r.Method, Value: v, Stack: debug.Stack()})
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(rw, r)
	})
}

// Close ends the servers, the scripts and the deliveries, and waits for them. Calling it again is harmless.
func (w *World) Close() error {
	w.mu.Lock()
	w.closed = true
	servers := w.servers
	w.servers = nil
	w.mu.Unlock()
	w.cancel()
	var err error
	for _, s := range servers {
		err = errors.Join(err, s.Close())
	}
	w.group.Wait()
	w.client.CloseIdleConnections()
	return err
}

// Now returns the world's time.
func (w *World) Now() time.Time { return w.clock.Now() }

// errClosed is returned by Serve after Close.
var errClosed = errors.New("sandbox: closed")

func platformOf(s string) (provider.Platform, error) {
	switch p := provider.Platform(s); p {
	case provider.Daily, provider.Whereby, provider.LiveKit:
		return p, nil
	}
	return "", fmt.Errorf("sandbox: no platform %q: daily, whereby or livekit", s)
}
