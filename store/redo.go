package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/regular"
)

// The library syncs twice in each of its transactions, and writes every page that a transaction touches. Under load the writer
// therefore keeps one transaction open over many batches. Each batch becomes durable in the redo log first, a file beside the
// store: one record with the keys that the batch changes, and one sync. The open transaction is committed, which is called merging
// here, when the log is full, after [mergeAfter] or later, before every read, and before everything else that the writer does. Opening a
// store applies the records that were not merged.
//
// Each merge writes a random epoch into the file. Records carry the epoch of the file that they apply to, so that those that were
// merged, or belong to another file, count no more; the log is written again from its beginning. Checksums are chained: a record
// that was cut ends the log.
const (
	redoSuffix = "-redo"
	// redoSize is the size that the log never exceeds: what doesn't fit any more is merged with it. Its file grows by redoStep before there is something to write: a sync that
	// doesn't change a file's size is cheaper.
	redoSize = 24 << 20
	redoStep = 1 << 20
	// redoWithin is the longest time between two batches for which the second one goes into the log. Those that come more rarely are
	// merged at once.
	redoWithin = 20 * time.Millisecond
	redoHeader = 16 // half of the epoch, length, checksum
)

var (
	keyEpoch   = []byte("epoch")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

type redo struct {
	record
	path  string
	file  *os.File
	id    os.FileInfo
	grown int64  // the file's size
	epoch []byte // of the store's file, nil if it has none yet
	at    int64  // where the next record begins
	sum   uint32 // of the record before it
	// last is when the last batch ended. full means that the last merge was refused: each batch needs one of its own until one succeeds.
	last time.Time
	full bool
	// size, within and again are redoSize, redoWithin and mergeAgain but in tests, as is writeAt the file's.
	size    int64
	within  time.Duration
	again   time.Duration
	writeAt func(b []byte, at int64) (int, error)
}

// pending reports whether the log has records that the store's file lacks.
func (r *redo) pending() bool { return r.at > 0 }

// begin begins the record of a batch.
func (r *redo) begin() {
	r.buf = append(r.buf[:0], make([]byte, redoHeader)...)
}

// ready reports whether the next batch may be made durable in the log.
func (r *redo) ready() bool {
	return r.epoch != nil && !r.full && r.at+int64(len(r.buf)) <= r.size && (r.pending() || time.Since(r.last) <= r.within) && r.open() == nil && r.grow() == nil
}

// fills reports whether the log, which had a length mergeAfter ago, fills up fast.
func (r *redo) fills(had int64) bool {
	if had > r.at {
		had = 0
	}
	return (r.at-had)*fastShare > r.size
}

// grow makes the file long enough for the next record.
func (r *redo) grow() error {
	missing := r.at + int64(len(r.buf)) - r.grown
	if missing <= 0 {
		return nil
	}
	missing = (missing + redoStep - 1) / redoStep * redoStep
	if _, err := r.file.WriteAt(make([]byte, missing), r.grown); err != nil {
		return err
	}
	r.grown += missing
	return r.file.Sync()
}

// open makes the log's file, or makes it again where it was deleted.
func (r *redo) open() (err error) {
	if r.file != nil {
		if info, err := os.Lstat(r.path); err == nil && os.SameFile(info, r.id) {
			return nil
		}
		if r.pending() {
			return fs.ErrNotExist // the next merge makes it needless
		}
		_ = r.file.Close() // nothing in it counts
		r.file = nil
	}
	f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = regular.SyncFolder(filepath.Dir(r.path)); err == nil {
		r.id, err = f.Stat()
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(r.path))
	}
	r.file, r.grown = f, 0
	return nil
}

// append makes the record durable. After an error of the write, nothing was added; after one of the sync that is unknown.
func (r *redo) append(sync bool) (synced bool, err error) {
	payload := r.buf[redoHeader:]
	sum := crc32.Update(r.seed(), castagnoli, payload)
	copy(r.buf, r.epoch[:8])
	binary.BigEndian.PutUint32(r.buf[8:], uint32(len(payload)))
	binary.BigEndian.PutUint32(r.buf[12:], sum)
	write := r.file.WriteAt
	if r.writeAt != nil {
		write = r.writeAt
	}
	if _, err := write(r.buf, r.at); err != nil {
		return true, err
	}
	if sync {
		if err := fdatasync(r.file); err != nil {
			return false, err
		}
	}
	r.at, r.sum = r.at+int64(len(r.buf)), sum
	return true, nil
}

func (r *redo) seed() uint32 {
	if r.at == 0 {
		return crc32.Checksum(r.epoch, castagnoli)
	}
	return r.sum
}

// restart begins the log again, for a file that was merged under an epoch.
func (r *redo) restart(epoch []byte) {
	r.epoch, r.at, r.full = epoch, 0, false
	if cap(r.buf) > redoStep {
		r.buf = nil
	}
}

// newEpoch writes a new epoch into a transaction.
func newEpoch(b *bolt.Tx) ([]byte, error) {
	epoch := make([]byte, 16)
	rand.Read(epoch)
	if err := b.Bucket(bucketMeta).Put(keyEpoch, epoch); err != nil {
		return nil, fmt.Errorf("store: write the epoch: %w", err)
	}
	return bytes.Clone(epoch), nil
}

