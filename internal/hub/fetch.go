package hub

import (
	"context"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
)

// Downloads say how recordings are fetched.
type Downloads struct {
	// Fetcher does it; nil when this program can't.
	Fetcher Fetcher
	// Folder is where files go unless a request says otherwise; absolute.
	Folder string
	// AtOnce is how many recordings are fetched at the same time, 2 when zero.
	AtOnce int
	// Limit is the bandwidth of all of them together in bytes per second, 0 for none.
	Limit int64
	// Command runs on_download after each verified download, a few times until it returns nil; nil when none is configured.
	// It must end soon when ctx does, and may be run again afterwards.
	Command func(ctx context.Context, r app.Recording) error
	// OnFailure runs on_failure once a download or on_download has failed for good; nil when none is configured. It
	// follows the rules of Command.
	OnFailure func(ctx context.Context, r app.Recording, f Failure) error
	// Programs is how many programs run at the same time, 2 when zero; ProgramTime is how long each may run, 0 for any time.
	Programs    int
	ProgramTime time.Duration
}

// Failure is what on_failure is about.
type Failure struct {
	// What has failed: "download" or "on_download".
	What   string
	Reason string
}

// A Fetcher gets recordings down. It is safe for concurrent use.
type Fetcher interface {
	// Fetch gets the files of a recording to their final names, verified, and goes on where the journal says that an
	// earlier try stopped. It tries again by itself what may succeed within a minute or so. Errors have kinds:
	// [provider.NotReady] while the platform still processes the recording; [provider.Unavailable], [provider.RateLimited] and
	// [app.Busy] for what is worth another try later; everything else is for good. On a full disk it waits, and reports that.
	// When ctx ends it returns soon, and has noted all that it fetched.
	Fetch(ctx context.Context, j recording.Job) (recording.Result, error)
	// Discard removes what tries that were given up have left.
	Discard(ctx context.Context, j recording.Job) error
	// Verify reads a file of a download again and returns it with its finding, as `recording verify` reports it.
	Verify(ctx context.Context, r app.Recording, f app.DownloadedFile) (app.DownloadedFile, recording.Scanned)
	// Limit changes the bandwidth of everything that is fetched, in bytes per second; 0 is no limit.
	Limit(bytesPerSecond int64)
}
