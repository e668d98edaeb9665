package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// Whatever goes wrong, in whatever order, pauses included: the file is the source's in the end.
func TestAnythingMayGoWrong(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { chaos(t, seed) })
	}
}

func chaos(t *testing.T, seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	data := content(seed, 200<<10+roll(800<<10))
	o := serve(t, data)
	valid, changes := 0, 0
	versions := [][]byte{data} // the file may be any of them: a request that is not needed any more can change the source
	o.set(func() {
		o.before = func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			if r.URL.Path != fmt.Sprintf("/%d", valid) {
				mu.Unlock()
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			mu.Unlock()
			switch what := roll(24); {
			case what == 0:
				w.WriteHeader([]int{500, 502, 503, 429, 408}[roll(5)])
				return true
			case what == 1:
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, "<html>")
				return true
			case what == 2 && wants(r):
				mu.Lock()
				defer mu.Unlock()
				data := o.data
				var off, end int
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &off, &end)
				if off >= len(data) {
					return false
				}
				cutOff(w, r, &origin{data: data, etag: o.etag}, random.IntN(len(data)))
			case what == 3:
				panic(http.ErrAbortHandler)
			case what == 4 && wants(r):
				r.Header.Set("Range", "bytes=1-5")
			case what == 5:
				r.Header.Del("Range")
			case what == 6:
				mu.Lock()
				valid++
				mu.Unlock()
			case what == 7 && roll(4) == 0:
				mu.Lock()
				defer mu.Unlock()
				if changes++; changes < 3 {
					o.set(func() {
						defer func() { versions = append(versions, o.data) }()
						o.data, o.etag = content(seed+uint64(changes)*100, len(o.data)+changes-1), fmt.Sprintf(`"%d"`, changes)
					})
				}
			}
			return false
		}
	})
	clock := clockwork.NewFakeClock()
	d := New(Options{Chunk: 64 << 10, Clock: clock, Crash: &crash.Group{}})
	task := task(t, nil)
	transport := source.NewTransport(true)
	defer transport.CloseIdleConnections()
	for try := 0; ; try++ {
		task.Source = source.NewHTTP(source.HTTPOptions{Transport: transport, Clock: clock, Link: func(context.Context, string) (provider.FileLink, error) {
			mu.Lock()
			defer mu.Unlock()
			return provider.FileLink{URL: fmt.Sprintf("%s/%d?signature=geheim", o.URL, valid)}, nil
		}})
		ctx, pause := context.WithCancel(t.Context())
		pauseAt := int64(roll(len(data)))
		if roll(2) == 0 {
			task.Report = func(s recording.Report) {
				if s.Bytes > pauseAt {
					pause()
				}
			}
		} else {
			task.Report = nil
		}
		r, err := drive(ctx, d, clock, task)
		pause()
		if err != nil {
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error holds the link: %v", err)
			}
			for _, name := range files(t, task.Dir) {
				if !strings.HasSuffix(name, ".part") {
					t.Fatalf("there is a file %s after %v", name, err)
				}
			}
			// Pauses, and what fails for good when bad luck comes in a row.
			if try < 200 && (errors.Is(err, context.Canceled) || errors.Is(err, recording.ErrOdd) || errors.Is(err, recording.ErrDenied) || errors.Is(err, recording.ErrNoRanges) ||
				errors.Is(err, recording.ErrChanged) || strings.Contains(err.Error(), "in one piece")) {
				continue
			}
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got, err := os.ReadFile(r.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(versions, func(v []byte) bool { return bytes.Equal(v, got) }) {
			t.Fatalf("the file of %d bytes is none of %d versions of the source", len(got), len(versions))
		}
		only(t, task.Dir, "all-hands/one.mp4")
		return
	}
}
