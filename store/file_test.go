package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/regular"
)

// Nothing is acknowledged in a file that isn't the one of its name, and everything is again once it is back.
func TestAFileThatIsGoneAcknowledgesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files in use can't be removed there")
	}
	for name, change := range map[string]func(path string) error{
		"removed": os.Remove,
		"moved":   func(path string) error { return os.Rename(path, path+".away") },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".other", []byte("another"), 0o600), os.Link(path, path+".away"), os.Rename(path+".other", path))
		},
		"its folder removed": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{Path: filepath.Join(t.TempDir(), "data", FileName)})
			if _, err := s.Append(t.Context(), Entry{Delivery: delivery(1)}); err != nil {
				t.Fatal(err)
			}
			if err := change(s.Path()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Append(t.Context(), Entry{Delivery: delivery(2)}); !errors.Is(err, ErrGone) {
				t.Errorf("append: %v", err)
			}
			if _, err := s.Reject(t.Context(), delivery(3)); !errors.Is(err, ErrGone) {
				t.Errorf("reject: %v", err)
			}
			if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutValue("a", nil) }); !errors.Is(err, ErrGone) {
				t.Errorf("update: %v", err)
			}
			if _, _, err := s.Compact(t.Context()); !errors.Is(err, ErrGone) {
				t.Errorf("compact: %v", err)
			}
			if st, err := s.Stats(t.Context()); err != nil || !strings.Contains(st.Problem, s.Path()) {
				t.Errorf("the problem is %q, %v", st.Problem, err)
			}
			if n := count(t, s); n != 1 {
				t.Errorf("%d deliveries can be read", n)
			}
			if _, err := os.Stat(s.Path() + ".away"); err != nil {
				return
			}
			if err := os.Rename(s.Path()+".away", s.Path()); err != nil {
				t.Fatal(err)
			}
			if d, err := s.Append(t.Context(), Entry{Delivery: delivery(2)}); err != nil || d.DuplicateOf != 0 {
				t.Errorf("with the file back: %+v, %v", d, err)
			}
			if st, err := s.Stats(t.Context()); err != nil || st.Problem != "" {
				t.Errorf("with the file back, the problem is %q, %v", st.Problem, err)
			}
		})
	}
}

// The file vanishes while a commit is under way: what it wrote isn't acknowledged either.
func TestAFileThatGoesDuringACommit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files in use can't be removed there")
	}
	published := 0
	s := open(t, Options{OnCommit: func([]app.Change) { published++ }})
	_, err := s.Append(t.Context(), Entry{Delivery: delivery(1), Effect: func(*Tx, *app.Delivery) error { return os.Remove(s.Path()) }})
	if !errors.Is(err, ErrGone) || published != 0 {
		t.Errorf("%v, %d changes", err, published)
	}
}

// Links to the file are followed by whatever replaces it.
func TestTheFileBehindALinkIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "disk"), 0o700), os.Mkdir(filepath.Join(dir, "data"), 0o700)); err != nil {
		t.Fatal(err)
	}
	real, link, between := filepath.Join(dir, "disk", "real.db"), filepath.Join(dir, "data", FileName), filepath.Join(dir, "data", "between")
	if err := errors.Join(os.Symlink("between", link), os.Symlink(filepath.Join("..", "disk", "real.db"), between)); err != nil {
		t.Skip(err)
	}
	s := open(t, Options{Path: link}) // made behind the links
	appendN(t, s, 5, nil)
	backup := filepath.Join(dir, "backup.db")
	if _, err := s.BackupFile(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	appendN(t, s, 20, nil)
	was, err := os.Stat(real)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	stillLinked := func() os.FileInfo {
		t.Helper()
		if to, err := os.Readlink(link); err != nil || to != "between" {
			t.Errorf("the link is %q, %v", to, err)
		}
		now, err := os.Stat(real)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	if os.SameFile(was, stillLinked()) {
		t.Error("the file behind the links is as it was")
	}
	if _, err := s.Append(t.Context(), Entry{Delivery: delivery(99)}); err != nil {
		t.Error(err)
	}
	// Another folder's lock says nothing of this file: its own does.
	if runtime.GOOS != "windows" {
		if _, err := Restore(t.Context(), link, backup); !errors.Is(err, ErrInUse) {
			t.Errorf("restored while in use: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := Restore(t.Context(), link, backup)
	if err != nil || filepath.Dir(kept) != filepath.Dir(real) {
		t.Fatalf("%q, %v", kept, err)
	}
	stillLinked()
	if n := count(t, open(t, Options{Path: real})); n != 5 {
		t.Errorf("%d deliveries were restored", n)
	}
	if n := count(t, open(t, Options{Path: kept})); n != 26 {
		t.Errorf("%d deliveries were kept", n)
	}
}

func TestLinksInACircleAreAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.Symlink(FileName, path); err != nil {
		t.Skip(err)
	}
	if s, err := Open(Options{Path: path}); err == nil {
		t.Error("opened", s.Close())
	}
}

// blocked is a writer that waits after the first of what it is given.
type blocked struct {
	begun chan struct{}
	gate  chan struct{}
	n     int64
}

func (w *blocked) Write(b []byte) (int, error) {
	if w.n == 0 {
		close(w.begun)
	}
	w.n += int64(len(b))
	<-w.gate
	return len(b), nil
}

// A backup onto a disk that takes its time holds up neither writes, though the file grows far beyond its size, nor reads, nor
// a compaction's turn of both.
func TestABackupHoldsUpNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a mapping can't be larger than its file there")
	}
	s := open(t, Options{SegmentBytes: 8 << 20})
	big := make(app.Body, 1<<20)
	add := func(n int) {
		t.Helper()
		d := delivery(n)
		d.Body = big
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	add(0)
	w := &blocked{begun: make(chan struct{}), gate: make(chan struct{})}
	backed := make(chan error, 1)
	go func() { _, err := s.Backup(context.Background(), w); backed <- err }()
	<-w.begun
	compacted := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _, err := s.Compact(ctx); compacted <- err }()
	for n := range 40 { // far beyond what the library maps at first
		add(n + 1)
	}
	if n := count(t, s); n != 41 {
		t.Errorf("%d deliveries", n)
	}
	cancel()
	if err := <-compacted; !errors.Is(err, context.Canceled) {
		t.Errorf("a compaction ran during the backup: %v", err)
	}
	close(w.gate)
	if err := <-backed; err != nil {
		t.Error(err)
	}
	if _, _, err := s.Compact(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAStoreForReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if _, err := Open(Options{Path: path, ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	s := open(t, Options{Path: path})
	appendN(t, s, 30, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path, ReadOnly: true})
	also := open(t, Options{Path: path, ReadOnly: true})
	if n := count(t, s); n != 30 || count(t, also) != n {
		t.Errorf("%d deliveries", n)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := s.BackupFile(t.Context(), filepath.Join(t.TempDir(), "copy")); err != nil {
		t.Error(err)
	}
	if _, err := s.Append(t.Context(), Entry{Delivery: delivery(99)}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	s.retain()
	if _, _, err := s.Compact(t.Context()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed, %v", err)
	}
}

func TestWhatIsNoRegularFileIsNoStore(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(Options{Path: dir}); !errors.Is(err, regular.ErrNotRegular) && err == nil {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Restore(t.Context(), filepath.Join(t.TempDir(), FileName), dir); err == nil {
		t.Error("a folder was restored")
	}
	s := open(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), dir, s.Path()); err == nil {
		t.Error("a folder was replaced")
	}
}
