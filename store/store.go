// Package store keeps everything that Greenroom knows in one bbolt file, beside which a redo log holds the latest changes while it
// is in use. It promises:
//
//   - Durability: when [Store.Append] or [Store.Update] returns without error, its changes have been synced to disk. A
//     process killed at any instant loses nothing that was acknowledged and leaves nothing half done.
//   - Atomicity: a delivery and its effect are in one transaction. Many callers share one commit (group commit); a
//     failing effect doesn't affect the others.
//   - Ordering: sequence numbers rise in the order of commits, and OnCommit receives changes in that order, after they
//     are durable and before Append returns.
//   - Backpressure: at most a bounded number of writers wait; beyond that [ErrBusy] is returned immediately.
//
// It fails closed: a commit is acknowledged only while the file has its name, no commit follows a failed sync or the
// discovery of a damaged page, and damage is an error ([ErrDamaged]), never a panic.
//
// It does not support several processes (the owner's lock arbitrates them, see package ipc), and its file never shrinks
// without [Store.Compact].
//
// Reads are short transactions that copy their results. Returned values belong to the caller, except headers and bodies from [Feed.Next].
package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/boltfile"
	"greenroom/internal/crash"
	"greenroom/internal/roster"
)

// FileName is the store's file in the data folder.
const FileName = "greenroom.db"

// Errors.
var (
	// ErrBusy is returned when too many writers wait. Try again shortly; nothing was written.
	ErrBusy = errors.New("store: too many writes are waiting")
	// ErrClosed is returned after Close has begun.
	ErrClosed = errors.New("store: closed")
	// ErrNotFound is returned by reads if nothing is found.
	ErrNotFound = errors.New("store: not found")
	// ErrAmbiguous is returned by reads if a name has several matches.
	ErrAmbiguous = errors.New("store: several have this name")
	// ErrInUse is returned by Open when another process holds the file.
	ErrInUse = boltfile.ErrInUse
	// ErrNewer is returned by Open when the file was written by a newer Greenroom.
	ErrNewer = errors.New("store: the file was written by a newer Greenroom")
	// ErrGone is returned by writes while another file, or none, has the store's name: writes would be lost.
	ErrGone = boltfile.ErrGone
	// ErrDamaged is in the errors of a damaged file, whenever the damage is found.
	ErrDamaged = boltfile.ErrDamaged
	// ErrFailed is returned by writes after the disk failed to make one durable.
	ErrFailed = errors.New("store: the disk failed")
	// ErrReadOnly is returned by writes to a store opened for reading.
	ErrReadOnly = errors.New("store: it is read-only")
)

// Options configure a store. Only Path is required.
type Options struct {
	// Path of the file. Its folder is created with mode 0700 if missing.
	Path string
	// Timeout is how long to wait for another process that holds the file, 1 s if zero.
	Timeout time.Duration
	// QueueLen is how many writers may wait, 1024 if zero. Batch is how many share a commit, 256 if zero.
	QueueLen int
	Batch    int
	// SegmentBytes and SegmentRows limit a segment of deliveries, 32 MiB and 65,536 if zero. Retention drops whole segments.
	SegmentBytes int64
	SegmentRows  int
	// RingRows and RingBytes limit the rings of rejected deliveries, 1,000 and 64 MiB if zero.
	RingRows  int
	RingBytes int64
	// RetainFor and RetainBytes limit the authentic deliveries, 30 days and 2 GiB if zero. Since whole segments are dropped,
	// somewhat more may be kept.
	RetainFor   time.Duration
	RetainBytes int64
	// OnCommit receives the changes of each commit in order, after it is durable. It must not block or call the store.
	OnCommit func([]app.Change)
	// Now is the clock, time.Now if nil. Running returns how long the process has run, unaffected by corrections of the clock;
	// nil measures it. Retention uses it, see age.go.
	Now     func() time.Time
	Running func() time.Duration
	// ReadOnly opens a file that can't be written to: it must exist and have this version.
	ReadOnly bool
	// Crash starts the store's goroutines.
	Crash *crash.Group

	// For tests: no index of texts is made or used, and how soon one is made.
	unindexed  bool
	indexAfter time.Duration
}

