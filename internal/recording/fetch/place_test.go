package fetch

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
)

// text is a source of a few bytes that knows a checksum of them, if a test says so.
type text struct {
	body string
	id   recording.Identity
}

func (s text) Identify(context.Context) (recording.Identity, error) {
	id := s.id
	id.Size = int64(len(s.body))
	return id, nil
}

func (s text) Open(_ context.Context, _ recording.Identity, off, n int64) (io.ReadCloser, error) {
	if n < 0 {
		n = int64(len(s.body)) - off
	}
	return io.NopCloser(strings.NewReader(s.body[off : off+n])), nil
}

func TestNamesThatAreNoneInsideTheFolder(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "../one.mp4", "a/../../one.mp4", "/etc/passwd", "a/", "a//b.mp4", "./one.mp4", "a/./b",
		"one\x00.mp4", "one\n.mp4", "\x1b]0;owned\a.mp4", "one\u202e4pm.exe", "one\u0085.mp4", "one\xff.mp4",
		"CON", "con.mp4", "a/NUL.txt", "com1.mp4", "LPT9", "com¹.mp4", "aux .mp4",
		`C:\one.mp4`, `a\b.mp4`, "one:stream.mp4", "what?.mp4", "a*.mp4", `"a".mp4`, "<a>.mp4", "a|b.mp4",
		"one.", "one ", " one.mp4", "a./b.mp4", "a /b.mp4",
		strings.Repeat("x", 256), strings.Repeat("ä", 128) + ".mp4", strings.Repeat("x", 300) + "/one.mp4",
	} {
		dir := t.TempDir()
		task := task(t, text{body: "one"})
		task.Dir, task.Name = filepath.Join(dir, "inside"), name
		if r, err := small(t).Fetch(t.Context(), task); !errors.Is(err, ErrName) {
			t.Errorf("%q: %+v, %v", name, r, err)
		}
		only(t, dir)
	}
}

func TestNamesThatAreFine(t *testing.T) {
	for _, name := range []string{
		"one.mp4", "渡辺/Zoë’s room (2).mp4", ".hidden", "a..b.mp4", "console.mp4", "com10.mp4", "one", strings.Repeat("x", 251) + ".mp4",
		strings.Repeat("ä", 127), "con-a.mp4", "a/b/c/d.webm",
	} {
		task := task(t, text{body: "one"})
		task.Name = name
		r, err := small(t).Fetch(t.Context(), task)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		holds(t, r.Path, []byte("one"))
		only(t, task.Dir, name)
	}
}

func TestNoSymbolicLinkLeadsOutOfTheFolder(t *testing.T) {
	outside := t.TempDir()
	for name, prepare := range map[string]func(dir string) error{
		"a folder": func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "all-hands")) },
		"a folder, by a relative way": func(dir string) error {
			rel, err := filepath.Rel(dir, outside)
			return errors.Join(err, os.Symlink(rel, filepath.Join(dir, "all-hands")))
		},
		"the part file": func(dir string) error {
			part := partName("daily/r1/file", "one.mp4")
			return errors.Join(os.Mkdir(filepath.Join(dir, "all-hands"), 0o700),
				os.WriteFile(filepath.Join(outside, "precious"), []byte("precious"), 0o600),
				os.Symlink(filepath.Join(outside, "precious"), filepath.Join(dir, "all-hands", part)))
		},
	} {
		task := task(t, text{body: "one"})
		if err := prepare(task.Dir); err != nil {
			t.Fatal(err)
		}
		if r, err := small(t).Fetch(t.Context(), task); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
		for _, file := range files(t, outside) {
			if file != "precious" {
				t.Errorf("%s: there is a file %s outside", name, file)
			}
			holds(t, filepath.Join(outside, "precious"), []byte("precious"))
		}
	}
	// A link where the final file belongs is a name in use.
	task := task(t, text{body: "one"})
	if err := errors.Join(os.Mkdir(filepath.Join(task.Dir, "all-hands"), 0o700),
		os.Symlink(filepath.Join(outside, "precious"), filepath.Join(task.Dir, "all-hands", "one.mp4"))); err != nil {
		t.Fatal(err)
	}
	r, err := small(t).Fetch(t.Context(), task)
	if err != nil || filepath.Base(r.Path) != "one (2).mp4" {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, filepath.Join(outside, "precious"), []byte("precious"))
}

