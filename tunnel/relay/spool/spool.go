// Package spool stores requests until their client has them, and the tokens and hooks, in one bbolt file.
//
// It promises:
//
//   - Durability: when [Spool.Put] returns without error, the request and its body are synced to disk. A process killed at any
//     instant loses no such request, and leaves no half of another.
//   - Order: the positions (epoch, seq) of a hook's requests rise in the order of their commits: over restarts, with any clock, and
//     after a restore from an older copy of the file (see [Spool.Hello]).
//   - Only [Spool.Stored], [Spool.DeleteHook] and age remove requests. Age leaves a [Gap].
//   - Memory does not depend on the size of bodies, and a large body doesn't block small ones: it is written in pieces, each part of
//     a shared commit. The record, committed last, makes the request exist.
//
// It doesn't survive the loss of the disk, allows one process per file ([ErrInUse]), and never shrinks the file.
//
// Age counts only the time during which the relay ran, so that neither a wrong clock nor a long pause drops requests.
package spool

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"greenroom/internal/boltfile"
	"greenroom/internal/crash"
	"greenroom/internal/cursor"
	"greenroom/internal/private"
)

// FileName is the spool's file in its folder.
const FileName = "relay.db"

// Errors.
var (
	// ErrBusy is returned when too many writes wait. Nothing was written; try again shortly.
	ErrBusy = errors.New("spool: too many writes are waiting")
	// ErrClosed is returned after Close has begun.
	ErrClosed = errors.New("spool: closed")
	// ErrNotFound is returned for an unknown token, hook or request.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned for a name that exists.
	ErrExists = errors.New("already exists")
	// ErrInvalid is returned for an invalid name or policy.
	ErrInvalid = errors.New("not allowed")
	// ErrQuota is returned when a hook's share is used up.
	ErrQuota = errors.New("spool: the hook's spool is full")
	// ErrInUse is returned by Open when another process holds the file.
	ErrInUse = boltfile.ErrInUse
	// ErrGone is returned by writes while another file, or none, has the spool's name: writes would be lost.
	ErrGone = boltfile.ErrGone
	// ErrDamaged is in the errors of a damaged file, whenever the damage is found.
	ErrDamaged = boltfile.ErrDamaged
	// ErrBroken is wrapped by the errors of a spool that no longer writes: the last commit failed although readers see it, so the
	// disk may lack what later commits would build on. Opening it again reads the disk's state.
	ErrBroken = errors.New("spool: the disk failed during a commit; nothing is accepted until the relay is restarted")
	// ErrNewer is returned by Open when a newer version wrote the file.
	ErrNewer = errors.New("spool: the file was written by a newer relay")
	// ErrAhead is returned by [Spool.Stored] for a position that was never given out.
	ErrAhead = errors.New("spool: a position beyond any that was assigned")
)

// Options configure a spool. Only Dir is required.
type Options struct {
	// Dir is the folder of the file; it is created with mode 0700 if missing.
	Dir string
	// Timeout is how long to wait for another process that holds the file, 1 s if zero.
	Timeout time.Duration
	// Quota is how many bytes may wait for each hook, 1 GiB if zero.
	Quota int64
	// Retain is how long a request waits before it is dropped, 7 days if zero.
	Retain time.Duration
	// Memory is how many bytes of arriving bodies are held, 64 MiB if zero, and at most a quarter of it for one token. Requests
	// beyond it fail with [ErrBusy].
	Memory int
	// OnSpooled is called with a hook's id when a new request of it is durable, OnGap when requests were dropped, OnCommit after each
	// commit with its duration and number of writes. None of them may block.
	OnSpooled func(hook string)
	OnGap     func(Gap)
	OnCommit  func(took time.Duration, writes int, err error)
	// Plain is for commands that show and change tokens and hooks: no new epoch, no background work, and Put fails.
	Plain bool
	Clock clockwork.Clock
	Log   *slog.Logger
	Crash *crash.Group
}

// Spool is an open file. It is safe for concurrent use.
type Spool struct {
	opt   Options
	db    *boltfile.File
	path  string
	queue chan *op
	lazy  chan struct{}

	closing chan struct{}
	closed  chan struct{}
	once    sync.Once
	start   time.Time // by the clock, to measure elapsed time
	// ran is the age of the spool when it was opened: how long relays have run on it.
	ran time.Duration

	// epoch is the epoch of new requests, unless their hook knows of a later one.
	epoch uint64
	nouns sync.Mutex // held while a token or hook is changed

	mu     sync.RWMutex
	tokens map[string]*Token // by name
	hashes map[[32]byte]*Token
	hooks  map[string]*hook // by id
	stored map[string]cursor.Position
	aborts []uint64
	old    bool  // more requests are too old
	failed error // the last commit's error
	found  error // damage that a reader met
	memory memory
	// broken is the reason why writing has ended; the writer's.
	broken error
}

