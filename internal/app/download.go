package app

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// DownloadState is where the fetching of a recording is.
type DownloadState string

// The states. A recording whose download was never requested has no [Download] at all.
const (
	// DownloadWaiting has not begun: others are first, the platform still works on it, or it is tried again later. Reason
	// says which.
	DownloadWaiting DownloadState = "waiting"
	DownloadRunning DownloadState = "running"
	// DownloadVerifying has every byte, and is being checked.
	DownloadVerifying DownloadState = "verifying"
	// DownloadPaused resumes on request; what was fetched is kept.
	DownloadPaused DownloadState = "paused"
	// DownloadDone is whole and verified at its path.
	DownloadDone DownloadState = "done"
	// DownloadFailed has failed; Reason and Hint say why. What was fetched is kept for another try.
	DownloadFailed DownloadState = "failed"
	// DownloadCancelled was cancelled by the user, and what was fetched is gone.
	DownloadCancelled DownloadState = "cancelled"
)

// Active reports whether the download runs, or will automatically.
func (s DownloadState) Active() bool {
	return s == DownloadWaiting || s == DownloadRunning || s == DownloadVerifying
}

// Download is the download of a recording.
type Download struct {
	State DownloadState `json:"state"`
	// Bytes are here of Total, over all files; Total is 0 while it isn't known.
	Bytes int64 `json:"bytes"`
	Total int64 `json:"total"`
	// Path is the file, or with several files their folder, absolute; empty until it is known.
	Path string `json:"path"`
	// Rate is in bytes per second and ETAS in seconds, both 0 unless it runs and they are known.
	Rate int64   `json:"rate,omitempty"`
	ETAS float64 `json:"eta_s,omitempty"`
	// Reason says why it waits, is paused or has failed, Hint what to do about that.
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
	// Auto says that no one asked: the account or the room downloads automatically.
	Auto bool `json:"auto,omitempty"`
	// AudioOnly says that only the audio tracks were asked for, DeleteAfter that the platform's copy goes once it is
	// verified.
	AudioOnly   bool `json:"audio_only,omitempty"`
	DeleteAfter bool `json:"delete_after,omitempty"`
	// Kept says why the platform's copy is still there although DeleteAfter was asked for.
	Kept string `json:"kept,omitempty"`
	// Command is the run of on_download, nil when none is configured.
	Command *DownloadCommand `json:"command,omitempty"`
	// VerifiedAt is when the files were last read and compared with what is known of them; null when never since.
	VerifiedAt Time `json:"verified_at,omitzero"`
	// Earlier are the files of downloads that later ones did not replace, newest first: all tracks, before the audio alone was
	// downloaded to another folder.
	Earlier []EarlierDownload `json:"earlier,omitempty"`
}

// EarlierDownload is a download that was done before the present one.
type EarlierDownload struct {
	Path      string           `json:"path"`
	Files     []DownloadedFile `json:"files"`
	FetchedAt Time             `json:"fetched_at"`
	AudioOnly bool             `json:"audio_only,omitempty"`
}

// The findings about a file, worst first.
const (
	// FileMissing is one that is gone, FileChanged one with another size or content than was verified, FileUnreadable one that
	// can't be read.
	FileMissing    = "missing"
	FileChanged    = "changed"
	FileUnreadable = "unreadable"
	// FileBroken has a hole: zeros where its source has something else. FileSuspect has zeros where a part may never have come,
	// and nothing to compare them with.
	FileBroken  = "broken"
	FileSuspect = "suspect"
)

// findings are all of them, worst first.
var findings = []string{FileMissing, FileBroken, FileChanged, FileUnreadable, FileSuspect}

// Finding is the worst that is known of the files of a download that is done, empty when they are whole as far as is known.
func (d Download) Finding() string {
	if d.State != DownloadDone {
		return ""
	}
	return worstFinding(d.Files)
}

// Word is the state in a word for people: the finding of a download that is done, where there is one.
func (d Download) Word() string { return cmp.Or(d.Finding(), string(d.State)) }

// FindingDetail says which files are not whole, and why; empty when all are.
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

// Whole reports whether nothing is known against the files.
func (e EarlierDownload) Whole() bool { return worstFinding(e.Files) == "" }

func worstFinding(files []DownloadedFile) string {
	for _, word := range findings {
		if slices.ContainsFunc(files, func(f DownloadedFile) bool { return f.Finding == word }) {
			return word
		}
	}
	return ""
}

