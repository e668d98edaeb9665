// Package recording is the contract of downloads: what the hub asks for, what the packages below carry out, and what they report.
//
//   - [Source] is one file somewhere else, [Identity] what it is; source has the implementations.
//   - [Task] is one file to download. fetch carries it out and keeps its progress in a [Journal].
//   - [Job] is one recording to download, with all of its files. library carries it out and returns a [Result].
//   - [Report] is how far either is.
//   - [Found] is a recording that package bucket found in one of the user's buckets.
//
// The package holds types alone, so that the hub imports neither a cloud's SDK nor anything that touches the disk.
package recording

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors that a [Source] returns, wrapped.
var (
	// ErrChanged means that the file is not the one that was identified.
	ErrChanged = errors.New("the file has changed at its source")
	// ErrGone means that the source has no such file.
	ErrGone = errors.New("the file no longer exists at its source")
	// ErrDenied means that the source refuses access, also by a fresh link.
	ErrDenied = errors.New("the source refuses access")
	// ErrNoRanges means that the source answered a request for a part with the whole file. The reader that comes with it
	// begins at the first byte.
	ErrNoRanges = errors.New("the source doesn't support range requests")
	// ErrNotYet means that the platform is still processing the recording.
	ErrNotYet = errors.New("the recording is still being processed")
	// ErrRefusedAddress means that a link leads where no recording of a platform is: into a private network, to this machine,
	// or away from https.
	ErrRefusedAddress = errors.New("the link leads to an address that isn't allowed")
	// ErrOdd means that the response does not match the request: another part, a compressed one, a web page.
	ErrOdd = errors.New("the source's response doesn't match the request")
	// ErrPanicked ends the download of a file whose goroutine panicked. The goroutine's group reports the panic.
	ErrPanicked = errors.New("this is a fault in Greenroom; the log has the details")
)

// Identity tells files apart: two readings of a source with the same identity read one file.
type Identity struct {
	// Size in bytes, -1 when the server doesn't report it.
	Size int64 `json:"size"`
	// ETag is a strong validator as the server wrote it, Version an S3 version id; empty where there is none.
	ETag    string `json:"etag,omitempty"`
	Version string `json:"version,omitempty"`
	// Modified is the server's time of the last change, zero when unknown.
	Modified time.Time `json:"modified,omitzero"`
	// Algorithm and Checksum of the whole object, where the source knows one: "sha256", "crc64nvme", "md5" …; the checksum
	// in base64.
	Algorithm string `json:"algorithm,omitempty"`
	Checksum  string `json:"checksum,omitempty"`
	// NoRanges reports that the source serves no parts.
	NoRanges bool `json:"no_ranges,omitempty"`
}

// Same reports whether both identify one file, as far as can be known.
func (i Identity) Same(o Identity) bool {
	switch {
	case i.Size >= 0 && o.Size >= 0 && i.Size != o.Size:
		return false
	case i.Version != "" && o.Version != "":
		return i.Version == o.Version
	case i.ETag != "" && o.ETag != "":
		return i.ETag == o.ETag
	case !i.Modified.IsZero() && !o.Modified.IsZero():
		return i.Modified.Equal(o.Modified)
	}
	return true
}

// InOneStream returns why the file must be read from its beginning to its end, or "". Parts that were read one after the other
// could be of two files where nothing would show that the first one was replaced.
func (i Identity) InOneStream() string {
	switch {
	case i.NoRanges || i.Size < 0:
		return "the source doesn't support range requests"
	case i.ETag == "" && i.Version == "" && i.Modified.IsZero() && i.Checksum == "":
		return "the source doesn't say whether the file has changed"
	}
	return ""
}

// A Source is one file of a recording at a platform or in a bucket. It is safe for concurrent use.
type Source interface {
	// Identify asks what the file is now.
	Identify(ctx context.Context) (Identity, error)
	// Open reads n bytes from off of the identified file, to its end when n is negative. It fails with [ErrChanged] when the
	// file is another one by now. The context governs the reading too. A reader that ends early without an error counts as a
	// broken connection.
	Open(ctx context.Context, id Identity, off, n int64) (io.ReadCloser, error)
}

// Temporary is an error after which a [Source] is asked again, as it is after every error that isn't one of the package's. It
// may hold how long to wait.
type Temporary struct {
	// After is how long the source asks to wait, 0 when it doesn't.
	After time.Duration
	Err   error
}

func (t *Temporary) Error() string { return t.Err.Error() }

// Unwrap returns the cause.
func (t *Temporary) Unwrap() error { return t.Err }

// A Journal keeps one file's progress beyond the life of the process, as text that only the reader of the file understands.
type Journal interface {
	// Load returns what was saved last, nil when nothing was.
	Load(ctx context.Context) ([]byte, error)
	// Save returns when progress is durable.
	Save(ctx context.Context, progress []byte) error
	// Clear removes it.
	Clear(ctx context.Context) error
}
