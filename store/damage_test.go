package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/boltfile"
	"greenroom/internal/cursor"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// sample is the bytes of a store that has something in each of its parts, with branches, free pages and large bodies.
func sample(t testing.TB) []byte {
	t.Helper()
	sampled.Do(func() { sampleBytes = makeSample(t) })
	if sampleBytes == nil {
		t.Fatal("there is no sample")
	}
	return sampleBytes
}

var (
	sampled     sync.Once
	sampleBytes []byte
)

func makeSample(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	s, err := Open(Options{Path: path, SegmentRows: 60, RingRows: 5})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		var batch []Entry
		for i := range 20 {
			d := delivery(n*20 + i)
			d.Meeting = fmt.Sprintf("m%d", n)
			if i == 0 {
				d.Body = make(app.Body, 9000)
			}
			batch = append(batch, Entry{Delivery: d, Position: cursor.Position{Hook: "h", Epoch: 1, Seq: uint64(n*20 + i + 1)}})
		}
		if _, err := s.AppendBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if n%5 == 0 {
			if _, err := s.Reject(t.Context(), delivery(1000+n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Update(t.Context(), func(tx *Tx) error {
			m := roster.Meeting{Meeting: app.Meeting{ID: fmt.Sprintf("m%d", n), RoomID: "r", Room: "Board", Account: "daily", Status: app.Open}}
			var stay roster.Stay
			stay.Joined(provider.Participant{Session: "s", Name: "Zoë"}, t0, app.FromWebhook)
			return errors.Join(tx.PutRoom(app.Room{ID: "r", RoomSettings: app.RoomSettings{Name: "Board"}}), tx.PutMeeting(m), tx.PutStay(m.ID, stay),
				tx.PutRecording(app.Recording{Account: "daily", ID: fmt.Sprint(n), StartedAt: app.At(t0)}))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exercise uses a file as every command would. Whatever is in it, that ends with errors at worst, none of which shows a stack.
func exercise(t testing.TB, path string) (opened bool, found []string) {
	t.Helper()
	look := func(what string, err error) {
		if err != nil && (strings.Contains(err.Error(), "goroutine ") || strings.Contains(err.Error(), ".go:")) {
			t.Errorf("%s shows a stack: %v", what, err)
		}
	}
	found, err := CheckFile(t.Context(), path)
	look("check of the file", err)
	_, err = Restore(t.Context(), filepath.Join(t.TempDir(), FileName), path)
	look("restore", err)
	s, err := Open(Options{Path: path, SegmentRows: 60, Timeout: time.Millisecond})
	if err != nil {
		look("open", err)
		return false, found
	}
	_, err = s.Events(t.Context(), app.EventQuery{Grep: "nothing"})
	look("events", err)
	look("read", s.View(t.Context(), func(tx *Tx) error {
		_, err := tx.Rooms()
		errs := []error{err}
		for seq := range uint64(215) {
			_, err := tx.Delivery(seq)
			errs = append(errs, err)
		}
		_, err = tx.Unended()
		return errors.Join(append(errs, err, tx.NewestRecordings(func(app.Recording) bool { return true }))...)
	}))
	d, err := s.Append(t.Context(), Entry{Delivery: delivery(5000), Effect: func(tx *Tx, d *app.Delivery) error {
		m, err := tx.Meeting("m3")
		if err != nil {
			return err
		}
		return tx.PutMeeting(m)
	}})
	look("append", err)
	if strings.Contains(d.Unapplied, "goroutine ") {
		t.Errorf("what wasn't applied shows a stack: %s", d.Unapplied)
	}
	more, err := s.Check(t.Context())
	look("check", err)
	_, err = s.BackupFile(t.Context(), filepath.Join(t.TempDir(), "copy"))
	look("backup", err)
	_, err = s.Stats(t.Context())
	look("stats", err)
	_, _, err = s.Compact(t.Context())
	look("compact", err)
	look("close", s.Close())
	return true, append(found, more...)
}

func write1(t testing.TB, dir string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoDamageIsAPanic(t *testing.T) {
	whole := sample(t)
	r := rand.New(rand.NewPCG(1, 2))
	p, err := boltfile.OpenPages(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	detected, rounds := 0, 15
	if os.Getenv("GREENROOM_SOAK") != "" {
		rounds = 3000
	}
	for range rounds {
		b := append([]byte(nil), whole...)
		count, _ := p.Extent()
		page := r.IntN(int(count))
		at := page*os.Getpagesize() + r.IntN(64)
		for i := range 1 + r.IntN(64) {
			b[min(at+i, len(b)-1)] = byte(r.Uint32())
		}
		opened, found := exercise(t, write1(t, t.TempDir(), b))
		if !opened || len(found) > 0 {
			detected++
		}
	}
	t.Logf("%d of %d damages of the beginning of a page are noticed", detected, rounds)
	if detected < rounds/3 { // many pages are free, or hold little
		t.Errorf("%d of %d damages are noticed", detected, rounds)
	}
}

func TestACutFileIsDamagedAtAnyLength(t *testing.T) {
	whole := sample(t)
	p, err := boltfile.OpenPages(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	count, size := p.Extent()
	end := int(count * size)
	for _, n := range []int{0, 1, 15, 80, 1023, 1024, 4095, 4096, 4097, 8191, 8192, 12288, 16384, 20000, end / 2, end - 4096, end - 1} {
		path := write1(t, t.TempDir(), whole[:n])
		if s, err := Open(Options{Path: path}); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", n, err)
			if err == nil {
				s.Close()
			}
		} else if text := err.Error(); !strings.Contains(text, "greenroom store restore") || !strings.Contains(text, path) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		if found, err := CheckFile(t.Context(), path); err != nil || len(found) == 0 {
			t.Errorf("cut to %d bytes passes the check: %v", n, err)
		}
		if after, err := os.Stat(path); err != nil || after.Size() != int64(n) {
			t.Errorf("cut to %d bytes, the file was changed: %v", n, err)
		}
	}
	exercise(t, write1(t, t.TempDir(), whole[:end]))
}

func FuzzDamage(f *testing.F) {
	whole := sample(f)
	f.Add(uint32(20), []byte("garbagegarbage"), uint32(0))
	f.Add(uint32(8192), []byte{0xff, 0xff}, uint32(0))
	f.Add(uint32(0), []byte{}, uint32(20000))
	f.Fuzz(func(t *testing.T, at uint32, change []byte, cut uint32) {
		b := append([]byte(nil), whole...)
		copy(b[int(at)%len(b):], change)
		if cut > 0 {
			b = b[:int(cut)%len(b)]
		}
		exercise(t, write1(t, t.TempDir(), b))
	})
}

// The file under an open store loses its end, or its first pages: a mapped page that isn't there any more is a fault.
func TestAFileThatIsCutWhileInUse(t *testing.T) {
	whole := sample(t)
	for _, size := range []int64{0, 4096, 16384} {
		path := write1(t, t.TempDir(), whole)
		s, err := Open(Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := s.Append(t.Context(), Entry{Delivery: delivery(9000)}); err == nil {
				t.Errorf("a delivery was acknowledged in a file of %d bytes", size)
			}
			if _, err := s.Events(t.Context(), app.EventQuery{}); !errors.Is(err, ErrDamaged) {
				t.Errorf("events of a file of %d bytes: %v", size, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Logf("close: %v", err)
		}
	}
}

// Damage that reads meet is shown, and the store continues with the rest.
func TestDamageThatAReadMeetsIsShown(t *testing.T) {
	path := write1(t, t.TempDir(), sample(t))
	s := open(t, Options{Path: path})
	var page uint64
	if err := s.View(t.Context(), func(tx *Tx) error {
		all := tx.b.Bucket(bucketSegments)
		first, _ := all.Cursor().First()
		page = uint64(all.Bucket(first).Bucket(keyBodies).Root())
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(make([]byte, 64), int64(page)*int64(os.Getpagesize()))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		return s.View(t.Context(), func(tx *Tx) error { _, err := tx.Delivery(1); return err })
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Problem != "" {
		t.Errorf("before: %+v, %v", st, err)
	}
	if err := read(); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	if st, err := s.Stats(t.Context()); err != nil || !strings.Contains(st.Problem, "damaged") {
		t.Errorf("after: %+v, %v", st, err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) == 0 {
		t.Errorf("the check found %v, %v", found, err)
	}
	if _, err := s.BackupFile(t.Context(), filepath.Join(t.TempDir(), "copy")); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged store was backed up as whole: %v", err)
	}
	if _, err := s.Append(t.Context(), Entry{Delivery: delivery(9001)}); err != nil {
		t.Errorf("a new delivery isn't stored for an old one: %v", err)
	}
}

// Panics that aren't the file's pass, with their stack.
func TestPanicsOfOthersPass(t *testing.T) {
	s := open(t, Options{})
	defer func() {
		if v := recover(); v != "a mistake" {
			t.Errorf("%v", v)
		}
	}()
	_ = s.View(t.Context(), func(*Tx) error { panic("a mistake") })
}

// spoil writes over the beginning of one of the two first pages.
func spoil(t *testing.T, path string, page int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("garbagegarbage"), page*int64(os.Getpagesize())+20)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whichever of the two first pages is lost, of a file that was just made, compacted, restored or migrated: nothing is missing.
func TestOneFirstPageIsEnough(t *testing.T) {
	makers := map[string]func(t *testing.T, path string){
		"made": func(t *testing.T, path string) {
			s := open(t, Options{Path: path})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"compacted": func(t *testing.T, path string) {
			s := open(t, Options{Path: path})
			appendN(t, s, 20, nil)
			if _, _, err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"restored": func(t *testing.T, path string) {
			s := open(t, Options{Path: path + ".other"})
			appendN(t, s, 20, nil)
			if _, _, err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			once := path + ".once" // one commit, as an earlier version's compaction leaves it
			src, err := bolt.Open(path+".other", 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			dst, err := bolt.Open(once, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(bolt.Compact(dst, src, 1<<30), dst.Close(), src.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := Restore(t.Context(), path, once); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, make := range makers {
		for page := range int64(2) {
			t.Run(fmt.Sprintf("%s, page %d", name, page), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), FileName)
				make(t, path)
				want := 20
				if name == "made" {
					want = 0
				}
				spoil(t, path, page)
				if found, err := CheckFile(t.Context(), path); err != nil || len(found) != 1 || !strings.Contains(found[0], fmt.Sprintf("page %d", page)) {
					t.Errorf("the check of the file finds %q, %v", found, err)
				}
				s := open(t, Options{Path: path})
				if found, err := s.Check(t.Context()); err != nil || len(found) != 1 {
					t.Errorf("the check finds %q, %v", found, err)
				}
				if n := count(t, s); n != want {
					t.Errorf("%d deliveries of %d", n, want)
				}
				if _, err := s.Append(t.Context(), Entry{Delivery: delivery(77)}); err != nil {
					t.Error(err)
				}
				if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
					t.Errorf("after the next commit the check finds %q, %v", found, err)
				}
			})
		}
	}
}

// What falls back to the empty database of a compaction by an earlier version is damaged, not empty.
func TestAStoreThatLostEverythingIsNotEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path + ".other"})
	for n := range 40 {
		d := delivery(n)
		d.Body = make(app.Body, 5000)
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	dst, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	inWriter(t, s, func() { err = errors.Join(bolt.Compact(dst, s.db.DB, 1<<30), dst.Close()) })
	if err != nil {
		t.Fatal(err)
	}
	spoil(t, path, 0)
	if s, err := Open(Options{Path: path}); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
		if err == nil {
			s.Close()
		}
	}
}

// The check reads every record of every kind, the last one too, and says which is damaged.
func TestTheCheckReadsEveryRecord(t *testing.T) {
	lastOf := func(name []byte) func(b *bolt.Tx) error {
		return func(b *bolt.Tx) error {
			k, _ := b.Bucket(name).Cursor().Last()
			return b.Bucket(name).Put(bytes.Clone(k), []byte("{"))
		}
	}
	into := func(name []byte) func(b *bolt.Tx) error {
		return func(b *bolt.Tx) error { return b.Bucket(name).Put([]byte("x"), []byte("{")) }
	}
	ofSegment := func(part []byte) func(b *bolt.Tx) error {
		return func(b *bolt.Tx) error {
			all := b.Bucket(bucketSegments)
			first, _ := all.Cursor().First()
			in := all.Bucket(first).Bucket(part)
			k, _ := in.Cursor().Last()
			return in.Put(bytes.Clone(k), []byte{0xff})
		}
	}
	for name, spoil := range map[string]func(*bolt.Tx) error{
		"rooms": lastOf(bucketRooms), "meetings": lastOf(bucketMeetings), "stays of meeting m9": lastOf(bucketStays), "recordings": lastOf(bucketRecordings),
		"positions": lastOf(bucketPositions), "downloads": into(bucketDownloads), "programs": into(bucketCommands),
		"forward": into(bucketForwards), "delivery ": ofSegment(keyRows), "delivery": ofSegment(keyBodies),
	} {
		s := open(t, Options{Path: write1(t, t.TempDir(), sample(t))})
		if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
			t.Fatalf("before: %q, %v", found, err)
		}
		if err := s.db.Update(spoil); err != nil {
			t.Fatal(err)
		}
		found, err := s.Check(t.Context())
		if err != nil || len(found) == 0 || !strings.HasPrefix(found[0], name) {
			t.Errorf("damaged %s: %q, %v", name, found, err)
		}
	}
}

// The findings are bounded.
func TestTheCheckStopsAtAHundredFindings(t *testing.T) {
	s := open(t, Options{Path: write1(t, t.TempDir(), sample(t))})
	if err := s.db.Update(func(b *bolt.Tx) error {
		all := b.Bucket(bucketSegments)
		return all.ForEach(func(k, _ []byte) error {
			rows := all.Bucket(k).Bucket(keyRows)
			c := rows.Cursor()
			for k, _ := c.First(); k != nil; k, _ = c.Next() {
				if err := rows.Put(bytes.Clone(k), []byte("{")); err != nil {
					return err
				}
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) != boltfile.MaxFindings {
		t.Errorf("%d findings, %v", len(found), err)
	}
}

// A page that the file refers to wrongly, at any height, is damage.
func TestEveryWrongReferenceIsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		for n := range 20_000 { // two levels of branches
			if err := tx.PutValue(fmt.Sprintf("%020d", n), []byte("0123456789abcdef")); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ids := pageIDs(t, path)
	if len(ids["branch"]) < 3 {
		t.Fatalf("%d branches", len(ids["branch"]))
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := CheckFile(t.Context(), path); err != nil || len(found) > 0 {
		t.Fatalf("before: %q, %v", found, err)
	}
	p, err := boltfile.OpenPages(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	pages, pageSize := p.Extent()
	size := int(pageSize)
	dir := t.TempDir()
	for _, id := range ids["branch"] {
		page := whole[int(id)*size:]
		n := int(binary.NativeEndian.Uint16(page[10:]))
		for _, i := range []int{0, n / 2, n - 1} {
			child := binary.NativeEndian.Uint64(page[16+16*i+8:])
			for what, wrong := range map[string]uint64{
				"itself": id, "its neighbour's child": binary.NativeEndian.Uint64(page[16+16*((i+1)%n)+8:]), "a free page": ids["free"][0], "a first page": 1,
				"a page beyond the end": uint64(pages), "one far beyond": 1 << 40,
			} {
				b := bytes.Clone(whole)
				binary.NativeEndian.PutUint64(b[int(id)*size+16+16*i+8:], wrong)
				path := write1(t, dir, b)
				if _, err := Open(Options{Path: path}); !errors.Is(err, ErrDamaged) {
					t.Fatalf("page %d refers to %s (%d) instead of to %d: opened, %v", id, what, wrong, child, err)
				}
				if found, err := CheckFile(t.Context(), path); err != nil || len(found) == 0 {
					t.Errorf("page %d refers to %s instead of to %d: %q, %v", id, what, child, found, err)
				}
			}
		}
	}
}

// pageIDs returns the pages of a file by their kind, as the library knows them.
func pageIDs(t *testing.T, path string) map[string][]uint64 {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string][]uint64{}
	err = db.Update(func(b *bolt.Tx) error { // a writer knows which pages are free
		for id := 0; ; {
			p, err := b.Page(id)
			if err != nil || p == nil {
				return errors.Join(err, errNothing)
			}
			ids[p.Type] = append(ids[p.Type], uint64(id))
			id++
			if p.Type != "free" {
				id += p.OverflowCount
			}
		}
	})
	if !errors.Is(err, errNothing) {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// A check that is called off says so, and not that all is well.
func TestACheckThatIsCalledOff(t *testing.T) {
	path := write1(t, t.TempDir(), sample(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := CheckFile(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("of a file: %v", err)
	}
	s := open(t, Options{Path: path})
	if _, err := s.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.BackupFile(ctx, filepath.Join(t.TempDir(), "copy")); !errors.Is(err, context.Canceled) {
		t.Errorf("a backup: %v", err)
	}
}
