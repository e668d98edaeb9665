package fetch

import (
	"errors"

	"greenroom/internal/recording"
)

// Errors of [Downloader.Fetch], wrapped.
var (
	// ErrBusy means that this process or another one is downloading the same task.
	ErrBusy = errors.New("the file is already being downloaded")
	// ErrName means that the name can't be that of a file inside the target folder on every system.
	ErrName = errors.New("the name can't be used for a file")
	// ErrChecksum means that the bytes that arrived differ from the source's, twice in a row.
	ErrChecksum = errors.New("the checksum differs from the source's")
	// ErrDisk means that the local disk refuses: the target folder can't be made or written to, or something is in its way.
	ErrDisk = errors.New("the disk reports an error")
	// ErrDiscarded is the cause with which [Downloader.Discard] ends a task that is being downloaded.
	ErrDiscarded = errors.New("the download was cancelled")
)

// File is a file that was downloaded.
type File struct {
	// Path is absolute. It differs from the task's name when another file had that name.
	Path string
	Size int64
	// SHA256 in hexadecimal was computed from the file on disk.
	SHA256 string
	// Identity is the source's for the file as it was downloaded.
	Identity recording.Identity
	// Checked reports that the source's own checksum of the whole file was compared, Compared that the whole file on disk was
	// compared with what arrived. Parts that an earlier version downloaded have nothing to be compared with.
	Checked  bool
	Compared bool
	// Restarted are the reasons why the file was restarted, empty when it wasn't.
	Restarted []string
	// FetchedBytes came from the source during this call.
	FetchedBytes int64
}
