package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m)
}

// content is n bytes that are the same for every call with the same seed, and don't repeat.
func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(key).Read(b)
	return b
}

// memory is a journal without a disk.
type memory struct {
	mu    sync.Mutex
	text  []byte
	saves int
	fail  error
}

func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text, nil
}

func (m *memory) Save(_ context.Context, progress []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.saves++
	m.text = bytes.Clone(progress)
	return nil
}

func (m *memory) Clear(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text = nil
	return nil
}

// onDisk is a journal in a file.
type onDisk string

func (path onDisk) Load(context.Context) ([]byte, error) {
	b, err := os.ReadFile(string(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (path onDisk) Save(_ context.Context, progress []byte) error {
	f, err := os.Create(string(path) + ".new")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(progress); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(string(path)+".new", string(path))
}

func (path onDisk) Clear(context.Context) error {
	if err := os.Remove(string(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// origin serves one file over HTTP as a good server does, unless a test says otherwise.
type origin struct {
	*httptest.Server
	// sent are the bytes of bodies that were handed to the network, requests their number.
	sent     atomic.Int64
	requests atomic.Int64

	mu   sync.Mutex
	data []byte
	etag string
	// before may answer a request in its own way, and says whether it did.
	before func(w http.ResponseWriter, r *http.Request) bool
}

func serve(t testing.TB, data []byte) *origin {
	t.Helper()
	o := &origin{data: data, etag: `"one"`}
	o.Server = httptest.NewServer(http.HandlerFunc(o.answer))
	t.Cleanup(func() {
		o.CloseClientConnections()
		o.Close()
	})
	return o
}

func (o *origin) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *origin) answer(w http.ResponseWriter, r *http.Request) {
	o.requests.Add(1)
	w = &counted{w, &o.sent}
	o.mu.Lock()
	before := o.before
	o.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	o.mu.Lock()
	data, etag := o.data, o.etag
	o.mu.Unlock()
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// counted counts what is written to the network.
type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// source is the origin's file.
func (o *origin) source() *source.HTTP {
	return source.NewHTTP(source.HTTPOptions{Link: Fixed(o.URL + "/file?signature=geheim"), Transport: source.NewTransport(true)})
}

// task is one that fetches from a source into a folder of its own.
func task(t testing.TB, s recording.Source) recording.Task {
	return recording.Task{Key: "daily/r1/file", Source: s, Journal: &memory{}, Dir: t.TempDir(), Name: "all-hands/one.mp4"}
}

// small is a downloader for files of some hundred kilobytes.
func small(t testing.TB) *Downloader {
	group := &crash.Group{}
	t.Cleanup(group.Wait)
	return New(Options{Chunk: 64 << 10, Crash: group})
}

// holds fails the test unless a file has the content.
func holds(t testing.TB, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes that are not the %d of the source", path, len(got), len(want))
	}
}

// files lists what is in a folder, at any depth.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// only fails the test unless the folder holds just these files.
func only(t testing.TB, dir string, want ...string) {
	t.Helper()
	if got := files(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

// Fixed is the Link of a file whose link never changes.
func Fixed(link string) func(context.Context, string) (provider.FileLink, error) {
	return func(context.Context, string) (provider.FileLink, error) { return provider.FileLink{URL: link}, nil }
}
