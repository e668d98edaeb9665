package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
)

// Limits of the bodies under way. A body is read in chunks. Each place has one chunk, so that there is always room for a webhook, which
// is small; larger bodies share the rest.
const (
	underWay  = 64 << 20
	chunkSize = 32 << 10
	// wholeAtOnce is how many bytes of large bodies are assembled, verified and stored at a time. A larger one is processed alone.
	wholeAtOnce = 8 << 20
	// strayPlaces are for requests that can't be authentic: small bodies without a signature, and records.
	strayPlaces = 16
	// pingLimit is the largest body without a signature that is read: a platform's test of the address is not always signed.
	pingLimit = 64
	// peekLimit is how much of the body of a request without a signature is kept, and peekTime how long it is awaited.
	peekLimit = 8 << 10
	peekTime  = 100 * time.Millisecond
	// strayTime limits how long a sender waits while its refused request is recorded.
	strayTime = time.Second
)

// intake reads bodies within the limits.
type intake struct {
	limit  int64
	pace   bounds.Pace
	places *bounds.Places
	strays *bounds.Places
	shared *bounds.Budget
	whole  *semaphore.Weighted
	chunks sync.Pool
}

func newIntake(o Options) *intake {
	shared := max(underWay-int64(o.Concurrent)*chunkSize, 0)
	return &intake{
		limit: o.BodyLimit, pace: bounds.Pace{Grace: o.BodyTime}, places: bounds.NewPlaces(o.Concurrent),
		strays: bounds.NewPlaces(strayPlaces), shared: bounds.NewBudget(shared), whole: semaphore.NewWeighted(wholeAtOnce),
		chunks: sync.Pool{New: func() any { return new([chunkSize]byte) }},
	}
}

var (
	errTooLarge = errors.New("the body is too large")
	errNoRoom   = errors.New("no memory for the body")
)

// read reads a body and passes it to use, which may keep it.
func (in *intake) read(ctx context.Context, body io.Reader, limit int64, use func([]byte)) error {
	var chunks []*[chunkSize]byte
	var n, held int64
	release := func() {
		for _, c := range chunks {
			in.chunks.Put(c)
		}
		chunks = nil
		in.shared.Give(held)
		held = 0
	}
	defer release()
	for {
		at := n % chunkSize
		if at == 0 {
			if len(chunks) > 0 {
				if !in.shared.Take(chunkSize) {
					return errNoRoom
				}
				held += chunkSize
			}
			chunks = append(chunks, in.chunks.Get().(*[chunkSize]byte))
		}
		m, err := body.Read(chunks[len(chunks)-1][at:])
		n += int64(m)
		if n > limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if n > chunkSize {
		weight := min(n, wholeAtOnce)
		if err := in.whole.Acquire(ctx, weight); err != nil {
			return err
		}
		defer in.whole.Release(weight)
	}
	whole := make([]byte, n)
	for i, c := range chunks {
		copy(whole[i*chunkSize:], c[:])
	}
	release()
	use(whole)
	return nil
}

// peek returns the first bytes of a body that has arrived, or nil if it hasn't or there is no place.
func (in *intake) peek(w http.ResponseWriter, r *http.Request) []byte {
	body := bounds.NewBody(w, r.Body, bounds.Pace{Grace: peekTime, Rate: 1 << 30})
	place := in.strays.Enter(body)
	if place == nil {
		return nil
	}
	defer place.Leave()
	chunk := in.chunks.Get().(*[chunkSize]byte)
	defer in.chunks.Put(chunk)
	for n := 0; ; {
		m, err := body.Read(chunk[n:peekLimit])
		switch n += m; {
		case n == peekLimit, errors.Is(err, io.EOF):
			return bytes.Clone(chunk[:n])
		case err != nil: // the sender is slow or has left
			return nil
		}
	}
}

// receive reads a request's body within all limits and passes it to use. It returns the answer if it can't.
func (in *intake) receive(w http.ResponseWriter, r *http.Request, places *bounds.Places, limit int64, use func([]byte)) *app.Answer {
	body := bounds.NewBody(w, r.Body, in.pace)
	place := places.Enter(body)
	if place == nil {
		return unavailable("busy")
	}
	defer place.Leave()
	err := in.read(r.Context(), body, limit, func(whole []byte) {
		place.Read()
		bounds.Patient(w)
		use(whole)
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLarge):
		return &tooLarge
	case errors.Is(err, errNoRoom), errors.Is(err, context.Canceled):
		return unavailable("busy")
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, bounds.ErrGaveWay):
		// This machine may have slept: platforms that stop at 4xx retry after 503.
		return unavailable("the body took too long")
	}
	return &app.Answer{Status: http.StatusBadRequest, Text: "the body did not arrive completely"}
}

// unavailable asks the sender to try again in a second.
func unavailable(text string) *app.Answer {
	return &app.Answer{Status: http.StatusServiceUnavailable, RetryAfter: 1, Text: text}
}