// Store is an open file. It is safe for concurrent use.
type Store struct {
	opt   Options
	swap  sync.RWMutex // held for writing while db is replaced
	db    *boltfile.File
	long  chan struct{} // held by tasks that read or write the whole file
	queue chan *write
	slow  chan *write // rejected deliveries, which don't cause a commit of their own
	soon  chan *write
	tail  tail

	closing chan struct{}
	closed  chan struct{}
	once    sync.Once

	filled  chan struct{} // a segment is full, or its index is damaged
	indexed chan struct{} // closed when no more indexes are made
	renewed renewed

	// The writer's: its cache between commits, and the meetings as the effects of this commit left them so far.
	warm  warm
	dirty map[string]*roster.Meeting
	// whole and patience are wholeStays and gatherFor, unless a test changes them.
	whole    int
	patience time.Duration
	// gathering is the timer of [Store.gather], nil until it waits.
	gathering *time.Timer

	age age // the writer's, too

	// The writer's redo log, and its transaction that is open over several batches; unmerged is true while it has something that
	// was acknowledged. Readers wait for a merge by reads.
	log      redo
	recent   recent
	open     *bolt.Tx
	unmerged atomic.Bool
	busy     atomic.Bool // the log fills fast
	reads    chan chan struct{}
	// laterReads brings readers that wait for the next merge; patient are those who do.
	laterReads chan chan struct{}
	patient    []chan struct{}

	dropped atomic.Uint64
	commits atomic.Uint64
	// failed is the reason why writing has ended, found a damage that a read met.
	failed, found atomic.Pointer[error]
}

// The top-level buckets.
var (
	bucketMeta        = []byte("meta")
	bucketRooms       = []byte("rooms")        // room id -> Room
	bucketRoomNames   = []byte("room-names")   // folded name -> room id
	bucketFormerNames = []byte("former-names") // folded name -> id of the room that was deleted last
	bucketMeetings    = []byte("meetings")     // meeting id (time-ordered) -> roster.Meeting
	bucketUnended     = []byte("unended")      // meeting id -> nothing, while open or live
	bucketRoomMeets   = []byte("room-meets")   // room id \0 meeting id -> nothing
	bucketPlatform    = []byte("by-platform")  // account \0 kind \0 platform name or id -> id of the current meeting
	bucketStays       = []byte("stays")        // meeting id \0 session -> roster.Stay
	bucketRecordings  = []byte("recordings")   // account \0 recording id -> Recording
	bucketRecByTime   = []byte("rec-by-time")  // start, ms \0 account \0 recording id -> nothing
	bucketRecObjects  = []byte("rec-objects")  // account \0 group of a file's key -> recording id
	bucketRecAliases  = []byte("rec-aliases")  // account \0 former id -> recording id
	bucketDownloads   = []byte("downloads")    // account \0 recording id -> DownloadJob, until it is done
	bucketChunks      = []byte("chunks")       // account \0 recording id \0 file -> the downloader's progress
	bucketCommands    = []byte("commands")     // account \0 recording id -> CommandJob, until it has ended
	bucketSegments    = []byte("segments")     // first seq -> bucket of rows, bodies, columns
	bucketRing        = []byte("ring")         // rejected deliveries: rows and bodies
	bucketSeen        = []byte("seen")         // generation -> bucket of hash -> seq
	bucketPositions   = []byte("positions")    // tunnel hook -> Position
	bucketValues      = []byte("values")       // small named values
	bucketForwards    = []byte("forwards")     // name -> ForwardJob
	bucketBookings    = []byte("bookings")     // booking id -> Booking
	bucketCalendars   = []byte("calendars")    // folded name -> Calendar
	bucketCalTexts    = []byte("cal-texts")    // folded name -> the calendar's text, compressed
	bucketPages       = []byte("pages")        // room id -> Page
	bucketPageTokens  = []byte("page-tokens")  // hash of a page's token -> room id
	bucketGuests      = []byte("guests")       // meeting id, or room id until it has a meeting \0 guest id -> Guest
	bucketHostTokens  = []byte("host-tokens")  // hash of a host's one-time token -> HostToken
)

var allBuckets = [][]byte{
	bucketMeta, bucketRooms, bucketRoomNames, bucketMeetings, bucketUnended, bucketRoomMeets, bucketPlatform,
	bucketStays, bucketRecordings, bucketRecByTime, bucketSegments, bucketRing, bucketSeen, bucketPositions, bucketValues,
	bucketDownloads, bucketChunks, bucketCommands, bucketRecObjects, bucketRecAliases, bucketFormerNames, bucketForwards, bucketBookings, bucketCalendars, bucketCalTexts,
	bucketPages, bucketPageTokens, bucketGuests, bucketHostTokens,
}

