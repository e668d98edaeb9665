package store

import (
	"bytes"
	"cmp"
	"errors"
	"strings"
	"time"

	"greenroom/internal/app"
)

// DownloadJob is an unfinished download: the request. Its progress is the recording's own [app.Recording.Download], written in
// the same transactions.
type DownloadJob struct {
	Account string `json:"account"`
	ID      string `json:"id"`
	// To is an absolute folder, empty for the configured one.
	To          string `json:"to,omitempty"`
	AudioOnly   bool   `json:"audio_only,omitempty"`
	DeleteAfter bool   `json:"delete_after,omitempty"`
	Auto        bool   `json:"auto,omitempty"`
	// Fetched means that every file is here, and only the platform's copy is still to be deleted.
	Fetched bool `json:"fetched,omitempty"`
	// Again replaces a finished download.
	Again   bool      `json:"again,omitempty"`
	AskedAt time.Time `json:"asked_at"`
	// Tries is the number of consecutive failures.
	Tries int `json:"tries,omitempty"`
	// Former is the recording's id at the time of the request, if it has changed.
	Former string `json:"former,omitempty"`
}

// Same reports whether both are the same download, even if the recording's id has changed.
func (j DownloadJob) Same(o DownloadJob) bool {
	return j.Account == o.Account && cmp.Or(j.Former, j.ID) == cmp.Or(o.Former, o.ID)
}

// CommandJob is an unfinished program run on a recording: on_download, or with Failure on_failure.
type CommandJob struct {
	Account string `json:"account"`
	ID      string `json:"id"`
	// Tries counts the runs that have begun.
	Tries int       `json:"tries,omitempty"`
	Next  time.Time `json:"next"`
	// Made is when the run was first requested; another run of the same recording has another time.
	Made time.Time `json:"made,omitzero"`
	// Failure is the failed step, "download" or "on_download", and Reason its reason; empty for a run of on_download.
	Failure string `json:"failure,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func recordingKey(account, id string) string { return account + "\x00" + id }

// keyNow returns the key of a recording's data by its present or a former id. All reads here accept both.
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

// DownloadJob reads the job of a recording, or returns [ErrNotFound].
func (t *Tx) DownloadJob(account, id string) (DownloadJob, error) {
	return decode[DownloadJob](t.get(bucketDownloads, t.keyNow(account, id)))
}

// DownloadJobs lists the jobs of all recordings in no particular order.
func (t *Tx) DownloadJobs() ([]DownloadJob, error) {
	return scanAll[DownloadJob](t, bucketDownloads, "")
}

// DeleteDownloadJob removes a recording's job and its journal.
func (t *Tx) DeleteDownloadJob(account, id string) error {
	id = t.recordingID(account, id)
	errs := []error{t.del(bucketDownloads, recordingKey(account, id))}
	for _, file := range t.ChunkFiles(account, id) {
		errs = append(errs, t.DeleteChunks(account, id, file))
	}
	return errors.Join(errs...)
}

// dropDownload removes all data of a recording's download, including its run of on_download.
func (t *Tx) dropDownload(account, id string) error {
	return errors.Join(t.DeleteDownloadJob(account, id), t.DeleteCommandJob(account, id))
}

// MoveDownload moves the job, the journal and the run of on_download of one recording to another of the account, replacing the
// other's.
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

// Chunks reads the journal of one file of a recording, nil if there is none. Its content is the downloader's.
func (t *Tx) Chunks(account, id, file string) []byte {
	return bytes.Clone(t.get(bucketChunks, t.keyNow(account, id)+"\x00"+file))
}

// PutChunks replaces the journal of a file.
func (t *Tx) PutChunks(account, id, file string, progress []byte) error {
	return t.put(bucketChunks, t.keyNow(account, id)+"\x00"+file, progress)
}

// DeleteChunks removes the journal of a file.
func (t *Tx) DeleteChunks(account, id, file string) error {
	return t.del(bucketChunks, t.keyNow(account, id)+"\x00"+file)
}

// ChunkFiles lists the files of a recording that have a journal.
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

// CommandJob reads the run of a recording, or returns [ErrNotFound].
func (t *Tx) CommandJob(account, id string) (CommandJob, error) {
	return decode[CommandJob](t.get(bucketCommands, t.keyNow(account, id)))
}

// CommandJobs lists the runs of all recordings in no particular order.
func (t *Tx) CommandJobs() ([]CommandJob, error) { return scanAll[CommandJob](t, bucketCommands, "") }

// DeleteCommandJob removes a run.
func (t *Tx) DeleteCommandJob(account, id string) error {
	return t.del(bucketCommands, t.keyNow(account, id))
}

// FindRecording finds a recording by its present or a former id in any account; "account/id" names both. The errors are
// [ErrNotFound], and [ErrAmbiguous] if several accounts have the id.
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
	// The index by time is small in comparison: its entries are only keys.
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
