package fetch

import (
	"errors"

	"greenroom/internal/recording"
)

// Errors of [Downloader.Fetch], wrapped.
var (
	// ErrBusy means that this process or another one is downloading the same task.
	ErrBusy = errors.New("the file is already being downloaded")
	// ErrName means that the name isn't valid for a file inside the target folder on every system.
	ErrName = errors.New("the name can't be used for a file")
	// ErrChecksum means that the bytes that arrived differ from the source's, twice in a row.
	ErrChecksum = errors.New("the checksum differs from the source's")
	// ErrDisk means that the local disk refuses: the target folder can't be created or written to, or its name is used by a file.
	ErrDisk = errors.New("the disk reports an error")
	// ErrDiscarded is the cancellation cause of a task that [Downloader.Discard] ends.
	ErrDiscarded = errors.New("the download was cancelled")
)

// File is a file that was downloaded.
type File struct {
	// Path is absolute. It differs from the task's name if another file has that name.
	Path string
	Size int64
	// SHA256 in hexadecimal was computed from the file on disk.
	SHA256 string
	// Identity is the downloaded file's identity at its source.
	Identity recording.Identity
	// Checked reports whether the source's checksum of the whole file was compared, Compared whether the whole file on disk was
	// compared with what arrived. Parts that an early version downloaded can't be compared.
	Checked  bool
	Compared bool
	// Restarted has the reason of each restart.
	Restarted []string
	// FetchedBytes is the number of bytes received from the source during this call.
	FetchedBytes int64
}
