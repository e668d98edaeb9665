package fetch

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/recording"
)

// A chunk has one owner: it is claimed once until it is given back, and marked only when it is complete.
func TestAChunkHasOneOwner(t *testing.T) {
	data := content(1, 100)
	c := newChunks(100, 32)
	var all []*claim
	for mine := c.take(); mine != nil; mine = c.take() {
		all = append(all, mine)
	}
	if len(all) != 4 || all[3].begin != 96 || all[3].end != 100 || c.missing() != 4 {
		t.Fatalf("%d chunks, the last of which is %+v", len(all), all[3])
	}
	// Half of the second is here when it is given back: the next owner continues there.
	all[1].wrote(data[32:48])
	c.giveBack(all[1])
	second := c.take()
	if second == nil || second.chunk != 1 || second.off != 48 || c.take() != nil {
		t.Fatalf("%+v", second)
	}
	if err := c.save([]*claim{second}); !errors.Is(err, errIncomplete) || c.missing() != 4 {
		t.Errorf("half a chunk is marked: %v", err)
	}
	if part := c.partial(); len(part) != 1 || part[1].n != 16 || c.bytes() != 16 {
		t.Errorf("%+v, %d bytes", part, c.bytes())
	}
	second.wrote(data[48:64])
	before := c.partial()
	if err := c.save([]*claim{second}); err != nil || c.missing() != 3 {
		t.Fatal(err)
	}
	var p Progress
	c.note(&p, before)
	want := digestOf(data[32:64])
	if !bytes.Equal(p.Sums[sumSize:2*sumSize], want) || len(p.Begun) != 0 || p.Done[0] != 2 || !p.fits(100) {
		t.Errorf("%+v", p)
	}
	// What was wrong is dropped, its hash too. A chunk that is complete but not marked is fetched again.
	all[0].wrote(data[5:10])
	c.giveBack(all[0])
	first := c.take()
	c.restart(first)
	if first.off != 0 || len(c.partial()) != 0 {
		t.Errorf("%+v, %v", first, c.partial())
	}
	first.wrote(data[:32])
	if !bytes.Equal(digest(first.sum), digestOf(data[:32])) {
		t.Error("what was dropped is in the digest")
	}
	c.giveBack(first)
	if again := c.take(); again.chunk != 0 || again.off != 0 || len(c.partial()) != 0 {
		t.Errorf("%+v, %v", again, c.partial())
	} else {
		again.wrote(data[:32])
		if err := c.save([]*claim{again}); err != nil {
			t.Fatal(err)
		}
	}
	c.note(&p, nil)
	if !bytes.Equal(p.Sums[:sumSize], digestOf(data[:32])) {
		t.Error("the digest is another one")
	}
	if bad, known := p.spoiled(slices.Concat(digestOf(data[:32]), want, want, want)); !slices.Equal(bad, []int{2, 3}) || !known {
		t.Errorf("%v, %v", bad, known)
	}
	if p.whole(100) || p.whole(90) {
		t.Error("it is whole without marks")
	}
}

func digestOf(b []byte) []byte {
	sum := newSum()
	sum.Write(b)
	return digest(sum)
}

// A transfer that ends before every chunk was fetched fails: the file gets no name.
func TestATransferEndsOnlyWhenEveryChunkIsMarked(t *testing.T) {
	dir, end := scratch(t)
	defer end()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{data: content(1, 200), etag: `"one"`}
		d, group := tiny(Options{Chunk: 32})
		f := &fetch{d: d, task: recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"},
			meter: newMeter(d.opt.Clock, nil), turn: newTurn(d.slots)}
		defer f.close()
		id := recording.Identity{Size: 200, ETag: `"one"`}
		var err error
		if f.in, err = openFolder(dir, "one.mp4"); err != nil {
			t.Fatal(err)
		}
		if err := f.open(); err != nil {
			t.Fatal(err)
		}
		have, err := f.resume(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		have.take() // and forget it
		if err := f.ranges(t.Context(), id, have); !errors.Is(err, errIncomplete) {
			t.Errorf("the transfer ended: %v", err)
		}
		if _, err := f.finish(t.Context(), id); err == nil {
			t.Error("the file was finished")
		}
		group.Wait()
	})
}

// A chunk that is released frees its slot for the next claim.
func TestAReleasedChunkFreesItsSlot(t *testing.T) {
	transfer := &transfer{ctx: t.Context(), have: newChunks(100, 32), slots: make(chan struct{}, 1)}
	for range 3 {
		mine, err := transfer.claim(false)
		if mine == nil || err != nil || mine.chunk != 0 {
			t.Fatalf("%+v, %v", mine, err)
		}
		if more, err := transfer.claim(false); more != nil || err != nil {
			t.Fatalf("two chunks have one slot: %+v, %v", more, err)
		}
		transfer.release(mine)
	}
	if len(transfer.slots) != 0 {
		t.Errorf("%d slots are taken", len(transfer.slots))
	}
}

// Slots are as many as before when requests made ahead are dropped again and again.
func TestDroppedRequestsKeepNoSlot(t *testing.T) {
	dir, end := scratch(t)
	defer end()
	data := content(1, 320)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{data: data, etag: `"one"`}
		tries := map[int]int{}
		w.answer = func(off, end int) reply {
			how := reply{think: 200 * time.Millisecond, pace: 10 * time.Millisecond, step: 1}
			if chunk := off / 32; tries[chunk] < 12 { // more often than there are slots
				tries[chunk]++
				at := end - off - 1
				if at == 0 {
					at = 1
				}
				how.cut = &at
			}
			return how
		}
		d, group := tiny(Options{Chunk: 32, Workers: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r, err := d.Fetch(ctx, recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"})
		if err != nil || !r.Compared {
			t.Errorf("%+v, %v", r, err)
		}
		if err := wholeOrNothing(dir, data, nil); err != nil || w.open != 0 {
			t.Errorf("%v; %d connections were never given back", err, w.open)
		}
		group.Wait()
	})
}