// hook is a hook with its state, as of the last commit.
type hook struct {
	Hook
	state state
	// reserved counts bytes that are being written.
	reserved int64
	// high is the last position given out, or about to be.
	high cursor.Position
}

// The top-level buckets.
var (
	bucketMeta   = []byte("meta")
	bucketTokens = []byte("tokens") // name -> Token
	bucketHooks  = []byte("hooks")  // id -> Hook
	bucketStates = []byte("states") // hook id -> state
	bucketEvents = []byte("events") // hook id -> bucket of position -> record
	bucketPieces = []byte("pieces") // body, number of the piece -> bytes
	bucketOpen   = []byte("open")   // body -> nothing, until its record exists
	bucketGaps   = []byte("gaps")   // hook id \0 epoch, from -> Gap
)

var allBuckets = [][]byte{
	bucketMeta, bucketTokens, bucketHooks, bucketStates, bucketEvents, bucketPieces, bucketOpen, bucketGaps,
}

var (
	keySchema = []byte("schema")
	keyEpoch  = []byte("epoch")
	keyRan    = []byte("ran")
	keyURL    = []byte("url")
)

// schema is the version of the file's layout.
const schema = 1

// Open opens or creates the file, begins a new epoch and starts the writer.
func Open(o Options) (*Spool, error) {
	o = o.withDefaults()
	if err := prepare(o); err != nil {
		return nil, err
	}
	path := filepath.Join(o.Dir, FileName)
	db, err := openFile(path, o.Timeout)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		opt: o, db: db, path: path, queue: make(chan *op, queueLen), lazy: make(chan struct{}, 1),
		closing: make(chan struct{}), closed: make(chan struct{}), start: o.Clock.Now(),
		memory: memory{byToken: map[string]int{}},
		tokens: map[string]*Token{}, hashes: map[[32]byte]*Token{}, hooks: map[string]*hook{}, stored: map[string]cursor.Position{},
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.closeFile(err))
	}
	o.Crash.Go("spool writer", s.run)
	return s, nil
}

// kind is the spool as a file.
var kind = boltfile.Kind{Name: "spool", Advice: "stop the relay and restore a backup, as docs/relay.md describes"}

// prepare creates a missing folder, and refuses another user's, who could replace the file.
func prepare(o Options) error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("spool: make the folder: %w", err)
	}
	info, err := os.Stat(o.Dir)
	switch {
	case err != nil:
		return fmt.Errorf("spool: the folder: %w", err)
	case !private.Mine(info):
		return fmt.Errorf("spool: the folder %s: %w: it belongs to another user", o.Dir, fs.ErrPermission)
	case private.Writable(info):
		o.Log.Warn("other users can change what is in the relay's folder: chmod go-w", "folder", o.Dir)
	}
	return nil
}

// openFile opens or creates the file. The list of free pages is not saved in it, because commits would stay slow after a long backlog.
func openFile(name string, timeout time.Duration) (*boltfile.File, error) {
	o := boltfile.Options{Kind: kind, Timeout: timeout, NoFreelistSync: true}
	path, err := boltfile.RealPath(name)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := boltfile.Create(path, o, fill); err != nil {
			return nil, err
		}
	}
	return boltfile.Open(path, o)
}

// fill writes the content of a new file.
func fill(tx *bolt.Tx) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keySchema, be64(schema))
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(max(o.Timeout, 0), time.Second)
	o.Quota = cmp.Or(max(o.Quota, 0), DefaultQuota)
	o.Retain = cmp.Or(max(o.Retain, 0), DefaultRetain)
	o.Memory = cmp.Or(max(o.Memory, 0), DefaultMemory)
	o.Clock = cmp.Or(o.Clock, clockwork.NewRealClock())
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.OnSpooled == nil {
		o.OnSpooled = func(string) {}
	}
	if o.OnGap == nil {
		o.OnGap = func(Gap) {}
	}
	if o.OnCommit == nil {
		o.OnCommit = func(time.Duration, int, error) {}
	}
	return o
}

// Defaults of the options.
const (
	DefaultQuota  = 1 << 30
	DefaultRetain = 7 * 24 * time.Hour
	DefaultMemory = 64 << 20
)

// load removes the remains of a crash, begins the epoch, and reads tokens and hooks.
func (s *Spool) load() error {
	if err := kind.Guard(s.path, func() error { return s.db.Update(s.begin) }); err != nil {
		return fmt.Errorf("spool: load: %w", err)
	}
	return nil
}

