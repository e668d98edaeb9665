// Package recording gets recordings down: whole and verified, in pieces in parallel, and going on after a crash.
//
// One [Downloader] works over all kinds of [Source]. What it promises:
//   - A file stands under its final name only when it is complete, synced and checked: every chunk is marked, and the file as
//     it is read back has the digest of each chunk that arrived, and the checksum of the source where that has one. Until then
//     it is a .part file in the target folder.
//   - A chunk has one owner until it is marked or given back.
//   - A chunk counts as fetched only after its bytes are synced and the [Journal] has noted it durably, so that a process
//     killed at any instant fetches again at most the chunks that were under way.
//   - A file from whose source nothing comes lets the next one come in its place.
//   - A file that is another one than when it was begun (size, ETag, version) is begun anew, and that is said.
//   - No name from outside leads out of the target folder, and no file that is there already is replaced.
//
// What it does not promise: fetching what the platform no longer has, and files that differ although their identity is the
// same on a server that tells no checksum.
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
	ErrGone = errors.New("the file is gone from its source")
	// ErrDenied means that the source refuses, and that asking for another link didn't help.
	ErrDenied = errors.New("the source refuses access")
	// ErrNoRanges means that the source gave the whole file although a part was asked for. The reader that comes with it
	// begins at the first byte.
	ErrNoRanges = errors.New("the source does not serve parts of files")
	// ErrNotYet means that the platform is still processing the recording.
	ErrNotYet = errors.New("the recording is still being processed")
)

// Identity is what makes two readings of a source readings of one file.
type Identity struct {
	// Size in bytes, -1 when the server doesn't tell.
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
	// NoRanges says that parts can't be asked for.
	NoRanges bool `json:"no_ranges,omitempty"`
	// MediaType as the server told it; a hint for the file's extension.
	MediaType string `json:"media_type,omitempty"`
}

// Same says whether both are of one file, as far as can be known.
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

// A Source is one file of a recording somewhere else. It is safe for concurrent use.
type Source interface {
	// Identify asks what the file is now.
	Identify(ctx context.Context) (Identity, error)
	// Open reads n bytes from off of the file that was identified, to its end when n is negative. It fails with
	// [ErrChanged] when the file is another one by now. The context governs the reading too. A reader that ends early without
	// an error is taken for a connection that broke.
	Open(ctx context.Context, id Identity, off, n int64) (io.ReadCloser, error)
}

// Progress is how far a file has come. It survives JSON.
type Progress struct {
	// Part is the path of the .part file, Identity the file that it is a part of.
	Part     string   `json:"part"`
	Identity Identity `json:"identity"`
	// Chunk is the size of a chunk in bytes, Done one bit for each chunk in the file's order, lowest bit first. Both are
	// empty for a file that comes in one stream.
	Chunk int64  `json:"chunk"`
	Done  []byte `json:"done"`
	// Sums has the first 16 bytes of the SHA-256 of each chunk that is done, zeros for the others. Progress by earlier versions
	// has none.
	Sums []byte `json:"sums,omitempty"`
	// Begun says of chunks that were under way at a pause how many of their bytes, from the first one, are here; BegunSums has
	// the digest of those bytes.
	Begun     map[int]int64  `json:"begun,omitempty"`
	BegunSums map[int][]byte `json:"begun_sums,omitempty"`
	// Final is the path that the whole file has or is about to get, SHA256 its checksum in hexadecimal; empty before that.
	Final  string `json:"final,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Checked and Compared are those of the [Result].
	Checked  bool `json:"checked,omitempty"`
	Compared bool `json:"compared,omitempty"`
}

// A Journal remembers one file's progress beyond the life of the process. The [Downloader] calls one method at a time, and
// leaves the progress of a finished file in it: a process that is killed before it has noted the [Result] gets the same
// one again without fetching anything.
type Journal interface {
	// Load reads what was saved last; the zero Progress when there is nothing.
	Load(ctx context.Context) (Progress, error)
	// Save returns when it is durable.
	Save(ctx context.Context, p Progress) error
	// Clear forgets it.
	Clear(ctx context.Context) error
}
