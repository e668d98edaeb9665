// Package recording is the contract of downloads between the hub and the packages below.
//
//   - [Source] is one remote file, [Identity] identifies its content; package source has the implementations.
//   - [Task] is one file to download. Package fetch downloads it and keeps its progress in a [Journal].
//   - [Job] is one recording to download, with all of its files. Package library downloads it and returns a [Result].
//   - [Report] is the progress of either.
//   - [Found] is a recording that package bucket found in one of the user's buckets.
//
// The package has only types, so that the hub imports neither a cloud's SDK nor code that accesses the disk.
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
	// ErrGone means that the source doesn't have the file.
	ErrGone = errors.New("the file no longer exists at its source")
	// ErrDenied means that the source refuses access, even with a fresh link.
	ErrDenied = errors.New("the source refuses access")
	// ErrNoRanges means that the source answered a request for a part with the whole file. The reader that comes with it begins at
	// the first byte.
	ErrNoRanges = errors.New("the source doesn't support range requests")
	// ErrNotYet means that the platform is still processing the recording.
	ErrNotYet = errors.New("the recording is still being processed")
	// ErrRefusedAddress means that a link leads into a private network, to this machine, or from https to http.
	ErrRefusedAddress = errors.New("the link leads to an address that isn't allowed")
	// ErrOdd means that the response doesn't match the request: a different part, a compressed one, a web page.
	ErrOdd = errors.New("the source's response doesn't match the request")
	// ErrPanicked ends the download of a file whose goroutine panicked. The goroutine's group reports the panic.
	ErrPanicked = errors.New("this is a fault in Greenroom; the log has the details")
)

// Identity identifies a file's content: two reads of a source with the same identity read the same file.
type Identity struct {
	// Size is in bytes, -1 if the server doesn't report it.
	Size int64 `json:"size"`
	// ETag is a strong validator as the server wrote it, Version an S3 version id; empty if there is none.
	ETag    string `json:"etag,omitempty"`
	Version string `json:"version,omitempty"`
	// Modified is the server's time of the last change, zero when unknown.
	Modified time.Time `json:"modified,omitzero"`
	// Checksum is the whole object's in base64, Algorithm its name: "sha256", "crc64nvme", "md5" …; empty if the source has none.
	Algorithm string `json:"algorithm,omitempty"`
	Checksum  string `json:"checksum,omitempty"`
	// NoRanges means that the source doesn't serve parts.
	NoRanges bool `json:"no_ranges,omitempty"`
}

// Same reports whether both identify the same file, as far as they show it.
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

// InOneStream returns why the file must be read in one stream, or "" if it needn't be. If nothing shows that a file was replaced, parts
// could come from two different files.
func (i Identity) InOneStream() string {
	switch {
	case i.NoRanges || i.Size < 0:
		return "the source doesn't support range requests"
	case i.ETag == "" && i.Version == "" && i.Modified.IsZero() && i.Checksum == "":
		return "the source doesn't say whether the file has changed"
	}
	return ""
}

// A Source is one file of a recording on a platform or in a bucket. It is safe for concurrent use.
type Source interface {
	// Identify returns the file's present identity.
	Identify(ctx context.Context) (Identity, error)
	// Open reads n bytes from off of the identified file, to its end if n is negative. The error is [ErrChanged] if the file has
	// changed. The context also applies to reading. A reader that ends early without an error counts as a broken connection.
	Open(ctx context.Context, id Identity, off, n int64) (io.ReadCloser, error)
}

// Temporary is an error after which a request to a [Source] is repeated, as after every error that isn't one of the package's.
type Temporary struct {
	// After is the wait that the source asks for, 0 if unknown.
	After time.Duration
	Err   error
}

func (t *Temporary) Error() string { return t.Err.Error() }

// Unwrap returns the cause.
func (t *Temporary) Unwrap() error { return t.Err }

// A Journal stores one file's progress across restarts. Its content is opaque.
type Journal interface {
	// Load returns the progress that was saved last, nil if there is none.
	Load(ctx context.Context) ([]byte, error)
	// Save returns once the progress is durable.
	Save(ctx context.Context, progress []byte) error
	// Clear removes the progress.
	Clear(ctx context.Context) error
}
