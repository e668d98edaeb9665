package store

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/latin"
	"greenroom/provider"
)

// hurry doesn't rest.
func hurry(time.Duration) bool { return true }

// indexAll makes the missing indexes.
func indexAll(t testing.TB, s *Store) {
	t.Helper()
	var err error
	for tried := map[string]bool{}; err == nil; {
		err = s.indexNext(tried, hurry)
	}
	if err != errIndexed {
		t.Fatal(err)
	}
}

// inSegments changes each segment.
func inSegments(t testing.TB, s *Store, f func(seg *bolt.Bucket) error) {
	t.Helper()
	inWriter(t, s, func() {
		if err := s.db.Update(func(b *bolt.Tx) error {
			all := b.Bucket(bucketSegments)
			return all.ForEach(func(k, _ []byte) error { return f(all.Bucket(k)) })
		}); err != nil {
			t.Error(err)
		}
	})
}

// shapes returns the shapes of the segments that have an index.
func shapes(t testing.TB, s *Store) (out []textShape) {
	t.Helper()
	inSegments(t, s, func(seg *bolt.Bucket) error {
		if shape, ok := shapeOf(seg.Bucket(keyTexts)); ok {
			out = append(out, shape)
		}
		return nil
	})
	return out
}

// lifelike is a delivery as platforms send them, of about 1.2 KB: ids, names, times and a signature that no other one has.
func lifelike(n int) app.Delivery {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	random := func() string {
		a, b := r.Uint64(), r.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48, b&0xffffffffffff)
	}
	names := []string{"Zoë Ångström", "Linus Berg", "Ada Obi", "王小明", "Amélie Dupont", "Chidi Okafor", "Priya Raman", "Tom Baker"}
	at := t0.Add(time.Duration(n) * 1300 * time.Millisecond)
	d := delivery(n)
	d.At, d.Kind, d.Type = app.At(at), provider.KindParticipantJoined, "participant.joined"
	d.Room, d.Participant, d.Session = fmt.Sprintf("standup-%d", n/400%40), names[r.IntN(len(names))], random()
	d.Meeting, d.ProviderID, d.Remote, d.Via = fmt.Sprintf("01J8Z%021d", n/400), random(), "52.39.179.18:41234", "direct"
	body := fmt.Sprintf(`{"version":"1.0.0","type":"participant.joined","id":"ptcpt-join-%s-%d","payload":{"joined_at":%d.%03d,"session_id":"%s","room":"%s","user_id":"%s","user_name":"%s","owner":%t,"networkQualityState":"good","permissions":{"hasPresence":true,"canSend":["video","audio","screenVideo"],"canReceive":{"base":true},"canAdmin":false},"will_eject_at":null,"meeting_id":"%s","device":{"browser":"Chrome","version":"%d.0.%d","os":"Mac OS X","mobile":false}},"event_ts":%d.%03d}`,
		d.Session, at.UnixMilli(), at.Unix(), r.IntN(1000), d.Session, d.Room, random(), d.Participant, r.IntN(2) == 0, random(), 90+r.IntN(9), r.IntN(9999), at.Unix(), r.IntN(1000))
	sum := sha256.Sum256([]byte(body))
	d.Body, d.Size = app.Body(body), int64(len(body))
	d.Headers = http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"Daily-Webhooks/1.0 (+https://docs.daily.co/webhooks)"},
		"X-Webhook-Signature": {base64.StdEncoding.EncodeToString(sum[:])}, "X-Webhook-Timestamp": {fmt.Sprint(at.UnixMilli())}, "Content-Length": {fmt.Sprint(len(body))},
		"X-Request-Id": {random()}, "X-Forwarded-For": {"52.39.179.18"}, "X-Forwarded-Proto": {"https"}, "X-Amzn-Trace-Id": {"Root=1-" + random()},
	}
	return d
}

// Every gram of a folded text is in the filter, wherever accents and letters beyond ASCII are.
func TestAllGramsOfAText(t *testing.T) {
	x := newTextIndex(be64(7), 1, 100_000)
	rapid.Check(t, func(t *rapid.T) {
		text := pieced(t, "text", 20)
		g := x.grams()
		g.add(text)
		folded := latin.Fold(text)
		x.salt.grams(folded, func(b gramBit) bool {
			if row := x.row(b); g.filter[row/8]>>(row%8)&1 == 0 {
				t.Fatalf("a gram of %q is missing in %q", folded, text)
			}
			return true
		})
	})
}

