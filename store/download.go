package store

import (
	"bytes"
	"cmp"
	"errors"
	"strings"
	"time"

	"greenroom/internal/app"
)

// DownloadJob is a download that is not done: what was asked for. How it stands is the recording's own
// [app.Recording.Download], written in the same transactions.
type DownloadJob struct {
	Account string `json:"account"`
	ID      string `json:"id"`
	// To is an absolute folder, empty for the configured one.
	To          string `json:"to,omitempty"`
	AudioOnly   bool   `json:"audio_only,omitempty"`
	DeleteAfter bool   `json:"delete_after,omitempty"`
	Auto        bool   `json:"auto,omitempty"`
	// Fetched says that every file is here, and that only the platform's copy is still to be deleted.
	Fetched bool `json:"fetched,omitempty"`
	// Again replaces one that is done.
	Again   bool      `json:"again,omitempty"`
	AskedAt time.Time `json:"asked_at"`
	// Tries is how many failed so far, in a row.
	Tries int `json:"tries,omitempty"`
	// Former is the id that the recording had when it was asked for, where that was another one.
	Former string `json:"former,omitempty"`
}

// Same says whether both are the same download, whatever its recording was called in between.
func (j DownloadJob) Same(o DownloadJob) bool {
	return j.Account == o.Account && cmp.Or(j.Former, j.ID) == cmp.Or(o.Former, o.ID)
}