func TestNoFileIsReplaced(t *testing.T) {
	d := small(t)
	dir := t.TempDir()
	fetch := func(key, body string) string {
		t.Helper()
		task := task(t, text{body: body})
		task.Key, task.Dir, task.Name = key, dir, "one.mp4"
		r, err := d.Fetch(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, r.Path, []byte(body))
		return filepath.Base(r.Path)
	}
	for _, test := range []struct{ key, body, want string }{
		{"a", "first", "one.mp4"},
		{"b", "other", "one (2).mp4"},
		{"c", "third!", "one (3).mp4"},
		{"d", "other", "one (2).mp4"}, // the same content is the same file
		{"a", "first", "one.mp4"},
	} {
		if got := fetch(test.key, test.body); got != test.want {
			t.Errorf("%s is at %s, want %s", test.body, got, test.want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "one (4).mp4"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := fetch("e", "fifth"); got != "one (5).mp4" {
		t.Errorf("it is at %s", got)
	}
	only(t, dir, "one (2).mp4", "one (3).mp4", "one (5).mp4", "one.mp4")
}

func TestRenamingWithoutTheKernelsHelpReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	in, err := openFolder(dir, "one")
	if err != nil {
		t.Fatal(err)
	}
	defer in.root.Close()
	for name, rename := range map[string]func(from, to string) error{"the best way": in.rename, "by link": in.link} {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "part"), []byte("new"), 0o600),
			os.WriteFile(filepath.Join(dir, "taken"), []byte("old"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := rename("part", "taken"); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
		holds(t, filepath.Join(dir, "taken"), []byte("old"))
		if err := rename("part", "free"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		holds(t, filepath.Join(dir, "free"), []byte("new"))
		only(t, dir, "free", "taken")
		if err := os.Remove(filepath.Join(dir, "free")); err != nil {
			t.Fatal(err)
		}
	}
}

// Killed between noting the name and having it, or right after, a download finds what there is.
func TestAFileThatGotItsNameIsFound(t *testing.T) {
	data := content(30, 200<<10)
	o := serve(t, data)
	task := task(t, o.source())
	journal := task.Journal.(*memory)
	d := small(t)
	r, err := d.Fetch(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	p, err := load(t.Context(), journal)
	if err != nil || p.Final != r.Path || p.SHA256 != r.SHA256 {
		t.Fatalf("%+v, %v", p, err)
	}
	// Before the renaming: the part file is whole.
	if err := os.Rename(r.Path, p.Part); err != nil {
		t.Fatal(err)
	}
	r, err = d.Fetch(t.Context(), task)
	if err != nil || r.FetchedBytes != 0 || r.Path != p.Final {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, r.Path, data)
	// Changed since: it is not the file any more, and stays as it is.
	if err := os.WriteFile(r.Path, []byte("edited"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err = d.Fetch(t.Context(), task)
	if err != nil || filepath.Base(r.Path) != "one (2).mp4" || r.FetchedBytes != int64(len(data)) {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, p.Final, []byte("edited"))
	// Gone since.
	if err := os.Remove(r.Path); err != nil {
		t.Fatal(err)
	}
	if r, err = d.Fetch(t.Context(), task); err != nil || r.FetchedBytes != int64(len(data)) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnotherFolderTakesThePartFileAlong(t *testing.T) {
	data := content(31, 2<<20)
	o := serve(t, data)
	task := task(t, o.source())
	former := task.Dir
	pauseAt(t, New(Options{Chunk: 64 << 10, Limit: 4 << 20}), task, 1<<20)
	task.Dir = t.TempDir()
	r, err := small(t).Fetch(t.Context(), task)
	if err != nil || r.FetchedBytes > int64(len(data))-(512<<10) || len(r.Restarted) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, r.Path, data)
	only(t, former)
	only(t, task.Dir, "all-hands/one.mp4")
}

func TestAFolderThatCannotBeWrittenCostsNoPartFile(t *testing.T) {
	former := filepath.Join(t.TempDir(), "one.mp4.part")
	if err := os.WriteFile(former, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	task := task(t, text{body: "one"})
	in, err := openFolder(task.Dir, task.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.root.Close()
	if err := os.RemoveAll(task.Dir); err != nil {
		t.Fatal(err)
	}
	f := &fetch{d: small(t), task: task, in: in, progress: Progress{Part: former}}
	if err := f.open(); err == nil {
		t.Fatal("opened a part file in a folder that isn't there")
	}
	holds(t, former, []byte("half"))
}

// pauseAt fetches until there are n bytes.
func pauseAt(t *testing.T, d *Downloader, task recording.Task, n int64) {
	t.Helper()
	ctx, pause := context.WithCancel(t.Context())
	defer pause()
	task.Report = func(s recording.Report) {
		if s.Bytes >= n {
			pause()
		}
	}
	if _, err := d.Fetch(ctx, task); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestAPartFileOfAnotherKindStartsOver(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 100) },
		"longer":  func(path string) error { return os.Truncate(path, 3<<20) },
	} {
		data := content(32, 2<<20)
		o := serve(t, data)
		task := task(t, o.source())
		d := New(Options{Chunk: 64 << 10, Limit: 8 << 20})
		pauseAt(t, d, task, 1<<20)
		p, err := load(t.Context(), task.Journal)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(p.Part); err != nil {
			t.Fatal(err)
		}
		d.SetLimit(0)
		r, err := d.Fetch(t.Context(), task)
		if err != nil || len(r.Restarted) != 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		holds(t, r.Path, data)
	}
}

func TestTwoProcessesDoNotFetchOneFile(t *testing.T) {
	data := content(33, 1<<20)
	o := serve(t, data)
	first := task(t, o.source())
	second := first
	second.Journal = &memory{}
	one, two := New(Options{Chunk: 64 << 10, Limit: 1 << 20, Crash: &crash.Group{}}), small(t)
	var tried error
	tries := 0
	first.Report = func(s recording.Report) {
		if s.Bytes > 0 && tries == 0 {
			tries++
			// Two downloaders are as two processes to each other: the lock is on the open file.
			_, tried = two.Fetch(t.Context(), second)
			one.SetLimit(0)
		}
	}
	r, err := one.Fetch(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, r.Path, data)
	if !errors.Is(tried, ErrBusy) {
		t.Errorf("the other one: %v", tried)
	}
	if r, err = two.Fetch(t.Context(), second); err != nil || r.Path != filepath.Join(first.Dir, "all-hands", "one.mp4") {
		t.Errorf("%+v, %v", r, err)
	}
	only(t, first.Dir, "all-hands/one.mp4")
}