// close closes the log's file, and removes it if everything in it was merged.
func (r *redo) close(merged bool) {
	if r.file == nil {
		return
	}
	_ = r.file.Close() // what counts in it was synced
	if info, err := os.Lstat(r.path); merged && err == nil && os.SameFile(info, r.id) {
		_ = os.Remove(r.path) // what remains doesn't count
	}
	r.file = nil
}

// replay applies the records of the file's epoch to a transaction, unless that is nil, and returns where they end.
func (r *redo) replay(b *bolt.Tx) (end int64, sum uint32, err error) {
	f, err := regular.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("store: read the redo log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("store: read the redo log: %w", err)
	}
	in := io.NewSectionReader(f, 0, info.Size())
	sum = crc32.Checksum(r.epoch, castagnoli)
	var head [redoHeader]byte
	for {
		if _, err := in.ReadAt(head[:], end); err != nil {
			break // the end, or a disk that can't be read, on which the record's writer was not answered or the file is lost
		}
		size := int64(binary.BigEndian.Uint32(head[8:]))
		if !bytes.Equal(head[:8], r.epoch[:8]) || size == 0 || size > info.Size()-end-redoHeader {
			break
		}
		payload := make([]byte, size)
		if _, err := in.ReadAt(payload, end+redoHeader); err != nil {
			return 0, 0, fmt.Errorf("store: read the redo log: %w", err)
		}
		next := crc32.Update(sum, castagnoli, payload)
		if next != binary.BigEndian.Uint32(head[12:]) {
			break
		}
		if b != nil {
			if err := apply(b, payload); err != nil {
				return 0, 0, err
			}
		}
		end, sum = end+redoHeader+size, next
	}
	return end, sum, nil
}

// The changes in a record.
const (
	redoPut byte = iota + 1
	redoDelete
	redoDrop     // a bucket
	redoSequence // of a bucket: its number
)

// record collects the changes of a batch. The path of a bucket is the number of its names and the names.
type record struct{ buf []byte }

func (r *record) add(op byte, path, key, value []byte) {
	if r == nil {
		return
	}
	r.buf = append(append(r.buf, op), path...)
	r.buf = append(binary.AppendUvarint(r.buf, uint64(len(key))), key...)
	r.buf = append(binary.AppendUvarint(r.buf, uint64(len(value))), value...)
}

// bucket is a bucket of the writer's transaction. Its changes are added to the record; nil has none.
type bucket struct {
	*bolt.Bucket
	rec  *record
	path []byte
}

// in returns a bucket for changes. names lead to b.
func (r *record) in(b *bolt.Bucket, names ...[]byte) bucket {
	path := []byte{byte(len(names))}
	for _, name := range names {
		path = append(binary.AppendUvarint(path, uint64(len(name))), name...)
	}
	return bucket{b, r, path}
}

// Put puts a value, which must not be changed afterwards.
func (b bucket) Put(key, value []byte) error {
	err := b.Bucket.Put(key, value)
	if err == nil {
		b.rec.add(redoPut, b.path, key, value)
	}
	return err
}

// Delete deletes a key.
func (b bucket) Delete(key []byte) error {
	err := b.Bucket.Delete(key)
	if err == nil {
		b.rec.add(redoDelete, b.path, key, nil)
	}
	return err
}

// DeleteBucket deletes a bucket with everything in it.
func (b bucket) DeleteBucket(name []byte) error {
	err := b.Bucket.DeleteBucket(name)
	if err == nil {
		b.rec.add(redoDrop, b.path, name, nil)
	}
	return err
}

// noteSequence adds the bucket's sequence number to the record.
func (b bucket) noteSequence() { b.rec.add(redoSequence, b.path, nil, be64(b.Sequence())) }

// inside returns a bucket within the bucket, and makes it where it is missing.
func (b bucket) inside(name []byte) (bucket, error) {
	inner, err := b.CreateBucketIfNotExists(name)
	if err != nil {
		return bucket{}, err
	}
	path := bytes.Clone(b.path)
	path[0]++
	return bucket{inner, b.rec, append(binary.AppendUvarint(path, uint64(len(name))), name...)}, nil
}

var errRecord = errors.New("store: a record of the redo log can't be applied")

// apply makes the changes of a record, whose checksum is right, in a transaction.
func apply(b *bolt.Tx, rec []byte) error {
	text := func() []byte {
		n, w := binary.Uvarint(rec)
		if w <= 0 || n > uint64(len(rec)-w) {
			rec = nil
			return nil
		}
		out := rec[w : w+int(n)]
		rec = rec[w+int(n):]
		return out
	}
	for len(rec) >= 2 {
		op, depth := rec[0], int(rec[1])
		rec = rec[2:]
		in, err := b.CreateBucketIfNotExists(text())
		for i := 1; i < depth && err == nil; i++ {
			in, err = in.CreateBucketIfNotExists(text())
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errRecord, err)
		}
		key, value := text(), text()
		switch op {
		case redoPut:
			err = in.Put(key, value)
		case redoDelete:
			err = in.Delete(key)
		case redoDrop:
			err = in.DeleteBucket(key)
		case redoSequence:
			err = in.SetSequence(un64(value))
		default:
			err = fmt.Errorf("an unknown change %d", op)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errRecord, err)
		}
	}
	if len(rec) > 0 {
		return errRecord
	}
	return nil
}
