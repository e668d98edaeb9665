package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
)

// asSchema6 rewrites a segment as schema 6 wrote it, and without the flag of repeats, as schema 4 did.
func asSchema6(seg *bolt.Bucket) error {
	facets, err := seg.CreateBucket(keyFacets)
	if err != nil {
		return err
	}
	var block []byte
	if err := seg.Bucket(keyRows).ForEach(func(k, v []byte) error {
		d, err := decode[app.Delivery](v)
		block = binary.BigEndian.AppendUint64(block, d.Seq)
		block = binary.BigEndian.AppendUint32(block, uint32(d.At.Unix()))
		block = binary.BigEndian.AppendUint32(block, hash32(d.Meeting))
		block = binary.BigEndian.AppendUint32(block, hash32(d.Account))
		block = append(block, filter.KindIndex(d.Kind), 0, 0, 0)
		return err
	}); err != nil {
		return err
	}
	for i := uint64(0); len(block) > 0; i++ {
		n := min(len(block), blockBytes/facetSize*facetSize)
		if err := facets.Put(be64(i), block[:n]); err != nil {
			return err
		}
		block = block[n:]
	}
	return seg.DeleteBucket(keyColumns)
}

// varied fills a store of several segments with deliveries that differ in every field, and returns them by number.
func varied(t *testing.T, s *Store, n int) (all []app.Delivery) {
	t.Helper()
	for i := range n {
		d := delivery(i)
		d.Account, d.Room = []string{"Daily", "whereby"}[i%2], fmt.Sprintf("Room %d", i%5)
		d.Kind = provider.EventKinds()[i%len(provider.EventKinds())]
		d.Type, d.Participant, d.Session, d.Status = "type."+fmt.Sprint(i%3), []string{"Zoë", "Bo", ""}[i%3], fmt.Sprint("s-", i%7), 200+i%3
		d.Meeting, d.Size, d.Via = fmt.Sprintf("meeting-%d", i%4), int64(i*100), "relay"
		d.Headers, d.Body = http.Header{"X-Number": {fmt.Sprint(i)}}, app.Body(fmt.Sprintf(`{"n":%d,"who":%q,"written":"\u0042o\u212a","tags":[%d,1]}`, i, d.Participant, i))
		if i%10 == 9 {
			d.Target = "/hooks/\xff"
		}
		e := Entry{Delivery: d}
		if i%8 == 7 {
			e.Delivery.Verdict, e.Keep = provider.Rejected, KeepInRing
		}
		if i%11 == 10 {
			e.Delivery.Verdict, e.Delivery.Imported = provider.Rejected, true
		}
		got, err := s.Append(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		got.Headers, got.Body = d.Headers, d.Body
		all = append(all, got)
	}
	return all
}

// selected reads every page of a query.
func selected(t *testing.T, s *Store, q app.EventQuery) (seqs []uint64) {
	t.Helper()
	for {
		page, err := s.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Events {
			seqs = append(seqs, d.Seq)
		}
		if !page.More {
			return seqs
		}
		q.Before = page.Next
	}
}

// A filter selects from the store what it selects from whole deliveries, in segments of this schema and of the one before.
func TestFiltersSelectFromTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path, SegmentRows: 150})
	all := varied(t, s, 600)
	filters := []string{
		"", "account:daily", "account:DAILY room:\"room 3\"", "kind:joined or kind:ready", "type:type.1 participant:zoë", "participant:s-3", "status:201",
		"size:>10kB size:<=20kB", "seq:100..180", "seq:>590", "seq:<5", "verdict:rejected", "verdict:verified", "-verdict:verified", "is:imported", "-is:imported since:2h",
		"meeting:meeting-2 -kind:test", "via:relay seq:1..20", "header.x-number:17,23", "body.n:>595", "body.who:bo status:202", "body.written:bok seq:>560", "body.tags.#:2 seq:>570", "body.tags:577", "body.who:*oë status:201", "header.x-number:5* seq:>550", "header.X-none:*",
		"kind:joined status:200 size:>10kB bo", "seq:<9 size:<500 -zoë", "zoë", "/\"n\":5[0-9],/", "x-number seq:300..310",
		"target:/hooks/daily*", "target:*\xff", "until:2026-01-01", "room:*2 or (room:*3 account:whereby)", "nothing-has-this", "method:post seq:5", "until:2020-01-01",
		"since:" + t0.Add(300*time.Second).Format(time.RFC3339), "until:" + t0.Add(300*time.Second).Format(time.RFC3339), "is:duplicate or is:unapplied",
	}
	check := func(what string) {
		for _, text := range filters {
			f, err := filter.Parse(text, filter.Options{Now: t0.Add(600 * time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			var want []uint64
			for _, d := range slices.Backward(all) {
				if f.MatchDelivery(&d) {
					want = append(want, d.Seq)
				}
			}
			if got := selected(t, s, app.EventQuery{Filter: f.String(), Limit: 1000}); !slices.Equal(got, want) {
				t.Errorf("%s: %q selects %v, want %v", what, text, got, want)
			}
			if got := selected(t, s, app.EventQuery{Filter: f.String(), Limit: 7}); !slices.Equal(got, want) {
				t.Errorf("%s: %q by pages of 7 selects %v, want %v", what, text, got, want)
			}
			page, err := s.Events(t.Context(), app.EventQuery{Filter: f.String(), Limit: 1000, Forward: true, After: 250})
			var forward []uint64
			for _, d := range page.Events {
				forward = append(forward, d.Seq)
			}
			want = slices.DeleteFunc(want, func(n uint64) bool { return n <= 250 })
			if err != nil || !slices.Equal(forward, want) {
				t.Errorf("%s: %q forward selects %v, want %v, %v", what, text, forward, want, err)
			}
		}
		for _, v := range []provider.Verdict{provider.Verified, provider.Rejected} {
			n := 0
			for _, d := range all {
				if d.Verdict == v {
					n++
				}
			}
			if got := len(selected(t, s, app.EventQuery{Verdict: v, Limit: 1000})); got != n {
				t.Errorf("%s: %d are %s, want %d", what, got, v, n)
			}
			if err := s.View(t.Context(), func(tx *Tx) error {
				if got := tx.CountEvents(app.EventQuery{Verdict: v}); got != n {
					t.Errorf("%s: %d are counted as %s, want %d", what, got, v, n)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check("columns")
	inSegment(t, s, func(seg *bolt.Bucket) error {
		stat := statOf(seg)
		if stat.others > 0 { // earlier versions had none
			return nil
		}
		return asSchema6(seg)
	})
	check("the oldest with facets")
}

// A store of schema 6 is read with its facets, and what arrives begins a segment with columns.
func TestSegmentsOfSchema6(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	appendN(t, s, 200, nil)
	inSegment(t, s, asSchema6)
	if err := s.db.Update(func(b *bolt.Tx) error { return putSchema(b, 6) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	appendN(t, s, 1, func(_ int, d *app.Delivery) { d.ProviderID, d.Room = "new", "new" })
	if n := len(selected(t, s, app.EventQuery{Filter: "account:DAILY kind:joined"})); n != 201 {
		t.Errorf("%d of 201 are found", n)
	}
	if n := len(selected(t, s, app.EventQuery{Account: "daily"})); n != 201 {
		t.Errorf("%d of 201 are of the account", n)
	}
	if got := selected(t, s, app.EventQuery{Filter: "room:NEW"}); !slices.Equal(got, []uint64{201}) {
		t.Errorf("%v are of the new room", got)
	}
	inSegment(t, s, func(seg *bolt.Bucket) error {
		if seg.Bucket(keyColumns) != nil {
			t.Error("the old segment was continued")
		}
		return nil
	})
}

func TestAFilterThatCannotBeRead(t *testing.T) {
	_, err := open(t, Options{}).Events(t.Context(), app.EventQuery{Filter: "knd:x"})
	var e *filter.Error
	if !errors.As(err, &e) {
		t.Error(err)
	}
}

// A damaged body is reported by a filter that reads it.
func TestAFilterReportsADamagedBody(t *testing.T) {
	s := open(t, Options{})
	appendN(t, s, 3, nil)
	inSegment(t, s, func(seg *bolt.Bucket) error { return seg.Bucket(keyBodies).Put(be64(2), []byte{200}) })
	for _, text := range []string{"header.x:1", "body.n:9"} {
		if _, err := s.Events(t.Context(), app.EventQuery{Filter: text}); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