// CommandJob is a program to run on a recording that has not ended for good: on_download, or with Failure on_failure.
type CommandJob struct {
	Account string `json:"account"`
	ID      string `json:"id"`
	// Tries counts the runs that have begun.
	Tries int       `json:"tries,omitempty"`
	Next  time.Time `json:"next"`
	// Made is when there was first something to run it for; another one of the same recording has another time.
	Made time.Time `json:"made,omitzero"`
	// Failure is what has failed, "download" or "on_download", and Reason why; empty for a run of on_download.
	Failure string `json:"failure,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func recordingKey(account, id string) string { return account + "\x00" + id }

// keyNow is the key of what belongs to a recording, by its id or by one that it had before. Everything here is found by both.
func (t *Tx) keyNow(account, id string) string {
	return recordingKey(account, t.recordingID(account, id))
}

// PutDownloadJob writes a job.
func (t *Tx) PutDownloadJob(j DownloadJob) error {
	if id := t.recordingID(j.Account, j.ID); id != j.ID {
		j.ID, j.Former = id, cmp.Or(j.Former, j.ID)
	}
	return t.putJSON(bucketDownloads, recordingKey(j.Account, j.ID), j)
}

// DownloadJob reads the job of a recording, [ErrNotFound] when there is none.
func (t *Tx) DownloadJob(account, id string) (DownloadJob, error) {
	return decode[DownloadJob](t.get(bucketDownloads, t.keyNow(account, id)))
}

// DownloadJobs lists the jobs of all recordings in no particular order.
func (t *Tx) DownloadJobs() ([]DownloadJob, error) { return scanAll[DownloadJob](t, bucketDownloads) }

// DeleteDownloadJob removes a recording's job and everything that its journal holds.
func (t *Tx) DeleteDownloadJob(account, id string) error {
	id = t.recordingID(account, id)
	errs := []error{t.del(bucketDownloads, recordingKey(account, id))}
	for _, file := range t.ChunkFiles(account, id) {
		errs = append(errs, t.DeleteChunks(account, id, file))
	}
	return errors.Join(errs...)
}

// dropDownload removes everything of a recording's download, its run of on_download too.
func (t *Tx) dropDownload(account, id string) error {
	return errors.Join(t.DeleteDownloadJob(account, id), t.DeleteCommandJob(account, id))
}

// MoveDownload gives the job, the journal and the run of on_download of one recording to another one of the account, in
// place of what that has.
func (t *Tx) MoveDownload(account, from, to string) error {
	if err := t.dropDownload(account, to); err != nil {
		return err
	}
	var errs []error
	if j, err := t.DownloadJob(account, from); err == nil {
		j.ID, j.Former = to, cmp.Or(j.Former, from)
		errs = append(errs, t.PutDownloadJob(j))
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	for _, file := range t.ChunkFiles(account, from) {
		errs = append(errs, t.PutChunks(account, to, file, t.Chunks(account, from, file)))
	}
	if j, err := t.CommandJob(account, from); err == nil {
		j.ID = to
		errs = append(errs, t.PutCommandJob(j))
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	return errors.Join(append(errs, t.dropDownload(account, from))...)
}

// Chunks reads what the journal holds of one file of a recording, nil when nothing. What is in it is the downloader's.
func (t *Tx) Chunks(account, id, file string) []byte {
	return bytes.Clone(t.get(bucketChunks, t.keyNow(account, id)+"\x00"+file))
}

// PutChunks replaces what the journal holds of a file.
func (t *Tx) PutChunks(account, id, file string, progress []byte) error {
	return t.put(bucketChunks, t.keyNow(account, id)+"\x00"+file, progress)
}

// DeleteChunks forgets a file's journal.
func (t *Tx) DeleteChunks(account, id, file string) error {
	return t.del(bucketChunks, t.keyNow(account, id)+"\x00"+file)
}

// ChunkFiles lists the files of a recording that the journal holds something of.
func (t *Tx) ChunkFiles(account, id string) []string {
	prefix := t.keyNow(account, id) + "\x00"
	var out []string
	t.scan(bucketChunks, prefix, func(key string, _ []byte) bool {
		out = append(out, strings.TrimPrefix(key, prefix))
		return true
	})
	return out
}

// PutCommandJob writes a run of on_download.
func (t *Tx) PutCommandJob(j CommandJob) error {
	j.ID = t.recordingID(j.Account, j.ID)
	return t.putJSON(bucketCommands, recordingKey(j.Account, j.ID), j)
}

// CommandJob reads the run of a recording, [ErrNotFound] when there is none.
func (t *Tx) CommandJob(account, id string) (CommandJob, error) {
	return decode[CommandJob](t.get(bucketCommands, t.keyNow(account, id)))
}

// CommandJobs lists the runs of all recordings in no particular order.
func (t *Tx) CommandJobs() ([]CommandJob, error) { return scanAll[CommandJob](t, bucketCommands) }

// DeleteCommandJob removes a run.
func (t *Tx) DeleteCommandJob(account, id string) error {
	return t.del(bucketCommands, t.keyNow(account, id))
}

func scanAll[T any](t *Tx, bucket []byte) ([]T, error) {
	var out []T
	var failed error
	t.scan(bucket, "", func(_ string, v []byte) bool {
		one, err := decode[T](v)
		if err != nil {
			failed = err
			return false
		}
		out = append(out, one)
		return true
	})
	return out, failed
}

// FindRecording finds a recording by its id in whichever account; "account/id" names both. [ErrNotFound] when there is
// none, [ErrAmbiguous] when several accounts have one of the id. An id that it had before finds it too.
func (t *Tx) FindRecording(ref app.RecordingRef) (app.Recording, error) {
	if ref.Account != "" {
		return t.Recording(ref.Account, ref.ID)
	}
	if account, id, ok := strings.Cut(ref.ID, "/"); ok {
		if r, err := t.Recording(account, id); err == nil || !errors.Is(err, ErrNotFound) {
			return r, err
		}
	}
	var found []app.Recording
	var failed error
	t.scan(bucketRecAliases, "", func(key string, now []byte) bool {
		account, id, _ := strings.Cut(key, "\x00")
		if id != ref.ID {
			return true
		}
		r, err := t.Recording(account, string(now))
		if err != nil {
			failed = err
			return false
		}
		found = append(found, r)
		return true
	})
	// The index by time is small in comparison: its entries are keys alone.
	t.scan(bucketRecByTime, "", func(key string, _ []byte) bool {
		account, id, _ := strings.Cut(key[9:], "\x00")
		if id != ref.ID {
			return true
		}
		r, err := t.Recording(account, id)
		if err != nil {
			failed = err
			return false
		}
		found = append(found, r)
		return len(found) < 2
	})
	switch {
	case failed != nil:
		return app.Recording{}, failed
	case len(found) == 0:
		return app.Recording{}, ErrNotFound
	case len(found) > 1:
		return app.Recording{}, ErrAmbiguous
	}
	return found[0], nil
}
