package recording

import "context"

// A Task is one file to download.
type Task struct {
	// Key identifies the file across restarts: account, recording and file.
	Key     string
	Source  Source
	Journal Journal
	// Dir is the target folder, created if it doesn't exist. Name is the file's path in it, with slashes. If another file has the
	// name, the new one gets " (2)" and so on before its extension, unless both have the same content.
	Dir  string
	Name string
	// Replaces are the SHA-256 sums, in hexadecimal, of broken files: a file with one of them and the name is replaced.
	Replaces []string
	// Check checks the file before it gets its name; nil accepts every file. The path ends in the name's extension and ".part". An
	// error that a second download doesn't solve fails the task, and is returned wrapped.
	Check func(ctx context.Context, path string) error
	// Named returns the name, without folders, for a file that passed the check; nil keeps the name.
	Named func(base string) string
	// Report is called after every change of state and, while bytes arrive, up to five times a second. Calls don't overlap; it must
	// not block or call the downloader. May be nil.
	Report func(Report)
}

// State is the state of a task or a job, in the application's words.
type State string

// The states.
const (
	// Waiting means that other files come first.
	Waiting State = "waiting"
	// Running may have a reason: the last failure, while the request is repeated.
	Running State = "running"
	// Verifying means that every byte has arrived.
	Verifying State = "verifying"
	// Paused with a reason means that the disk is full. Without a reason, the user paused it.
	Paused State = "paused"
	Done   State = "done"
	Failed State = "failed"
)

// Report is the progress of a task, or of a job with all of its files.
type Report struct {
	State State
	// Bytes is the number of bytes that have arrived, also in earlier attempts; it falls when a file is restarted. Total is 0 while
	// it is unknown.
	Bytes, Total int64
	// Fetched is the number of bytes received from the source during this call, including repeated ones.
	Fetched int64
	// Reason is why it is paused, has failed, or is retried; one line that is safe to show, without links.
	Reason string
	// Yielded means that no bytes arrive, and that another download has its place until some do.
	Yielded bool
	// Restarted has the reason of each restart during this call.
	Restarted []string
}
