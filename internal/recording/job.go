package recording

import (
	"context"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// A Job is one recording to download.
type Job struct {
	Recording app.Recording
	// Folder is the target folder; absolute.
	Folder string
	// AudioOnly downloads only the voices of recordings that have them in separate files.
	AudioOnly bool
	// Replaces are the SHA-256 sums, in hexadecimal, of broken files: they may be replaced.
	Replaces []string
	// People are the meeting's participants, as far as they are known; raw tracks are named after them.
	People []app.Stay
	// Journal returns the journal of one file, Journaled lists the files with progress in their journals.
	Journal   func(file string) Journal
	Journaled func(ctx context.Context) ([]string, error)
	// Report is called with the progress; it must not block. May be nil.
	Report func(Report)
}

// Result is a recording whose files were downloaded and verified.
type Result struct {
	// Path is the file, or the folder of several; absolute.
	Path  string
	Files []app.DownloadedFile
	// Note is a remark for the user: "no audio".
	Note string
}

// A Hole is a run of zeros where a part of a file may be missing.
type Hole struct{ Off, Len int64 }

// Scanned describes a file on disk as it was read.
type Scanned struct {
	Size int64
	// SHA256 is in hexadecimal.
	SHA256 string
	Holes  []Hole
}

// Found is a recording that was found in a bucket.
type Found struct {
	Bucket string
	// Domain is the platform's name of the customer, empty if keys don't have it.
	Domain string
	// At is when the newest of its objects was created, zero when unknown.
	At        time.Time
	Recording provider.Recording
}

// A FoundHandler stores recordings that may belong to any of the accounts. It may be called again for the same ones. An error means that
// some of them aren't stored; it is then called again for them.
type FoundHandler func(ctx context.Context, accounts []string, found []Found) error

// A ReaderReport is called each time that a reader of an account's bucket has read something, or has failed. The error is one safe line
// with advice, nil for success. It must not block.
type ReaderReport func(account, reader string, err error)
