package hub

import (
	"context"
	"time"

	"greenroom/internal/app"
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
	Fetch(ctx context.Context, j FetchJob) (Fetched, error)
	// Discard removes what tries that were given up have left.
	Discard(ctx context.Context, j FetchJob) error
	// Verify reads a file of a download again and returns it with its finding, as `recording verify` reports it.
	Verify(ctx context.Context, r app.Recording, f app.DownloadedFile) app.DownloadedFile
	// Limit changes the bandwidth of everything that is fetched, in bytes per second; 0 is no limit.
	Limit(bytesPerSecond int64)
}

// FetchJob is one recording to fetch.
type FetchJob struct {
	Recording app.Recording
	// Folder is the one under which the files get their names; absolute.
	Folder    string
	AudioOnly bool
	// Replaces are the SHA-256 sums of files that are known to be broken: they may be replaced where they stand.
	Replaces []string
	// People were in the recording's meeting, as far as it is known; raw tracks are named by them.
	People []app.Stay
	// Journal remembers the progress of one file of the recording, named as the fetcher likes. Journaled lists the files
	// of which it holds something.
	Journal   func(file string) ChunkJournal
	Journaled func(ctx context.Context) ([]string, error)
	// Report is told how far it is, as often as the fetcher likes. It doesn't block.
	Report func(FetchReport)
}

// A ChunkJournal keeps what a fetcher must not forget beyond the life of the process.
type ChunkJournal interface {
	// Load gives what was saved last, nil when nothing.
	Load(ctx context.Context) ([]byte, error)
	// Save returns when it is durable.
	Save(ctx context.Context, progress []byte) error
	Clear(ctx context.Context) error
}

// FetchReport is how far a fetch is, over all files of the recording.
type FetchReport struct {
	// Bytes are here, those of earlier tries included, of Total; Total is 0 while it isn't known. Fetched came from the source
	// during this try.
	Bytes, Total, Fetched int64
	// Yielded reports that nothing comes, and that others may come instead.
	Yielded bool
	// Verifying says that every byte is here.
	Verifying bool
	// Paused says why nothing can come at the moment: the disk is full. Trouble is what went wrong last while it is tried
	// again.
	Paused, Trouble string
	// Note is something to know on the way: that the file changed at its source and was begun anew. Empty means nothing
	// new.
	Note string
}

// Fetched is a recording that is here, verified.
type Fetched struct {
	// Path is the file, or the folder of several; absolute.
	Path  string
	Files []app.DownloadedFile
	Note  string
}
