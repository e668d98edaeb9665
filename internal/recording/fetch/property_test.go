package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/cases"
	"greenroom/internal/recording"
)

// manners are the ways in which a source answers a request for a part, documented or not.
var manners = []string{
	"good", "good", "good", "good", "slow", "late", "hang", "breaks", "breaks", "breaks", "ends early", "unsized", "short", "long",
	"short but long", "longer part", "wrong part", "earlier part", "lying header", "whole", "whole unsized", "whole broken", "refused range",
	"overloaded", "denied", "unreachable", "changed", "corrupt",
}

// drawReply draws one answer, and the place of its fault first: the requests come in any order.
func drawReply(t *rapid.T, size int, digest bool) func(off, end int) reply {
	manner := rapid.Permutation(manners).Draw(t, "manners")[0] // a sample would favour the first ones
	at := rapid.IntRange(0, 70).Draw(t, "at")
	how := reply{
		think: time.Duration(rapid.SampledFrom([]int{0, 0, 1, 20, 400, 7000}).Draw(t, "think")) * time.Millisecond,
		pace:  time.Duration(rapid.SampledFrom([]int{0, 1, 5, 300}).Draw(t, "pace")) * time.Millisecond,
		step:  rapid.SampledFrom([]int{0, 1, 3, 16}).Draw(t, "step"),
	}
	changed := content(uint64(at)+100, size+at%3)
	return func(off, end int) reply {
		how, length := how, end-off
		where := at % (length + 1)
		set := func(from, to int) reply {
			how.from, how.to = &from, &to
			return how
		}
		switch manner {
		case "slow":
			how.pace = time.Second
		case "late":
			how.think = 25 * time.Second
		case "hang":
			how.hang = true
		case "breaks":
			how.cut = &where
		case "ends early":
			how.cut, how.polite, how.unsized = &where, true, at%2 == 0
		case "unsized":
			how.unsized = true
		case "short":
			return set(off, off+max(1, length/2))
		case "long":
			how.extra = []byte("and more")
		case "short but long":
			how.extra = []byte("and more than the header says")
			return set(off, off+max(1, length/2))
		case "longer part":
			return set(off, end+5)
		case "wrong part":
			return set(off+1, end+1)
		case "earlier part":
			return set(max(0, off-at), max(0, off-at)+length)
		case "lying header":
			how.claim = fmt.Sprintf("bytes %d-%d/%d", off+at%2, end+at%5, size+at%4)
		case "whole":
			how.whole = true
		case "whole unsized":
			how.whole, how.unsized = true, true
		case "whole broken":
			how.whole, how.cut = true, &at
		case "refused range":
			how.status = 416
		case "overloaded":
			how.status = []int{500, 502, 503, 429, 408}[at%5]
		case "denied":
			how.status = []int{403, 401, 404, 410}[at%4]
		case "unreachable":
			how.fails = true
		case "changed":
			how.changes = changed
		case "corrupt":
			how.corrupt = digest // without a digest it can't be noticed
		}
		return how
	}
}

// Whatever a source answers: the bytes under the final name are the source's, or there is no such file. So it is after a pause
// at any time, too.
func TestEveryAnswerGivesTheSourcesBytesOrNoFile(t *testing.T) {
	done, failed := 0, 0
	check := func(rt *rapid.T) {
		size := rapid.IntRange(0, 400).Draw(rt, "size")
		w := &wire{data: content(uint64(size), size), etag: `"one"`, digest: rapid.Bool().Draw(rt, "digest")}
		replies := make([]func(off, end int) reply, rapid.IntRange(0, 40).Draw(rt, "answers"))
		for i := range replies {
			replies[i] = drawReply(rt, size, w.digest)
		}
		w.answer = func(off, end int) reply {
			if len(replies) == 0 {
				return reply{}
			}
			next := replies[0]
			replies = replies[1:]
			return next(off, end)
		}
		options := Options{
			Chunk: rapid.Int64Range(1, 64).Draw(rt, "chunk"), Workers: rapid.IntRange(1, 5).Draw(rt, "workers"),
			Patience: time.Minute,
		}
		pauses := rapid.SliceOfN(rapid.IntRange(1, 20_000), 0, 3).Draw(rt, "pauses")
		dir, end := scratch(t)
		defer end()
		var err error
		synctest.Test(t, func(t *testing.T) {
			d, group := tiny(options)
			task := recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"}
			var got File
			fetch := func(ctx context.Context) error {
				var failed error
				got, failed = d.Fetch(ctx, task)
				if w.open != 0 {
					err = errors.Join(err, fmt.Errorf("%d connections were never given back", w.open))
				}
				err = errors.Join(err, wholeOrNothing(dir, w.data, failed))
				return failed
			}
			over := false
			for _, at := range pauses {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(at)*time.Millisecond)
				over = fetch(ctx) == nil
				cancel()
				if over || err != nil {
					break
				}
			}
			if !over && err == nil {
				over = fetch(t.Context()) == nil
			}
			if over {
				done++
				if got.Path == "" || !got.Compared || w.digest && !got.Checked {
					err = errors.Join(err, fmt.Errorf("%+v", got))
				}
			} else {
				failed++
			}
			group.Wait()
		})
		if err != nil {
			rt.Fatal(err)
		}
	}
	many(t, 3000, check)
	if done < failed {
		t.Errorf("%d downloads ended well and %d failed: the sources are too bad to show anything", done, failed)
	}
}

// many checks a property with many cases, fewer when tests are to be short. The flag -rapid.checks overrides it.
func many(t *testing.T, n int, check func(*rapid.T)) {
	t.Helper()
	if testing.Short() {
		n /= 10
	}
	for i := range max(1, n/100) {
		cases.Vary(i)
		if rapid.Check(t, check); t.Failed() {
			return
		}
	}
}

var _ io.ReadCloser = (*wireBody)(nil)