func (s *Spool) begin(tx *bolt.Tx) error {
	for _, name := range allBuckets {
		if tx.Bucket(name) == nil {
			return kind.Damaged(s.path, fmt.Sprintf("its %s are missing", name))
		}
	}
	meta := tx.Bucket(bucketMeta)
	if v := un64(meta.Get(keySchema)); v > schema {
		return fmt.Errorf("%w: schema %d, this one knows %d", ErrNewer, v, schema)
	}
	if err := meta.Put(keySchema, be64(schema)); err != nil {
		return err
	}
	s.ran = time.Duration(un64(meta.Get(keyRan)))
	s.epoch = un64(meta.Get(keyEpoch))
	if !s.opt.Plain {
		if err := sweep(tx); err != nil {
			return err
		}
		s.epoch = nextEpoch(s.start, s.epoch)
		if err := meta.Put(keyEpoch, be64(s.epoch)); err != nil {
			return err
		}
	}
	return s.loadNouns(tx)
}

func (s *Spool) loadNouns(tx *bolt.Tx) error {
	err := tx.Bucket(bucketTokens).ForEach(func(_, v []byte) error {
		t := &Token{}
		if err := json.Unmarshal(v, t); err != nil {
			return fmt.Errorf("a token: %w", err)
		}
		s.remember(t)
		return nil
	})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketHooks).ForEach(func(k, v []byte) error {
		h := &hook{}
		if err := json.Unmarshal(v, &h.Hook); err != nil {
			return fmt.Errorf("a hook: %w", err)
		}
		if raw := tx.Bucket(bucketStates).Get(k); raw != nil {
			if err := json.Unmarshal(raw, &h.state); err != nil {
				return fmt.Errorf("the state of a hook: %w", err)
			}
		}
		if h.state.Floor >= s.epoch && !s.opt.Plain {
			h.state.Floor++
		}
		h.high = h.state.last().of(h.ID)
		s.hooks[h.ID] = h
		return nil
	})
}

// sweep removes the bodies that a crash has left without a record.
func sweep(tx *bolt.Tx) error {
	open := tx.Bucket(bucketOpen)
	for k, _ := open.Cursor().First(); k != nil; k, _ = open.Cursor().First() {
		if err := dropBody(tx, un64(k)); err != nil {
			return err
		}
		if err := open.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Close finishes waiting writes and closes the file. Later calls fail with [ErrClosed].
func (s *Spool) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.closed
	s.mu.RLock()
	problem := errors.Join(s.failed, s.found)
	s.mu.RUnlock()
	if err := s.closeFile(problem); err != nil {
		return fmt.Errorf("spool: close: %w", err)
	}
	return nil
}

// closeFile closes the file. If damage left the library locked, only the descriptor is closed.
func (s *Spool) closeFile(problem error) error {
	if boltfile.Stuck(problem) {
		return s.db.OS.Close()
	}
	return s.db.Close()
}

// Healthy returns the problem of the file: the error of the last commit, or damage that a reader met; nil if there is none.
func (s *Spool) Healthy() error {
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := cmp.Or(s.failed, s.found); err != nil {
		return err
	}
	return s.db.There(s.path)
}

// Size returns the file's size in bytes.
func (s *Spool) Size() (n int64, err error) {
	err = s.view(func(tx *bolt.Tx) error { n = tx.Size(); return nil })
	return n, err
}

// SetURL saves the relay's public address for commands that run while it doesn't.
func (s *Spool) SetURL(ctx context.Context, url string) error {
	return s.do(ctx, &op{apply: func(b *batch) error {
		if meta := b.tx.Bucket(bucketMeta); string(meta.Get(keyURL)) != url {
			b.fail(meta.Put(keyURL, []byte(url)))
		}
		return nil
	}})
}

// URL returns the last public address of the relay, or "".
func (s *Spool) URL() (url string, err error) {
	err = s.view(func(tx *bolt.Tx) error { url = string(tx.Bucket(bucketMeta).Get(keyURL)); return nil })
	return url, err
}

// view runs a short read transaction.
func (s *Spool) view(f func(*bolt.Tx) error) error {
	s.mu.RLock()
	failed, found := s.failed, s.found
	s.mu.RUnlock()
	for _, err := range []error{failed, found} {
		if boltfile.Stuck(err) {
			return err
		}
	}
	err := kind.Guard(s.path, func() error { return s.db.View(f) })
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, ErrDamaged):
		s.mu.Lock()
		first := s.found == nil
		s.found = err
		s.mu.Unlock()
		if first {
			s.opt.Log.Error("the spool can't be read", "err", err)
		}
	}
	return err
}

// age returns how long relays have run on this file.
func (s *Spool) age() time.Duration { return s.ran + s.opt.Clock.Since(s.start) }

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func un64(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
