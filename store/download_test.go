package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
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
