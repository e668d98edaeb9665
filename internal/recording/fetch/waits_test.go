package fetch

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// Waits have full jitter: anything up to a time that doubles, from backoffFirst to backoffMost.
func TestWaitsDoubleUpToALimit(t *testing.T) {
	longest := map[int]time.Duration{}
	for range 400 {
		r := (&fetch{}).retry()
		for n := range 40 {
			longest[n] = max(longest[n], r.waits.NextBackOff())
		}
	}
	for n, most := range map[int]time.Duration{0: backoffFirst, 1: 2 * backoffFirst, 39: backoffMost} {
		if got := longest[n]; got > most || got < most*3/4 {
			t.Errorf("the longest of 400 waits after %d failures is %v, want nearly %v", n+1, got, most)
		}
	}
}

// An extension longer than any that is in use belongs to the name.
func TestNumbersGoBeforeTheExtension(t *testing.T) {
	for base, want := range map[string]string{
		"a.mp4": "a (2).mp4", "a.123456789012345": "a (2).123456789012345", "a.1234567890123456": "a.1234567890123456 (2)",
	} {
		if got := numbered(base, 2); got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
		if got := numbered(base, 1); got != base {
			t.Errorf("%s: %s", base, got)
		}
	}
}

// Chunks are whole mebibytes, one for each worker of a small file, and bounded so that a kill costs little.
func TestChunksFitTheFileAndTheWorkers(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		size, most int64
		workers    int
		want       int64
	}{
		{10, 8 * mib, 4, mib}, {4 * mib, 8 * mib, 4, mib}, {4*mib + 1, 8 * mib, 4, 2 * mib}, {6 * mib, 8 * mib, 4, 2 * mib},
		{1000 * mib, 8 * mib, 4, 8 * mib}, {1000 * mib, 8 * mib, 31, unsavedMost / 32},
	} {
		if got := chunkSize(test.size, test.most, test.workers); got != test.want {
			t.Errorf("%d bytes, at most %d, %d workers: %d, want %d", test.size, test.most, test.workers, got, test.want)
		}
	}
}

// The next chunk is asked for when the rest of the present one comes within the time that the source takes to answer, and a quarter.
func TestTheNextChunkIsAskedForInTime(t *testing.T) {
	clock := clockwork.NewFakeClock()
	begun := clock.Now()
	w := &worker{transfer: &transfer{fetch: &fetch{d: &Downloader{opt: Options{Clock: clock}}}}}
	if w.soon(10, 10, time.Hour, begun) {
		t.Error("no time has passed")
	}
	clock.Advance(time.Second)
	if w.soon(0, 10, time.Hour, begun) {
		t.Error("nothing has arrived")
	}
	for _, test := range []struct {
		rest int64
		want bool
	}{{100, true}, {125, true}, {126, false}} { // 100 bytes come in a second
		if got := w.soon(100, test.rest, time.Second, begun); got != test.want {
			t.Errorf("%d bytes are left: %v", test.rest, got)
		}
	}
}
