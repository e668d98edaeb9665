package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestJobsAndJournals(t *testing.T) {
	s := open(t, Options{})
	ctx := t.Context()
	must := func(f Effect) {
		t.Helper()
		if err := s.Update(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	must(func(tx *Tx) error {
		return errors.Join(
			tx.PutDownloadJob(DownloadJob{Account: "daily", ID: "r1", To: "/x"}), tx.PutDownloadJob(DownloadJob{Account: "daily", ID: "r10"}),
			tx.PutChunks("daily", "r1", "a", []byte("1")), tx.PutChunks("daily", "r1", "b", []byte("2")), tx.PutChunks("daily", "r10", "a", []byte("3")),
			tx.PutCommandJob(CommandJob{Account: "daily", ID: "r1", Tries: 2}),
		)
	})
	must(func(tx *Tx) error {
		if files := tx.ChunkFiles("daily", "r1"); len(files) != 2 || files[0] != "a" {
			t.Errorf("the journal has %v", files)
		}
		return errors.Join(tx.DeleteChunks("daily", "r1", "b"), tx.PutChunks("daily", "r1", "c", []byte("4")))
	})
	must(func(tx *Tx) error { return tx.DeleteDownloadJob("daily", "r1") })
	if err := s.View(ctx, func(tx *Tx) error {
		jobs, err := tx.DownloadJobs()
		if len(jobs) != 1 || jobs[0].ID != "r10" {
			t.Errorf("%+v", jobs)
		}
		if files := tx.ChunkFiles("daily", "r1"); len(files) > 0 {
			t.Errorf("a journal outlives its job: %v", files)
		}
		if string(tx.Chunks("daily", "r10", "a")) != "3" {
			t.Error("another recording's journal went with it")
		}
		commands, cerr := tx.CommandJobs()
		if len(commands) != 1 || commands[0].Tries != 2 {
			t.Errorf("%+v", commands)
		}
		return errors.Join(err, cerr)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestADownloadMovesToAnotherID(t *testing.T) {
	s := open(t, Options{})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(
			tx.PutRecording(app.Recording{ID: "s3-1", Account: "a"}), tx.PutDownloadJob(DownloadJob{Account: "a", ID: "s3-1", To: "/x"}),
			tx.PutChunks("a", "s3-1", "f", []byte("1")), tx.PutCommandJob(CommandJob{Account: "a", ID: "s3-1", Tries: 2}),
			tx.PutDownloadJob(DownloadJob{Account: "a", ID: "one", To: "/y"}), tx.PutChunks("a", "one", "g", []byte("2")),
		)
	}); err != nil {
		t.Fatal(err)
	}
	old := DownloadJob{Account: "a", ID: "s3-1"}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.MoveDownload("a", "s3-1", "one"), tx.DeleteRecording(app.Recording{ID: "s3-1", Account: "a"}),
			tx.PutRecording(app.Recording{ID: "one", Account: "a", Aliases: []string{"s3-1"}}))
	}); err != nil {
		t.Fatal(err)
	}
	// The former id leads to the new one.
	if err := s.Update(t.Context(), func(tx *Tx) error {
		for _, id := range []string{"one", "s3-1"} {
			j, err := tx.DownloadJob("a", id)
			if err != nil || j.ID != "one" || j.To != "/x" || !j.Same(old) || j.Same(DownloadJob{Account: "a", ID: "one"}) {
				t.Errorf("%s: %+v, %v", id, j, err)
			}
			if files := tx.ChunkFiles("a", id); len(files) != 1 || string(tx.Chunks("a", id, "f")) != "1" {
				t.Errorf("%s: the journal has %q", id, files)
			}
			if c, err := tx.CommandJob("a", id); err != nil || c.ID != "one" || c.Tries != 2 {
				t.Errorf("%s: %+v, %v", id, c, err)
			}
		}
		return errors.Join(tx.PutDownloadJob(DownloadJob{Account: "a", ID: "s3-1", Tries: 1}), tx.PutChunks("a", "s3-1", "f", []byte("3")),
			tx.PutCommandJob(CommandJob{Account: "a", ID: "s3-1", Tries: 3}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		jobs, err := tx.DownloadJobs()
		commands, cerr := tx.CommandJobs()
		if len(jobs) != 1 || jobs[0].ID != "one" || jobs[0].Tries != 1 || !jobs[0].Same(old) || len(commands) != 1 || commands[0].Tries != 3 ||
			string(tx.Chunks("a", "one", "f")) != "3" {
			t.Errorf("%+v, %+v", jobs, commands)
		}
		return errors.Join(err, cerr)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRecordingsAreFoundByID(t *testing.T) {
	s := open(t, Options{})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.PutRecording(app.Recording{ID: "one", Account: "a", StartedAt: app.At(t0)}),
			tx.PutRecording(app.Recording{ID: "twin", Account: "a", StartedAt: app.At(t0)}),
			tx.PutRecording(app.Recording{ID: "twin", Account: "b", StartedAt: app.At(t0)}))
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ref  app.RecordingRef
		in   string
		want error
	}{
		{app.RecordingRef{ID: "one"}, "a", nil},
		{app.RecordingRef{ID: "a/one"}, "a", nil},
		{app.RecordingRef{ID: "b/twin"}, "b", nil},
		{app.RecordingRef{ID: "twin", Account: "b"}, "b", nil},
		{app.RecordingRef{ID: "twin"}, "", ErrAmbiguous},
		{app.RecordingRef{ID: "none"}, "", ErrNotFound},
		{app.RecordingRef{ID: "b/one"}, "", ErrNotFound},
	} {
		if err := s.View(t.Context(), func(tx *Tx) error {
			r, err := tx.FindRecording(c.ref)
			if !errors.Is(err, c.want) || r.Account != c.in {
				t.Errorf("%+v: %+v, %v", c.ref, r, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordingsAreFoundByTheirObjectsAndFormerIDs(t *testing.T) {
	s := open(t, Options{})
	const track = "acme/r/1749988800000-0b0e2f3a-1111-4222-8333-0123456789ab-cam-audio-1749988800"
	files := func(keys ...string) (out []provider.RecordingFile) {
		for _, k := range keys {
			out = append(out, provider.RecordingFile{Key: k})
		}
		return out
	}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		former := app.Recording{ID: "s3-1", Account: "a", StartedAt: app.At(t0), Files: files(track+"100", "")}
		err := errors.Join(tx.PutRecording(former), tx.DeleteRecording(former))
		return errors.Join(err, tx.PutRecording(app.Recording{ID: "one", Account: "a", StartedAt: app.At(t0), Files: files(track + "200"), Aliases: []string{"s3-1", "s3-2"}}),
			tx.PutRecording(app.Recording{ID: "two", Account: "a", StartedAt: app.At(t0), Files: files("x", strings.Repeat("k", 1<<16))}),
			tx.PutRecording(app.Recording{ID: "three", Account: "b", StartedAt: app.At(t0), Files: files("x"), Aliases: []string{"s3-2"}}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		for _, c := range []struct{ account, key, want string }{
			{"a", track + "100", "one"}, {"a", track + "300.event.json", "one"}, {"a", "x", "two"}, {"b", "x", "three"},
			{"b", track + "100", ""}, {"a", "acme/r/1749988800000", ""}, {"a", "", ""},
		} {
			if r, err := tx.RecordingOf(c.account, c.key); r.ID != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("%+v: %q, %v", c, r.ID, err)
			}
		}
		for _, c := range []struct {
			ref  app.RecordingRef
			want string
			err  error
		}{
			{app.RecordingRef{ID: "s3-1"}, "one", nil}, {app.RecordingRef{ID: "a/s3-1"}, "one", nil}, {app.RecordingRef{Account: "a", ID: "s3-2"}, "one", nil},
			{app.RecordingRef{Account: "b", ID: "s3-2"}, "three", nil}, {app.RecordingRef{ID: "s3-2"}, "", ErrAmbiguous},
			{app.RecordingRef{Account: "b", ID: "s3-1"}, "", ErrNotFound}, {app.RecordingRef{ID: "three"}, "three", nil},
		} {
			if r, err := tx.FindRecording(c.ref); r.ID != c.want || !errors.Is(err, c.err) {
				t.Errorf("%+v: %q, %v", c.ref, r.ID, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A file of version 4 has no bucket for forwards.
func TestAFileOfTheFifthVersionIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	if err := s.db.Update(func(b *bolt.Tx) error { return errors.Join(b.DeleteBucket(bucketForwards), putSchema(b, 4)) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutForward(ForwardJob{Name: "dev"}) }); err != nil {
		t.Error(err)
	}
}

// TestEveryBucketHasItsSchema: files of the present schema must hold all buckets, so that a new one needs a new schema.
func TestEveryBucketHasItsSchema(t *testing.T) {
	const known, buckets = 9, 29
	if schema != known || len(allBuckets) != buckets {
		t.Errorf("schema %d has %d buckets, not schema %d with %d: after a new bucket, add a migration and change both numbers here",
			schema, len(allBuckets), known, buckets)
	}
}

// A file of version 2 doesn't lead from objects to recordings.
func TestAFileOfTheThirdVersionIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return tx.PutRecording(app.Recording{ID: "r1", Account: "daily", StartedAt: app.At(t0), Files: []provider.RecordingFile{{Key: "k"}}})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(func(b *bolt.Tx) error {
		return errors.Join(b.DeleteBucket(bucketRecObjects), b.DeleteBucket(bucketRecAliases), putSchema(b, 2))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	if err := s.View(t.Context(), func(tx *Tx) error {
		r, err := tx.RecordingOf("daily", "k")
		if r.ID != "r1" {
			t.Errorf("%+v", r)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A file of version 1 has no buckets for downloads.
func TestAFileOfTheSecondVersionIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return tx.PutRecording(app.Recording{ID: "r1", Account: "daily", StartedAt: app.At(t0)})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(func(b *bolt.Tx) error {
		return errors.Join(b.DeleteBucket(bucketDownloads), b.DeleteBucket(bucketChunks), b.DeleteBucket(bucketCommands), putSchema(b, 1))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path})
	if err := s.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.Recording("daily", "r1"); err != nil {
			t.Error(err)
		}
		return tx.PutDownloadJob(DownloadJob{Account: "daily", ID: "r1"})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".v1"); err != nil {
		t.Errorf("no copy was set aside: %v", err)
	}
}