// Rare texts are looked for in few events.
func TestTheIndexExcludes(t *testing.T) {
	s := open(t, Options{SegmentRows: 830, indexAfter: time.Hour})
	s.db.NoSync = true
	var batch []Entry
	for i := range 900 {
		batch = append(batch, Entry{Delivery: lifelike(i)})
	}
	rare := &batch[100].Delivery
	id := rare.Session
	rare.Headers.Set("X-Rare", "Größenwahn")
	rare.Body = app.Body(`{"über":{"n\u0061me":"\u00dcbelt\u00e4ter"},"amount":77123,"id":"` + id + `"}`)
	rare.Target, rare.Session = "/hooks/unheard?of", "qwertz-person-jkl"
	rare.Headers.Set("X-Odd", `"tagged" <b>`)
	if _, err := s.AppendBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	indexAll(t, s)
	for text, most := range map[string]int{"unheard?of": 2, "UNHEARD": 2, "größenwahn": 2, `"x-rare":["`: 2, "zq j": 0, "duplicate": 10, "é": 10} {
		if err := s.View(t.Context(), func(tx *Tx) error {
			w := wanted(app.EventQuery{Grep: text, Before: 831})
			if n := newSegmentIterator(tx.b, &w, false).count(); n > most*83 {
				t.Errorf("grep reads %d events for %q", n, text)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]int{
		"grossenwahn": 1, "header.x-rare:*": 1, "header.x-rare:größ*": 1, "/gr.*enwahn/": 1, "body.amount:>5": 1, `unheard?of`: 1, "target:*unheard*": 1, "x-rare or unheard": 1,
		"body.über.name:übeltäter": 1, "participant:qwertz-person-j*": 1, `"\"tagged\" <b>"`: 1, "nowhere": 0, "body.nowhere:1": 0, "header.x-none:*": 0, id: 1, id[:8]: 1, strings.ToUpper(id[4:13]): 1,
		"th": 10, "-nowhere": 10, "\"zq j\"": 0, "jkl": 1, "渡": 0, "bec": 10, "8f": 10, "body.payload.room:*": 10, "kind:joined": 10, "nowhere or account:daily": 10,
	} {
		f, err := filter.Parse(text, filter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.View(t.Context(), func(tx *Tx) error {
			seg := tx.b.Bucket(bucketSegments).Bucket(be64(1))
			shape, ok := shapeOf(seg.Bucket(keyTexts))
			may := f.Blocks(shape.holds(seg.Bucket(keyTexts), func() { t.Error("a piece is damaged") }))
			n := 0
			for block := range uint64(shape.blocks) {
				if may.Has(block) {
					n++
				}
			}
			if !ok || shape.blocks != 10 || want == 1 && (!may.Has(1) || n > 2) || want != 1 && n != want {
				t.Errorf("%q may be in %d of %d blocks, want %d", text, n, shape.blocks, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Absent texts are looked for in a small part of the blocks, the smaller the longer they are, and the index is a small part of the store.
func TestHowMuchTheIndexExcludes(t *testing.T) {
	s := open(t, Options{SegmentRows: 20 * 83, indexAfter: time.Hour})
	s.db.NoSync = true
	var batch []Entry
	for i := range 20*83 + 1 {
		batch = append(batch, Entry{Delivery: lifelike(i)})
	}
	if _, err := s.AppendBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	indexAll(t, s)
	const letters, hexadecimal = "ghijklmnopqrstuvwxyz", "0123456789abcdef"
	r := rand.New(rand.NewPCG(1, 2))
	if err := s.View(t.Context(), func(tx *Tx) error {
		seg := tx.b.Bucket(bucketSegments).Bucket(be64(1))
		texts := seg.Bucket(keyTexts)
		shape, ok := shapeOf(texts)
		if !ok || shape.blocks != 20 {
			t.Fatalf("an index of %d blocks", shape.blocks)
		}
		if size := uint64(shape.rows) * uint64(shape.blocks) / 8; size > statOf(seg).bytes*9/100 {
			t.Errorf("the index has %d bytes for %d", size, statOf(seg).bytes)
		}
		holds := shape.holds(texts, func() { t.Error("a piece is damaged") })
		for _, c := range []struct {
			prefix, of string
			n          int
			most       float64
		}{{"~", letters, 2, 0.05}, {"~", letters, 3, 0.005}, {"~", letters, 4, 0.001}, {"", hexadecimal, 8, 0.025}, {"", hexadecimal, 13, 0.001}} {
			const times = 500
			n := 0
			for range times {
				text := c.prefix
				for range c.n {
					text += string(c.of[r.IntN(len(c.of))])
				}
				for _, b := range holds(text) {
					n += bits.OnesCount8(b)
				}
			}
			if part := float64(n) / times / float64(shape.blocks); part > c.most {
				t.Errorf("%q and %d of %s: may be in %.2f %% of the blocks", c.prefix, c.n, c.of, part*100)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// An index that isn't merged yet is not made again.
func TestAnIndexIsMadeOnce(t *testing.T) {
	s := open(t, Options{SegmentRows: 100, indexAfter: time.Hour})
	appendN(t, s, 350, nil)
	shapes(t, s)             // merges
	s.log.within = time.Hour // nothing more is merged for a while
	before := s.commits.Load()
	indexAll(t, s)
	if n := s.commits.Load() - before; n != 3 || len(shapes(t, s)) != 3 {
		t.Errorf("%d commits for 3 indexes", n)
	}
}

// The index is made in the background, for a store of an earlier version and when a segment is full.
func TestTheIndexIsMadeInTheBackground(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path, SegmentRows: 50, unindexed: true})
	appendN(t, s, 120, nil)
	if n := len(shapes(t, s)); n != 0 {
		t.Fatalf("%d segments have an index", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path, SegmentRows: 50, indexAfter: time.Millisecond})
	until := func(want int) {
		t.Helper()
		for len(shapes(t, s)) < want {
			if t.Context().Err() != nil {
				t.Fatal(t.Context().Err())
			}
			<-time.After(time.Millisecond)
		}
	}
	until(2)
	appendN(t, s, 50, func(i int, d *app.Delivery) { d.ProviderID = fmt.Sprint("more", i) })
	until(3)
}

// What an earlier attempt left is replaced, and an index that lacks a piece is not used.
func TestAnIndexThatWasInterrupted(t *testing.T) {
	s := open(t, Options{SegmentRows: 100, indexAfter: time.Hour})
	appendN(t, s, 150, nil)
	name := be64(1)
	x, err := s.readTexts(name, hurry)
	if err != nil {
		t.Fatal(err)
	}
	lost := func(seg *bolt.Bucket) error { return x.put(seg, 0, nil) }
	if err := s.addTexts(name, lost); err == nil || len(shapes(t, s)) != 0 {
		t.Errorf("an index without its pieces is used: %v", err)
	}
	if err := s.addTexts(name, func(seg *bolt.Bucket) error {
		texts, err := seg.CreateBucketIfNotExists(keyTexts)
		if err != nil {
			return err
		}
		return texts.Put(pieceKey(1000), []byte("of another size"))
	}); err != nil {
		t.Fatal(err)
	}
	indexAll(t, s)
	if err := s.View(t.Context(), func(tx *Tx) error {
		if tx.b.Bucket(bucketSegments).Bucket(name).Bucket(keyTexts).Get(pieceKey(1000)) != nil {
			t.Error("a piece of an earlier attempt remains")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(shapes(t, s)); n != 1 {
		t.Errorf("%d segments have an index", n)
	}
	if err := s.writeTexts(be64(77), x, hurry); err != errDropped {
		t.Errorf("a segment that was dropped: %v", err)
	}
}

// A damaged event can't be excluded: a search reports it.
func TestADamagedEventIsNotExcluded(t *testing.T) {
	s := open(t, Options{SegmentRows: 100, indexAfter: time.Hour})
	appendN(t, s, 150, nil)
	inSegment(t, s, func(seg *bolt.Bucket) error { return seg.Bucket(keyBodies).Put(be64(2), []byte{200}) })
	indexAll(t, s)
	if n := len(shapes(t, s)); n != 1 {
		t.Fatalf("%d segments have an index", n)
	}
	if _, err := s.Events(t.Context(), app.EventQuery{Filter: "body.nowhere:1"}); err == nil {
		t.Error("no error")
	}
}

// Columns of earlier versions are written as those of this one, and the accounts of a segment are known exactly.
func TestColumnsBecomeExact(t *testing.T) {
	s := open(t, Options{SegmentRows: 200, indexAfter: time.Hour})
	for i := range 250 { // in this order
		d := delivery(i)
		d.Participant = []string{"Zoë", "Bo"}[i%2]
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	inSegment(t, s, func(seg *bolt.Bucket) error {
		blocks := seg.Bucket(keyColumns)
		return blocks.ForEach(func(k, v []byte) error {
			v = slices.Clone(v)
			for i := range len(v) / columnSize {
				if i%3 > 0 {
					v[i*columnSize+19], v[i*columnSize+40] = 0, v[i*columnSize+40]^1
				}
			}
			return blocks.Put(k, v)
		})
	})
	indexAll(t, s)
	if err := s.View(t.Context(), func(tx *Tx) error {
		w, err := wantedBy(app.EventQuery{Filter: "participant:zoe seq:<=200"})
		if err != nil {
			return err
		}
		if n := newSegmentIterator(tx.b, &w, false).count(); n != 100 {
			t.Errorf("%d rows may be Zoë's", n)
		}
		for text, want := range map[string]int{"-account:daily": 0, "account:d*": 200, "account:/^Daily$/": 200, "-account:whereby": 200, "account:dail": 0, "-account:/a/": 0} {
			if w, err = wantedBy(app.EventQuery{Filter: text + " seq:<=200"}); err != nil {
				return err
			}
			if n := newSegmentIterator(tx.b, &w, false).count(); n != want {
				t.Errorf("%s: %d rows, want %d", text, n, want)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
