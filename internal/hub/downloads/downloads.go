// Package downloads is the queue of downloads of the process that owns the store: it runs them, keeps their progress, verifies their
// files, and runs the user's programs on them.
//
// Promises:
//   - A download that was requested is in the store before the request returns, and resumes with the next owner of the store.
//   - A change of state is stored before it is published; progress is published only.
//   - When a pause or a cancellation returns, nothing of the download runs.
//   - A platform's copy is deleted only after every file was compared with its source.
//   - A program is counted before it begins, and runs at most a few times, across processes too.
package downloads

import (
	"context"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/store"
)

// Config configures downloads.
type Config struct {
	// Fetcher downloads; nil if this program can't.
	Fetcher Fetcher
	// Folder is where files go unless a request says otherwise; absolute.
	Folder string
	// AtOnce is how many recordings are downloaded at the same time, 2 if zero.
	AtOnce int
	// Limit is the bandwidth of all downloads together in bytes per second, 0 for no limit.
	Limit int64
	// Command runs on_download after each verified download, a few times until it returns nil; nil if none is configured. It must
	// end soon after ctx, and may be run again afterwards.
	Command func(ctx context.Context, r app.Recording) error
	// OnFailure runs on_failure after the last try of a download or of on_download has failed; nil if none is configured. It follows
	// the rules of Command.
	OnFailure func(ctx context.Context, r app.Recording, f Failure) error
	// Programs is how many programs run at the same time, 2 if zero; ProgramTime is how long each may run, 0 for no limit.
	Programs    int
	ProgramTime time.Duration
}

// Failure is the subject of on_failure.
type Failure struct {
	// What failed: "download" or "on_download".
	What   string
	Reason string
}

// A Fetcher downloads recordings. It is safe for concurrent use.
type Fetcher interface {
	// Fetch downloads and verifies the files of a recording, and resumes from the journal of an earlier try. It repeats requests
	// that may succeed within about a minute. Errors have kinds: [provider.NotReady] while the platform still processes the
	// recording; [provider.Unavailable], [provider.RateLimited] and [app.Busy] if a later try may succeed; all others are final.
	// On a full disk it waits, and reports that. When ctx ends it saves its progress and returns soon.
	Fetch(ctx context.Context, j recording.Job) (recording.Result, error)
	// Discard removes the unfinished files of earlier tries.
	Discard(ctx context.Context, j recording.Job) error
	// Verify reads a downloaded file again and returns it with its finding, as `recording verify` reports it.
	Verify(ctx context.Context, r app.Recording, f app.DownloadedFile) (app.DownloadedFile, recording.Scanned)
	// Limit changes the bandwidth of all downloads together, in bytes per second; 0 is no limit.
	Limit(bytesPerSecond int64)
}

// Options configure a [Queue]. All but the configuration's are required.
type Options struct {
	Config
	Store *store.Store
	Clock clockwork.Clock
	Log   *slog.Logger
	Crash *crash.Group
	// Context ends everything that runs.
	Context context.Context
	Hub     Hub
	// Go starts a goroutine whose end the hub waits for when it closes.
	Go func(name string, f func())
	// Publish publishes changes; it doesn't block.
	Publish func([]app.Change)
	// Lock locks a key and returns how to unlock it.
	Lock func(key string) (unlock func())
}

// A Hub gives a queue access to recordings and their platforms.
type Hub interface {
	// Recording finds a recording and shows the progress of its download. Platforms are asked for one that isn't known here.
	Recording(ctx context.Context, ref app.RecordingRef) (app.Recording, error)
	// Stored finds a recording as it is stored.
	Stored(ctx context.Context, ref app.RecordingRef) (app.Recording, error)
	// Write updates the store. Its errors have kinds.
	Write(ctx context.Context, f func(tx *store.Tx) error) error
	// CanDownload returns why the account of a recording can't download, nil if it can.
	CanDownload(r app.Recording) error
	// Refresh reads the state of a recording from its platform, unless that was just done, and returns it.
	Refresh(ctx context.Context, r app.Recording) (app.Recording, error)
	// Listed reports whether the platform has a recording, and stores the platform's state of it.
	Listed(ctx context.Context, r app.Recording) bool
	// Gone reports whether a recording that could not be downloaded has been deleted at its source since.
	Gone(ref app.RecordingRef) bool
	// DeleteCopy deletes a recording on its platform.
	DeleteCopy(ctx context.Context, r app.Recording) error
}
