package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
)

// What a saved progress says of a file is believed within limits, and only if its marks are as many as the chunks.
func TestWhichProgressFits(t *testing.T) {
	for _, c := range []struct {
		chunk, size int64
		done, sums  int // bytes
		want        bool
	}{
		{10, 100, 2, 0, true}, {10, 100, 2, 10 * sumSize, true}, {10, 100, 2, 9 * sumSize, false}, {10, 100, 1, 0, false}, {10, 100, 3, 0, false},
		{10, 81, 2, 9 * sumSize, true}, {10, 80, 1, 8 * sumSize, true}, {10, 80, 2, 0, false}, {10, 0, 0, 0, true}, {10, -1, 0, 0, false},
		{0, 100, 0, 0, false}, {-1, 100, 0, 0, false}, {1, 8, 1, 0, true},
		{sizeMost, sizeMost, 1, sumSize, true}, {sizeMost + 1, 100, 1, 0, false}, {sizeMost, sizeMost + 1, 1, 0, false},
	} {
		p := Progress{Chunk: c.chunk, Done: make([]byte, c.done), Sums: make([]byte, c.sums)}
		if got := p.fits(c.size); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	nine := Progress{Chunk: 10, Done: []byte{0xff, 1}, Sums: bytes.Repeat([]byte{7}, 9*sumSize)}
	if !nine.whole(90) || !nine.whole(81) || nine.whole(91) || nine.whole(80) || !(Progress{}).whole(5) {
		t.Error("whole is a file each of whose chunks has a mark")
	}
	had := nine
	nine.drop([]int{0, 8})
	if nine.Done[0] != 0xfe || nine.Done[1] != 0 || !bytes.Equal(nine.Sums[:sumSize], make([]byte, sumSize)) || nine.Sums[sumSize] != 7 ||
		nine.Sums[8*sumSize-1] != 7 || nine.Sums[8*sumSize] != 0 || nine.whole(90) {
		t.Errorf("%+v", nine)
	}
	if had.Done[0] != 0xff || had.Sums[0] != 7 {
		t.Error("the marks of another progress are gone")
	}
	old := Progress{Chunk: 10, Done: []byte{3}}
	if old.drop([]int{1}); old.Done[0] != 1 || len(old.Sums) != 0 {
		t.Errorf("without digests: %+v", old)
	}
}

// The beginnings of chunks are taken over if they are as they were written, and shorter than their chunk.
func TestWhichBeginningsAreRecalled(t *testing.T) {
	data := content(9, 95) // chunks of 10, the last one of 5
	sum := func(off, n int) []byte {
		h := newSum()
		h.Write(data[off : off+n])
		return digest(h)
	}
	p := Progress{
		Chunk: 10, Done: []byte{2, 0},
		Begun: map[int]int64{-1: 1, 0: 9, 1: 5, 2: 10, 3: 0, 4: 1, 5: 3, 6: 3, 9: 4, 10: 1},
		BegunSums: map[int][]byte{
			-1: sum(0, 1), 0: sum(0, 9), 1: sum(10, 5), 2: sum(20, 10), 3: sum(30, 0), 4: sum(40, 1), 5: sum(51, 3), 6: sum(60, 3)[:8], 9: sum(90, 4), 10: sum(0, 1),
		},
	}
	c := newChunks(95, 10)
	if err := c.recall(t.Context(), p, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	got := map[int]int64{}
	for i, b := range c.partial() {
		got[i] = b.n
	}
	if want := (map[int]int64{0: 9, 4: 1, 9: 4}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", got, want)
	}
	if n := c.bytes(); n != 10+9+1+4 {
		t.Errorf("%d bytes are there", n)
	}
	if n := c.missing(); n != 9 {
		t.Errorf("%d chunks are missing", n)
	}
	first, next, last := c.take(), c.take(), (*claim)(nil)
	for mine := c.take(); mine != nil; mine = c.take() {
		last = mine
	}
	if first.chunk != 0 || first.off != 9 || next.chunk != 2 || next.off != 20 || last.chunk != 9 || last.off != 94 || last.end != 95 {
		t.Errorf("%+v, %+v, %+v", first, next, last)
	}
	for _, mine := range []*claim{next, first} {
		c.giveBack(mine)
	}
	if _, begun := c.partial()[next.chunk]; begun {
		t.Error("a chunk without a byte has a beginning")
	}
	if again := c.take(); again.chunk != 0 || again.off != 9 {
		t.Errorf("given back: %+v", again)
	}
	c.restart(first)
	if first.off != 0 || c.bytes() != 10+1+4 {
		t.Errorf("started over: %+v, %d bytes are there", first, c.bytes())
	}
	if err := c.save([]*claim{last}); !errors.Is(err, errIncomplete) {
		t.Errorf("a chunk without its last byte: %v", err)
	}
	last.wrote(data[94:])
	if err := c.save([]*claim{last}); err != nil || c.bytes() != 10+1+5 || c.missing() != 8 {
		t.Errorf("%v, %d bytes, %d missing", err, c.bytes(), c.missing())
	}
}

// The chunks of a file give each worker something to do, in steps of 1 MiB, and never more than the limits.
func TestTheSizeOfChunks(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		size, most int64
		workers    int
		want       int64
	}{
		{0, 8 * mib, 4, mib}, {4 * mib, 8 * mib, 4, mib}, {4*mib + 1, 8 * mib, 4, 2 * mib}, {100 * mib, 8 * mib, 4, min(8*mib, unsavedMost/5)},
		{100 * mib, 3 * mib, 4, 3 * mib}, {1 << 40, 1 << 40, 1, unsavedMost / 2}, {9 * mib, 64 * mib, 1, min(9*mib, unsavedMost/2)}, {5, 3, 1, 3},
	} {
		if got := chunkSize(c.size, c.most, c.workers); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// claims is a source that claims another size than its body has, or none, and may serve no parts.
type claims struct {
	body     string
	size     int64
	noRanges bool
	opened   int
	cut      int // bytes after which each answer ends, 0 for never
}

func (s *claims) Identify(context.Context) (recording.Identity, error) {
	return recording.Identity{Size: s.size, NoRanges: s.noRanges}, nil
}

func (s *claims) Open(context.Context, recording.Identity, int64, int64) (io.ReadCloser, error) {
	s.opened++
	if s.cut > 0 {
		return io.NopCloser(io.MultiReader(strings.NewReader(s.body[:s.cut]), failing{})), nil
	}
	return io.NopCloser(strings.NewReader(s.body)), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A file in one piece is tried again while it comes further, and a few times more; it has the size that its source promised.
func TestAFileInOnePieceIsTriedAFewTimes(t *testing.T) {
	run := func(s *claims) (File, error) {
		d, clock := hurried(t)
		return drive(t.Context(), d, clock, task(t, s))
	}
	s := &claims{body: "0123456789", size: 10, noRanges: true, cut: 4}
	if _, err := run(s); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("tried %d times in one piece", passesMost+1)) || s.opened != passesMost+1 {
		t.Errorf("%v after %d", err, s.opened)
	}
	for _, size := range []int64{0, 9, 11} {
		s := &claims{body: "0123456789", size: size, noRanges: true}
		if r, err := run(s); err == nil {
			t.Errorf("10 bytes instead of %d: %+v", size, r)
		}
	}
	if r, err := run(&claims{body: "", size: 0, noRanges: true}); err != nil || r.Size != 0 {
		t.Errorf("no bytes: %+v, %v", r, err)
	}
	if r, err := run(&claims{body: "0123456789", size: -1}); err != nil || r.Size != 10 {
		t.Errorf("an unknown size: %+v, %v", r, err)
	}
}

// What the check refuses of a file without a known size is fetched once more: the connection may have broken unseen.
func TestAnUnsizedFileThatTheCheckRefusesIsFetchedAgain(t *testing.T) {
	damaged := errors.New("no end")
	for refusals, want := range map[int]int{0: 1, 1: 2, 2: 2} {
		for _, size := range []int64{-1, 3} {
			s := &claims{body: "one", size: size, noRanges: true}
			task, checks := task(t, s), 0
			task.Check = func(context.Context, string) error {
				if checks++; checks <= refusals {
					return damaged
				}
				return nil
			}
			r, err := small(t).Fetch(t.Context(), task)
			if size >= 0 && refusals > 0 {
				if !errors.Is(err, damaged) || checks != 1 {
					t.Errorf("of a known size, refused %d times: %+v, %v, %d checks", refusals, r, err, checks)
				}
				continue
			}
			if checks != want || errors.Is(err, damaged) != (refusals > 1) || (err == nil) != (refusals < 2) || err == nil && len(r.Restarted) != refusals {
				t.Errorf("of %d bytes, refused %d times: %+v, %v, %d checks", size, refusals, r, err, checks)
			}
		}
	}
}

// restless is a source whose file is another one each time its identity is asked for, for some times.
type restless struct {
	text
	changes, asked int
}

func (s *restless) Identify(ctx context.Context) (recording.Identity, error) {
	id, err := s.text.Identify(ctx)
	s.asked++
	return id, err
}

func (s *restless) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	if s.asked <= s.changes {
		return nil, recording.ErrChanged
	}
	return s.text.Open(ctx, id, off, n)
}

// A file that changes while it is fetched is restarted a few times, and no more.
func TestHowOftenAFileIsRestarted(t *testing.T) {
	for _, changes := range []int{1, restartsMost, restartsMost + 1} {
		s := &restless{text: text{body: "one"}, changes: changes}
		r, err := small(t).Fetch(t.Context(), task(t, s))
		if changes <= restartsMost {
			if err != nil || len(r.Restarted) != changes {
				t.Errorf("%d changes: %+v, %v", changes, r, err)
			}
		} else if !errors.Is(err, recording.ErrChanged) || s.asked != restartsMost+1 {
			t.Errorf("%d changes: %v after %d tries", changes, err, s.asked)
		}
	}
}

// Requests are repeated after odd answers a few times, after others while something has come lately, and never after a last word.
func TestWhatIsRepeated(t *testing.T) {
	for name, err := range map[string]error{
		"changed": recording.ErrChanged, "gone": recording.ErrGone, "denied": recording.ErrDenied, "not yet": recording.ErrNotYet,
		"an address that is refused": recording.ErrRefusedAddress, "the disk": &diskError{}, "a restart": &restart{},
	} {
		if !final(fmt.Errorf("around: %w", err)) {
			t.Errorf("%s is repeated", name)
		}
	}
	for name, err := range map[string]error{"broken": io.ErrUnexpectedEOF, "odd": recording.ErrOdd} {
		if final(err) {
			t.Errorf("%s is not repeated", name)
		}
	}
	if got := reason(errors.New(strings.Repeat("é", reasonMost))); len(got) > reasonMost+len("…") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
	if got := reason(errors.New(" two\nlines ")); got != "two lines" {
		t.Errorf("%q", got)
	}
}

// A limit is met to the byte: what was paid for passes, and what is more waits.
func TestALimitIsKept(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBandwidth(clock, 100_000)
	if got := b.most(); got != 100_000/sharesPerSecond {
		t.Fatalf("%d bytes at once", got)
	}
	paid := make(chan error, 1)
	for _, n := range []int{1, 4999, 5000, 12_345} {
		due := time.Duration(n) * time.Second / 100_000
		go func() { paid <- b.pay(t.Context(), n) }()
		for passed := time.Duration(0); ; {
			if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			step := min(due-passed, 50*time.Millisecond)
			if step > 1 {
				clock.Advance(step - 1)
				if len(paid) != 0 {
					t.Fatalf("%d bytes passed after %s of %s", n, passed+step-1, due)
				}
			}
			clock.Advance(1)
			if passed += step; passed >= due {
				break
			}
		}
		if err := <-paid; err != nil {
			t.Error(err)
		}
	}
	b.set(1)
	if got := b.most(); got != readLeast {
		t.Errorf("%d bytes at once", got)
	}
	b.set(1 << 40)
	if got := b.most(); got != readMost {
		t.Errorf("%d bytes at once", got)
	}
	b.set(-1)
	if err := b.pay(t.Context(), 1<<30); err != nil {
		t.Error(err)
	}
}

// The digests of a file's chunks are those of its bytes, however they are read; without chunks there are none.
func TestTheSumsOfChunks(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 11, 20, 25} {
		data := content(3, size)
		for _, chunk := range []int64{0, 1, 10, 100} {
			var want []byte
			for off := 0; chunk > 0 && off < size; off += int(chunk) {
				want = append(want, digestOf(data[off:min(off+int(chunk), size)])...)
			}
			for name, r := range map[string]io.Reader{"at once": bytes.NewReader(data), "in pieces": iotest.OneByteReader(bytes.NewReader(data)), "with its end": iotest.DataErrReader(bytes.NewReader(data)), "by sevens": &sevens{data}} {
				got, err := sumOf(t.Context(), r, "sha256", chunk)
				whole := sha256.Sum256(data)
				if err != nil || got.size != int64(size) || !bytes.Equal(got.chunks, want) || got.sha256 != hex.EncodeToString(whole[:]) ||
					got.own != base64.StdEncoding.EncodeToString(whole[:]) {
					t.Errorf("%d bytes in chunks of %d, read %s: %d bytes, %d digests, %v", size, chunk, name, got.size, len(got.chunks)/sumSize, err)
				}
			}
		}
	}
	if _, err := sumOf(t.Context(), iotest.ErrReader(io.ErrClosedPipe), "", 10); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a file that can't be read: %v", err)
	}
}

// sevens reads at most seven bytes at a time.
type sevens struct{ left []byte }

func (r *sevens) Read(b []byte) (int, error) {
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.left[:min(7, len(r.left))])
	r.left = r.left[n:]
	return n, nil
}

// A source that claims more than any file has is odd, and nothing is fetched from it.
func TestASizeThatIsNotBelieved(t *testing.T) {
	d, clock := hurried(t)
	s := &claims{body: "one", size: sizeMost + 1}
	if r, err := drive(t.Context(), d, clock, task(t, s)); !errors.Is(err, recording.ErrOdd) || s.opened != 0 {
		t.Errorf("%+v, %v after %d requests", r, err, s.opened)
	}
}
