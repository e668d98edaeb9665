package bounds

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Pace is how slowly a body may arrive: within Grace, plus a second for every Rate bytes.
type Pace struct {
	Grace time.Duration
	Rate  int64
}

// DefaultPace allows a body of 25 MiB over a line of half a megabit per second.
var DefaultPace = Pace{Grace: 10 * time.Second, Rate: 32 << 10}

// allowed returns how long n bytes may take.
func (p Pace) allowed(n int64) time.Duration {
	return p.Grace + time.Duration(n)*time.Second/time.Duration(p.Rate)
}

// ErrGaveWay means that a body was slow while its place was needed.
var ErrGaveWay = errors.New("the body was too slow and made way for others")

// Body reads a request's body at a pace. A sender that falls behind it gets os.ErrDeadlineExceeded.
type Body struct {
	from  io.Reader
	pace  Pace
	began time.Time
	// until sets the deadline of the connection.
	until func(time.Time) error

	mu  sync.Mutex
	n   int64
	cut bool
}

// NewBody returns a reader of a request's body. Each read moves the connection's deadline. A zero pace is [DefaultPace].
func NewBody(w http.ResponseWriter, from io.Reader, pace Pace) *Body {
	pace = Pace{cmp.Or(pace.Grace, DefaultPace.Grace), cmp.Or(pace.Rate, DefaultPace.Rate)}
	return &Body{from: from, pace: pace, began: time.Now(), until: http.NewResponseController(w).SetReadDeadline}
}

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), b.pace.Rate)]
	if err := b.allow(); err != nil {
		return 0, err
	}
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && b.cut {
		err = ErrGaveWay
	}
	return n, err
}

// allow sets the deadline by the number of bytes that have arrived.
func (b *Body) allow() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut {
		return ErrGaveWay
	}
	// Where deadlines aren't supported, those of the server apply.
	if err := b.until(b.began.Add(b.pace.allowed(b.n))); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// lag returns how far the body is behind its rate.
func (b *Body) lag(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now.Sub(b.began) - time.Duration(b.n)*time.Second/time.Duration(b.pace.Rate)
}

// giveWay ends the reading, now and later.
func (b *Body) giveWay() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = true
	_ = b.until(time.Unix(1, 0)) // without deadlines it ends with the next read
}

// Places bounds how many bodies are read and worked on at a time.
type Places struct {
	most int
	// spare is how far a body must be behind before it gives way.
	spare time.Duration

	mu   sync.Mutex
	held map[*Place]bool
}

// slowAfter spares bodies that are arriving.
const slowAfter = 100 * time.Millisecond

// NewPlaces returns the given number of places.
func NewPlaces(most int) *Places {
	return &Places{most: most, spare: slowAfter, held: map[*Place]bool{}}
}

// Place is one of [Places]. It must be left.
type Place struct {
	of   *Places
	body *Body // nil once it is read
}

// Enter returns a place for a body that is about to be read. When none is free, the slowest body gives way. It returns nil if
// all others are fast enough or already read.
func (p *Places) Enter(b *Body) *Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) >= p.most && !p.makeRoom() {
		return nil
	}
	place := &Place{of: p, body: b}
	p.held[place] = true
	return place
}

func (p *Places) makeRoom() bool {
	now := time.Now()
	var slowest *Place
	most := p.spare
	for place := range p.held {
		if place.body != nil && place.body.lag(now) >= most {
			slowest, most = place, place.body.lag(now)
		}
	}
	if slowest == nil {
		return false
	}
	delete(p.held, slowest)
	slowest.body.giveWay()
	return true
}

// Read marks the body as read: its place no longer gives way.
func (p *Place) Read() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.body = nil
}

// Leave frees the place. Leaving again, or leaving a place that gave way, has no effect.
func (p *Place) Leave() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	delete(p.of.held, p)
}
