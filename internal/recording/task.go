package recording

import "context"

// A Task is one file to download.
type Task struct {
	// Key identifies the file across restarts: account, recording and file.
	Key     string
	Source  Source
	Journal Journal
	// Dir is the target folder, made when it doesn't exist. Name is the file's path in it, with slashes. When another file has
	// the name, the new one gets " (2)" and so on before its extension, unless both have the same content.
	Dir  string
	Name string
	// Replaces are the SHA-256 sums, in hexadecimal, of files that are known to be broken: one of them that has the name is
	// replaced.
	Replaces []string
	// Check judges the file before it gets its name; nil accepts every file. The path ends in the name's extension and
	// ".part". An error that a second copy doesn't mend fails the task, and is returned wrapped.
	Check func(ctx context.Context, path string) error
	// Named returns the name, without folders, for a file that passed the check; nil keeps the name.
	Named func(base string) string
	// Report is called after every change of state and, while bytes arrive, up to five times a second. Its calls don't
	// overlap; it must not block, nor call the downloader. May be nil.
	Report func(Report)
}

// State is the state of a task or a job. The words are those of the application.
type State string

// The states.
const (
	// Waiting means that other files come first.
	Waiting State = "waiting"
	// Running may have a reason: what failed last, while it is tried again.
	Running State = "running"
	// Verifying means that every byte has arrived.
	Verifying State = "verifying"
	// Paused with a reason means that nothing can arrive: the disk is full. Without a reason the user paused it.
	Paused State = "paused"
	Done   State = "done"
	Failed State = "failed"
)

// Report is how far a task is, or a job over all of its files.
type Report struct {
	State State
	// Bytes have arrived, those of earlier tries included, of Total; Total is 0 while it is unknown. Bytes fall when a file is
	// restarted.
	Bytes, Total int64
	// Fetched came from the source during this call; bytes that were fetched again count again.
	Fetched int64
	// Reason is why it is paused, has failed, or is tried again; one line that is safe to show, without links.
	Reason string
	// Yielded reports that no bytes arrive, and that another download has its place until some do.
	Yielded bool
	// Restarted lists why files were restarted during this call, one reason each time.
	Restarted []string
}