// Apply notes what a verification has found of the files that are known, at the given time. The slices of the download are
// replaced, not changed.
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
	// Files are those that were read, with their finding; a file is known by path and checksum.
	Files []DownloadedFile `json:"files"`
}

// DownloadedFile is one file on disk.
type DownloadedFile struct {
	// Path is absolute.
	Path string `json:"path"`
	// Name is that of the recording's file, empty for the manifest.
	Name string `json:"name"`
	Size int64  `json:"size"`
	// SHA256 in lower case hexadecimal, over the whole file as it was verified.
	SHA256 string `json:"sha256"`
	// Media says what the media check found: "mp4, audio 41:29", "no audio".
	Media string `json:"media,omitempty"`
	// Compared reports that the file was compared, byte by byte, with what came from its source. Earlier versions didn't, and
	// could leave holes.
	Compared bool `json:"compared,omitempty"`
	// Finding is the fault that the last reading of the file found, empty when it is whole; Detail says exactly which.
	Finding string `json:"finding,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

// DownloadCommand is the run of on_download on one recording.
type DownloadCommand struct {
	// State is waiting, running, done, failed or skipped.
	State string `json:"state"`
	Tries int    `json:"tries"`
	// Reason is why the latest try did not succeed, RetryAt when the next one is.
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

// Ended reports whether nothing more comes of it unless the user asks for it.
func (c DownloadCommand) Ended() bool {
	return c.State == CommandDone || c.State == CommandFailed || c.State == CommandSkipped
}

// Settled reports whether nothing more comes of it, or only a later try by an owner that stays.
func (c DownloadCommand) Settled() bool { return c.Ended() || c.State == CommandWaiting && c.Tries > 0 }

// RecordingRef names a recording by its id. Account may be empty; two accounts with a recording of one id need it. An id
// written ACCOUNT/ID names both.
type RecordingRef struct {
	Account string `json:"account,omitempty"`
	ID      string `json:"id"`
	// Known leaves the platforms alone: one that is not known here is [provider.NotFound].
	Known bool `json:"known,omitempty"`
}

// Ref names the recording.
func (r Recording) Ref() RecordingRef { return RecordingRef{Account: r.Account, ID: r.ID} }

// IgnoreRequest leaves a recording out, or with Undo takes that back.
type IgnoreRequest struct {
	RecordingRef
	Undo bool `json:"undo,omitempty"`
}

// DownloadRequest asks for a recording to be fetched, or for a download to resume. One that is under way already stays as
// it is; one that is done, with its files still there, stays done.
type DownloadRequest struct {
	RecordingRef
	// To is the folder, absolute; empty means the configured one, or that of the download to resume.
	To string `json:"to,omitempty"`
	// AudioOnly takes the audio tracks of raw tracks alone.
	AudioOnly bool `json:"audio_only,omitempty"`
	// DeleteAfter deletes the platform's copy once the download is verified.
	DeleteAfter bool `json:"delete_after,omitempty"`
	// Wait accepts one that is still being recorded or processed: it waits for the platform. Without it that is an error of
	// kind [provider.NotReady].
	Wait bool `json:"wait,omitempty"`
	// Again fetches one again that is done.
	Again bool `json:"again,omitempty"`
}

// DownloadLimit is the bandwidth that all downloads have together.
type DownloadLimit struct {
	// BytesPerSecond is 0 for no limit.
	BytesPerSecond int64 `json:"bytes_per_second"`
}

// DownloadsStatus is how the downloads do as a whole.
type DownloadsStatus struct {
	// Folder is the default folder for files.
	Folder string `json:"folder"`
	// Running and Waiting count recordings.
	Running int `json:"running"`
	Waiting int `json:"waiting"`
	// Limit in bytes per second, 0 for none.
	Limit int64 `json:"limit"`
	// Alerts counts the runs of on_failure that are due or running.
	Alerts int `json:"alerts,omitempty"`
}

// Length is how long the recording is, 0 when unknown.
func (r Recording) Length() time.Duration { return time.Duration(r.DurationS * float64(time.Second)) }

// Size is the known size of its files together, 0 when none is known.
func (r Recording) Size() (total int64) {
	for _, f := range r.Files {
		total += f.Size
	}
	return total
}
