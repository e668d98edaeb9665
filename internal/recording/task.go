package recording

import (
	"context"
	"errors"
	"time"
)

// Errors of [Downloader.Fetch], wrapped.
var (
	// ErrBusy means that the same task is under way already, in this process or in another one.
	ErrBusy = errors.New("the file is being fetched already")
	// ErrName means that the name can't be that of a file inside the target folder, on every system.
	ErrName = errors.New("the name cannot be used for a file")
	// ErrChecksum means that the bytes that arrived are not those that the source has, twice in a row.
	ErrChecksum = errors.New("the checksum differs from the source's")
	// ErrDisk means that the local disk refuses: the target folder can't be made or written to, or something is in its way.
	ErrDisk = errors.New("the disk refuses")
	// ErrDiscarded is the cause with which [Downloader.Discard] ends a task that is under way.
	ErrDiscarded = errors.New("the download was cancelled")
)

// A Task is one file to fetch.
type Task struct {
	// Key is what the same file has again, after a restart too: the account, the recording and the file.
	Key     string
	Source  Source
	Journal Journal
	// Dir is the target folder, made when it isn't there. Name is where in it the file shall stand, with slashes where it
	// has folders of its own. A name that is taken gets " (2)" and so on before its extension, unless the file there has the
	// same content.
	Dir  string
	Name string
	// Replaces are the SHA-256 sums, in hexadecimal, of files that are known to be broken: one of them that has the name is
	// replaced.
	Replaces []string
	// Check judges the file before it gets its name; nil accepts every one. The path ends in the name's extension and
	// ".part". An error that a second copy doesn't mend fails the task, and comes back wrapped.
	Check func(ctx context.Context, path string) error
	// Named gives the name, without folders, that a file shall have which passed the check; nil leaves it as it is.
	Named func(base string) string
	// Report hears of every change of state and, while bytes arrive, of them up to five times a second. Its calls don't
	// overlap; it must not block, nor call the Downloader. May be nil.
	Report func(Stats)
}

// State is where a task is. The words are those of the application.
type State string

// The states.
const (
	// Waiting is for other files to be done.
	Waiting State = "waiting"
	// Running may have a reason: what went wrong last, while it is tried again.
	Running State = "running"
	// Verifying has every byte.
	Verifying State = "verifying"
	// Paused has the reason why it can't go on by itself: there is no space. Without a reason somebody paused it.
	Paused State = "paused"
	Done   State = "done"
	Failed State = "failed"
)

// Stats tell how a task goes.
type Stats struct {
	State State
	// Bytes are here of Total, which is -1 while it isn't known. Bytes become fewer when a file is begun anew.
	Bytes, Total int64
	// Fetched are those that came from the source during this call; bytes that had to be fetched again count again.
	Fetched int64
	// Rate is in bytes per second over the last seconds, ETA the time that the rest takes at this rate; 0 when unknown.
	Rate int64
	ETA  time.Duration
	// Reason says why it is paused, has failed, or tries again; one line that is safe to show, without links.
	Reason string
	// Yielded reports that nothing comes, and that another file has the task's place until something does.
	Yielded bool
	// Restarted says why the file was begun anew, each time; see [Result].
	Restarted []string
}

// Result is a file that arrived.
type Result struct {
	// Path is absolute. It differs from the task's name when that was taken.
	Path string
	Size int64
	// SHA256 in hexadecimal was computed on the file as it stands on disk.
	SHA256 string
	// Identity is what the source said of the file when it was fetched.
	Identity Identity
	// Checked says that the source's own checksum of the whole file was compared, Compared that the whole file as it is on disk
	// was compared with what arrived. Parts that an earlier version fetched have nothing to be compared with.
	Checked  bool
	Compared bool
	// Restarted are the reasons why the file was begun anew, empty when it wasn't.
	Restarted []string
	// FetchedBytes came from the source during this call.
	FetchedBytes int64
}

// Temporary is an error after which a [Source] is asked again, as it is after every error that isn't one of the package's.
// It may say how long to wait.
type Temporary struct {
	// After is how long the source asks to wait, 0 when it doesn't say.
	After time.Duration
	Err   error
}

func (t *Temporary) Error() string { return t.Err.Error() }

// Unwrap gives the cause.
func (t *Temporary) Unwrap() error { return t.Err }
