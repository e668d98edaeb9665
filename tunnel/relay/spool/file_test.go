package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
)

// TestAFileThatIsGoneTakesNothing: what is written into a file without a name is lost with the process.
func TestAFileThatIsGoneTakesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is in use can't be moved")
	}
	for name, remove := range map[string]func(t *testing.T, path, aside string){
		"moved": func(*testing.T, string, string) {},
		"another is in its place": func(t *testing.T, path, aside string) {
			raw, err := os.ReadFile(aside)
			if err == nil {
				err = os.WriteFile(path, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, aside := filepath.Join(dir, spool.FileName), filepath.Join(dir, "aside")
			s := open(t, spool.Options{Dir: dir})
			_, hook := token(t, s, "laptop")
			put(t, s, hook, []byte("before"))
			if err := os.Rename(path, aside); err != nil {
				t.Fatal(err)
			}
			remove(t, path, aside)
			for _, size := range []int{1, 3 << 20} {
				if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(make([]byte, size)), -1); !errors.Is(err, spool.ErrGone) {
					t.Errorf("a request of %d bytes: %v", size, err)
				}
			}
			if err := s.Healthy(); !errors.Is(err, spool.ErrGone) {
				t.Errorf("it is well: %v", err)
			}
			if err := os.Rename(aside, path); err != nil {
				t.Fatal(err)
			}
			put(t, s, hook, []byte("after"))
			if err := errors.Join(s.Healthy(), s.Close()); err != nil {
				t.Error(err)
			}
			if n, _ := open(t, spool.Options{Dir: dir}).Depth(hook); n != 2 {
				t.Errorf("%d wait, not 2", n)
			}
		})
	}
}

// TestAFileThatGoesDuringACommit: readers see the commit, and nothing may be built on it: its positions would be given out
// twice.
func TestAFileThatGoesDuringACommit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is in use can't be moved")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, spool.FileName)
	s := open(t, spool.Options{Dir: dir})
	_, hook := token(t, s, "laptop")
	err := s.DuringACommit(t.Context(), func() {
		if err := os.Rename(path, path+".aside"); err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(err, spool.ErrGone) {
		t.Fatalf("the commit ended with %v", err)
	}
	if err := os.Rename(path+".aside", path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(nil), 0); !errors.Is(err, spool.ErrBroken) {
		t.Errorf("a request after it: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, spool.Options{Dir: dir}), hook, nil)
}

// TestAMovedFileIsNoticedWithoutARequest, by what /readyz asks.
func TestAMovedFileIsNoticedWithoutARequest(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is in use can't be moved")
	}
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	if err := s.Healthy(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, spool.FileName)); err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(); !errors.Is(err, spool.ErrGone) {
		t.Errorf("it is well: %v", err)
	}
}

// TestNoDamageIsAPanic: whatever a file holds, opening and using it ends in an error at worst. The library panics in a
// goroutine of its own where it meets such a page first.
func TestNoDamageIsAPanic(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	_, hook := token(t, s, "laptop")
	for i := range 50 {
		put(t, s, hook, random(i*100))
	}
	put(t, s, hook, random(70<<10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	r := rand.New(rand.NewPCG(1, 2))
	used, refused := len(bytes.TrimRight(whole, "\x00"))/page+1, 0
	for i := range 2 * used {
		b := bytes.Clone(whole)
		at, how := i/2*page, "random bytes"
		if i%2 == 0 {
			for j := range 64 {
				b[at+j] = byte(r.Uint32())
			}
		} else {
			how, b = "cut off", b[:at]
		}
		t.Run(fmt.Sprintf("%s at %d", how, at), func(t *testing.T) {
			if !exercise(t, b, hook) {
				refused++
			}
		})
	}
	if refused < used {
		t.Errorf("%d of %d damages are noticed", refused, 2*used)
	}
}

// exercise uses a damaged file and reports whether nothing failed.
func exercise(t *testing.T, b []byte, hook string) bool {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, spool.FileName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := spool.Open(spool.Options{Dir: dir})
	if err != nil {
		return false
	}
	defer s.Close()
	at := cursor.Position{Hook: hook}
	for {
		e, ok, err := s.Next(at)
		if err != nil {
			return false
		}
		if !ok {
			break
		}
		for got := []byte{}; int64(len(got)) < e.Length; {
			if got, err = s.Read(e, int64(len(got)), got, 64<<10); err != nil {
				return false
			}
		}
		at = e.Position
	}
	_, err = s.Put(t.Context(), event(hook), bytes.NewReader(random(100<<10)), -1)
	return err == nil
}

// TestAnEmptyFileIsNoNewSpool: a file that lost everything must not look like a relay that never had a hook.
func TestAnEmptyFileIsNoNewSpool(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, spool.FileName)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Open(spool.Options{Dir: dir}); !errors.Is(err, spool.ErrDamaged) {
		t.Errorf("an empty file: %v", err)
	}
}
