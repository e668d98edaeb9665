package app

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// DownloadState is the state of a download.
type DownloadState string

// The states. A recording whose download was never requested has no [Download] at all.
const (
	// DownloadWaiting has not begun, for the Reason: others are first, the platform still processes the recording, or there is
	// another try later.
	DownloadWaiting DownloadState = "waiting"
	DownloadRunning DownloadState = "running"
	// DownloadVerifying has every byte, and is being checked.
	DownloadVerifying DownloadState = "verifying"
	// DownloadPaused resumes on request; the downloaded part is kept.
	DownloadPaused DownloadState = "paused"
	// DownloadDone is whole and verified at its path.
	DownloadDone DownloadState = "done"
	// DownloadFailed has failed, for the Reason. The downloaded part is kept for another try.
	DownloadFailed DownloadState = "failed"
	// DownloadCancelled was cancelled by the user, and its files are gone.
	DownloadCancelled DownloadState = "cancelled"
)

// Active reports whether the download runs, or will run automatically.
func (s DownloadState) Active() bool {
	return s == DownloadWaiting || s == DownloadRunning || s == DownloadVerifying
}

// Download is the download of a recording.
type Download struct {
	State DownloadState `json:"state"`
	// Bytes of Total are downloaded, over all files; Total is 0 while it is unknown.
	Bytes int64 `json:"bytes"`
	Total int64 `json:"total"`
	// Path is the file, or with several files their folder, absolute; empty until it is known.
	Path string `json:"path"`
	// Rate is in bytes per second and ETAS in seconds, both 0 unless it runs and they are known.
	Rate int64   `json:"rate,omitempty"`
	ETAS float64 `json:"eta_s,omitempty"`
	// Reason is why it waits, is paused or has failed, Hint what to do about it.
	Reason string `json:"reason,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// RetryAt is when a waiting or paused one is retried automatically.
	RetryAt Time `json:"retry_at"`
	// Note is a remark about a file that is done: "has no audio", or that its download was restarted.
	Note string `json:"note,omitempty"`
	// Files are the files as they were verified, with the manifest of raw tracks.
	Files []DownloadedFile `json:"files,omitempty"`
	// AskedAt is when it was asked for, FetchedAt when it was verified.
	AskedAt   Time `json:"asked_at"`
	FetchedAt Time `json:"fetched_at"`
	// Auto reports that the account or the room downloads automatically.
	Auto bool `json:"auto,omitempty"`
	// AudioOnly requests only the audio tracks, DeleteAfter the deletion of the platform's copy after verification.
	AudioOnly   bool `json:"audio_only,omitempty"`
	DeleteAfter bool `json:"delete_after,omitempty"`
	// Kept is why the platform's copy still exists despite DeleteAfter.
	Kept string `json:"kept,omitempty"`
	// Command is the run of on_download, nil when none is configured.
	Command *DownloadCommand `json:"command,omitempty"`
	// VerifiedAt is when the files were last read and verified again; null for never.
	VerifiedAt Time `json:"verified_at,omitzero"`
	// Earlier are previous downloads whose files still exist, newest first: all tracks, before only the audio was downloaded to
	// another folder.
	Earlier []EarlierDownload `json:"earlier,omitempty"`
}

// EarlierDownload is a finished download before the present one.
type EarlierDownload struct {
	Path      string           `json:"path"`
	Files     []DownloadedFile `json:"files"`
	FetchedAt Time             `json:"fetched_at"`
	AudioOnly bool             `json:"audio_only,omitempty"`
}

// The findings about a file, worst first.
const (
	// A file is gone, has another size or content than the verified one, or can't be read.
	FileMissing    = "missing"
	FileChanged    = "changed"
	FileUnreadable = "unreadable"
	// FileBroken has a hole: zeros where its source has other bytes. FileSuspect has zeros where a part may never have arrived,
	// and no source to compare them with.
	FileBroken  = "broken"
	FileSuspect = "suspect"
)

// findings are all of them, worst first.
var findings = []string{FileMissing, FileBroken, FileChanged, FileUnreadable, FileSuspect}

// Finding returns the worst finding about the files of a finished download, empty if there is none.
func (d Download) Finding() string {
	if d.State != DownloadDone {
		return ""
	}
	return worstFinding(d.Files)
}

// Word returns the state in a word: the finding of a finished download if there is one.
func (d Download) Word() string { return cmp.Or(d.Finding(), string(d.State)) }

// FindingDetail returns which files have findings, and why; empty for none.
func (d Download) FindingDetail() string {
	if d.Finding() == "" {
		return ""
	}
	var out []string
	for _, f := range d.Files {
		if f.Finding == "" {
			continue
		}
		text := filepath.Base(f.Path) + " is " + f.Finding
		if f.Detail != "" {
			text += " (" + f.Detail + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// Whole reports whether the files have no findings.
func (e EarlierDownload) Whole() bool { return worstFinding(e.Files) == "" }

func worstFinding(files []DownloadedFile) string {
	for _, word := range findings {
		if slices.ContainsFunc(files, func(f DownloadedFile) bool { return f.Finding == word }) {
			return word
		}
	}
	return ""
}

// Apply records the findings of a verification at the given time. The slices of the download are replaced, not changed.
func (d *Download) Apply(v Verification, at Time) {
	apply := func(files []DownloadedFile) []DownloadedFile {
		files = slices.Clone(files)
		for i := range files {
			for _, found := range v.Files {
				if f := &files[i]; f.Path == found.Path && f.SHA256 == found.SHA256 {
					f.Finding, f.Detail, f.Compared = found.Finding, found.Detail, f.Compared || found.Compared
				}
			}
		}
		return files
	}
	d.Files, d.Earlier, d.VerifiedAt = apply(d.Files), slices.Clone(d.Earlier), at
	for i := range d.Earlier {
		d.Earlier[i].Files = apply(d.Earlier[i].Files)
	}
}

// Verification is the result of reading the files of a download.
type Verification struct {
	RecordingRef
	// Files are the files that were read, with their findings. They are identified by path and checksum.
	Files []DownloadedFile `json:"files"`
}

// DownloadedFile is one file on disk.
type DownloadedFile struct {
	// Path is absolute.
	Path string `json:"path"`
	// Name is the name of the recording's file, empty for the manifest.
	Name string `json:"name"`
	Size int64  `json:"size"`
	// SHA256 is the checksum of the verified file, in lower-case hexadecimal.
	SHA256 string `json:"sha256"`
	// Media is the result of the media check: "mp4, audio 41:29", "no audio".
	Media string `json:"media,omitempty"`
	// Compared reports that the file was compared, byte by byte, with what arrived from its source. Earlier versions didn't do that,
	// and could leave holes.
	Compared bool `json:"compared,omitempty"`
	// Finding is the fault that the last reading of the file found, empty for none; Detail has the specifics.
	Finding string `json:"finding,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// DownloadCommand is the run of on_download on one recording.
type DownloadCommand struct {
	// State is waiting, running, done, failed or skipped.
	State string `json:"state"`
	Tries int    `json:"tries"`
	// Reason is why the latest try failed, RetryAt when the next one is.
	Reason  string `json:"reason,omitempty"`
	RetryAt Time   `json:"retry_at"`
	EndedAt Time   `json:"ended_at"`
}

// The states of a [DownloadCommand].
const (
	CommandWaiting = "waiting"
	CommandRunning = "running"
	CommandDone    = "done"
	CommandFailed  = "failed"
	CommandSkipped = "skipped"
)

// Ended reports whether it is over unless the user repeats it.
func (c DownloadCommand) Ended() bool {
	return c.State == CommandDone || c.State == CommandFailed || c.State == CommandSkipped
}

// Settled reports whether it is over, or waits for a later try of a long-running owner.
func (c DownloadCommand) Settled() bool { return c.Ended() || c.State == CommandWaiting && c.Tries > 0 }

// RecordingRef names a recording by its id. Account is needed only if several accounts have a recording with that id; the id
// can also be written ACCOUNT/ID.
type RecordingRef struct {
	Account string `json:"account,omitempty"`
	ID      string `json:"id"`
	// Known asks no platform: an unknown recording is [provider.NotFound].
	Known bool `json:"known,omitempty"`
}

// Ref returns the recording's reference.
func (r Recording) Ref() RecordingRef { return RecordingRef{Account: r.Account, ID: r.ID} }

// IgnoreRequest excludes a recording from downloads of all recordings, or with Undo includes it again.
type IgnoreRequest struct {
	RecordingRef
	Undo bool `json:"undo,omitempty"`
}

// DownloadRequest asks for a download to start or resume. One under way continues; a finished one whose files still exist stays
// finished.
type DownloadRequest struct {
	RecordingRef
	// To is the folder, absolute; empty is the configured one, or that of the download to resume.
	To string `json:"to,omitempty"`
	// AudioOnly downloads only the audio tracks of raw tracks.
	AudioOnly bool `json:"audio_only,omitempty"`
	// DeleteAfter deletes the platform's copy once the download is verified.
	DeleteAfter bool `json:"delete_after,omitempty"`
	// Wait waits for a recording that is still being recorded or processed. Otherwise that is an error of kind
	// [provider.NotReady].
	Wait bool `json:"wait,omitempty"`
	// Again repeats a finished download.
	Again bool `json:"again,omitempty"`
}

// DownloadLimit is the bandwidth of all downloads together.
type DownloadLimit struct {
	// BytesPerSecond is 0 for no limit.
	BytesPerSecond int64 `json:"bytes_per_second"`
}

// DownloadsStatus is the state of all downloads together.
type DownloadsStatus struct {
	// Folder is the default folder for files.
	Folder string `json:"folder"`
	// Running and Waiting count recordings.
	Running int `json:"running"`
	Waiting int `json:"waiting"`
	// Limit is in bytes per second, 0 for none.
	Limit int64 `json:"limit"`
	// Alerts counts the runs of on_failure that are due or running.
	Alerts int `json:"alerts,omitempty"`
}

// Length returns the length of the recording, 0 if unknown.
func (r Recording) Length() time.Duration { return time.Duration(r.DurationS * float64(time.Second)) }

// Size returns the known size of its files together, 0 if unknown.
func (r Recording) Size() (total int64) {
	for _, f := range r.Files {
		total += f.Size
	}
	return total
}
