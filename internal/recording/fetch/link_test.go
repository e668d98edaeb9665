package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

func TestALinkThatExpiresIsReplacedOnceForAllWorkers(t *testing.T) {
	data := content(5, 4<<20)
	o := serve(t, data)
	var mu sync.Mutex
	valid, left, asked := 1, int64(1<<20), 0
	o.before = func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		var n int
		fmt.Sscanf(r.URL.Query().Get("signature"), "geheim%d", &n)
		if left -= 64 << 10; left < 0 && valid < 4 {
			valid, left = valid+1, 1<<20
		}
		if n != valid {
			w.WriteHeader([]int{401, 403, 410}[valid%3])
			io.WriteString(w, `<?xml version="1.0"?><Error><Code>ExpiredToken</Code></Error>`)
			return true
		}
		return false
	}
	source := source.NewHTTP(source.HTTPOptions{Transport: source.NewTransport(true), Link: func(_ context.Context, stale string) (provider.FileLink, error) {
		mu.Lock()
		defer mu.Unlock()
		if (asked == 0) != (stale == "") {
			t.Errorf("question %d names %q as stale", asked+1, stale)
		}
		asked++
		return provider.FileLink{URL: fmt.Sprintf("%s/file?signature=geheim%d", o.URL, valid)}, nil
	}})
	task := task(t, source)
	r, err := small(t).Fetch(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, r.Path, data)
	if valid != 4 || asked != 4 || len(r.Restarted) != 0 || r.FetchedBytes != int64(len(data)) {
		t.Errorf("%d links were asked for while three expired; fetched %d, started over %q", asked, r.FetchedBytes, r.Restarted)
	}
}

func TestALinkIsReplacedBeforeItExpires(t *testing.T) {
	o := serve(t, content(5, 100))
	clock := clockwork.NewFakeClock()
	asked := 0
	source := source.NewHTTP(source.HTTPOptions{Clock: clock, Transport: source.NewTransport(true), Link: func(context.Context, string) (provider.FileLink, error) {
		asked++
		return provider.FileLink{URL: fmt.Sprintf("%s/%d", o.URL, asked), Expires: clock.Now().Add(10 * time.Minute)}, nil
	}})
	identify := func(want int) {
		t.Helper()
		if _, err := source.Identify(t.Context()); err != nil || asked != want {
			t.Fatalf("%d links were asked for, want %d; %v", asked, want, err)
		}
	}
	identify(1)
	clock.Advance(9*time.Minute - time.Second)
	identify(1)
	clock.Advance(2 * time.Second)
	identify(2)
	identify(2)
}

func TestAWrongClockDoesNotAskForLinksWithoutEnd(t *testing.T) {
	o := serve(t, content(5, 1<<20))
	var asked atomic.Int64
	task := task(t, source.NewHTTP(source.HTTPOptions{Transport: source.NewTransport(true), Link: func(context.Context, string) (provider.FileLink, error) {
		asked.Add(1)
		return provider.FileLink{URL: o.URL + "/file", Expires: time.Now().Add(-time.Hour)}, nil
	}}))
	if _, err := small(t).Fetch(t.Context(), task); err != nil || asked.Load() > 2 {
		t.Errorf("%d links were asked for; %v", asked.Load(), err)
	}
}

func TestWhatThePlatformSaysWhenAskedForALink(t *testing.T) {
	for kind, want := range map[provider.Kind]error{
		provider.NotFound: recording.ErrGone, provider.NotReady: recording.ErrNotYet, provider.Forbidden: recording.ErrDenied,
		provider.Unauthenticated: recording.ErrDenied, provider.Unsupported: recording.ErrDenied,
	} {
		task := task(t, source.NewHTTP(source.HTTPOptions{Link: func(context.Context, string) (provider.FileLink, error) {
			return provider.FileLink{}, &provider.Error{Kind: kind, Op: "link"}
		}}))
		if _, err := small(t).Fetch(t.Context(), task); !errors.Is(err, want) || !errors.Is(err, kind) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A source that refuses one part while others come must not be asked for links without end.
func TestAPartThatIsRefusedWhileOthersCome(t *testing.T) {
	o := serve(t, content(5, 1<<20))
	o.set(func() {
		o.before = func(w http.ResponseWriter, r *http.Request) bool {
			if refuse := r.Header.Get("Range") == "bytes=131072-196607"; refuse {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			return false
		}
	})
	var asked atomic.Int64
	task := task(t, source.NewHTTP(source.HTTPOptions{Transport: source.NewTransport(true), Link: func(context.Context, string) (provider.FileLink, error) {
		return provider.FileLink{URL: fmt.Sprintf("%s/%d", o.URL, asked.Add(1))}, nil
	}}))
	if _, err := New(Options{Chunk: 64 << 10, Limit: 2 << 20}).Fetch(t.Context(), task); !errors.Is(err, recording.ErrDenied) || asked.Load() > 3 {
		t.Errorf("%d links were asked for; %v", asked.Load(), err)
	}
}