// Open opens or creates the file, migrates an older schema, and starts the writer.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	path, err := prepare(o)
	if err != nil {
		return nil, err
	}
	db, err := boltfile.Open(path, o.file())
	if err != nil {
		return nil, err
	}
	s := &Store{
		opt: o, db: db, long: make(chan struct{}, 1),
		queue: make(chan *write, o.QueueLen), slow: make(chan *write, o.Batch), soon: make(chan *write, o.Batch),
		closing: make(chan struct{}), closed: make(chan struct{}), warm: make(warm),
		filled: make(chan struct{}, 1), indexed: make(chan struct{}),
		dirty: make(map[string]*roster.Meeting), whole: wholeStays, patience: gatherFor,
		reads: make(chan chan struct{}), laterReads: make(chan chan struct{}),
		log: redo{path: db.Path + redoSuffix, size: redoSize, within: redoWithin, again: mergeAgain},
	}
	err = kind.Guard(path, func() error {
		if err := s.recover(); err != nil {
			return err
		}
		if err := s.migrate(); err != nil {
			return err
		}
		return s.recallAge()
	})
	if err != nil {
		return nil, errors.Join(err, s.closeFile(err))
	}
	o.Crash.Go("store writer", s.run)
	if o.ReadOnly || o.unindexed {
		close(s.indexed)
	} else {
		o.Crash.Go("store index", s.index)
	}
	return s, nil
}

// prepare makes the folder and the file where they are missing, and returns the file's real path.
func prepare(o Options) (string, error) {
	if !o.ReadOnly {
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
			return "", fmt.Errorf("store: make the data folder: %w", err)
		}
	}
	path, err := boltfile.RealPath(o.Path)
	switch {
	case err != nil:
		return "", fmt.Errorf("store: %w", err)
	case o.ReadOnly:
		return path, nil
	}
	if _, err = os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return path, boltfile.Create(path, o.file(), func(b *bolt.Tx) error {
			if err := makeBuckets(b); err != nil {
				return err
			}
			return putSchema(b, schema)
		})
	}
	return path, nil
}

// kind is the store as a file.
var kind = boltfile.Kind{
	Name: "store", Advice: "restore a backup with `greenroom store restore FILE`",
	Levels: func(bucket string) int {
		switch bucket {
		case string(bucketSegments):
			return 2
		case string(bucketRing), string(bucketSeen):
			return 1
		}
		return 0
	},
}

func (o Options) file() boltfile.Options {
	return boltfile.Options{Kind: kind, Timeout: o.Timeout, Retained: o.RetainBytes, ReadOnly: o.ReadOnly}
}

// openTimeout is how long to wait for another process that holds the file, unless the options say otherwise.
const openTimeout = time.Second

func (o Options) withDefaults() Options {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&o.QueueLen, 1024)
	def(&o.Batch, 256)
	def(&o.SegmentRows, 65536)
	def(&o.RingRows, 1000)
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 32 << 20
	}
	if o.RingBytes <= 0 {
		o.RingBytes = 64 << 20
	}
	if o.RetainFor <= 0 {
		o.RetainFor = 30 * 24 * time.Hour
	}
	if o.RetainBytes <= 0 {
		o.RetainBytes = 2 << 30
	}
	if o.Timeout <= 0 {
		o.Timeout = openTimeout
	}
	if o.indexAfter <= 0 {
		o.indexAfter = indexAfter
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Running == nil {
		began := time.Now()
		o.Running = func() time.Duration { return time.Since(began) }
	}
	return o
}

// Close writes what waits, and closes the file. Calls that come later fail with [ErrClosed].
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.closed
	<-s.indexed
	if err := s.closeFile(s.problem()); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}

// closeFile closes the file. Where damage left the library locked it is left to the end of the process.
func (s *Store) closeFile(reason error) error {
	if boltfile.Stuck(reason) {
		return s.db.OS.Close()
	}
	return s.db.Close()
}

// problem is why nothing can be written, or what a read met; nil when all is well.
func (s *Store) problem() error {
	for _, p := range []*error{s.failed.Load(), s.found.Load()} {
		if p != nil {
			return *p
		}
	}
	return nil
}

// fail ends all writing.
func (s *Store) fail(err error) { s.failed.CompareAndSwap(nil, &err) }

// Path is the file's.
func (s *Store) Path() string { return s.opt.Path }

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func un64(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
