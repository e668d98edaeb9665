package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"go.uber.org/goleak"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/internal/recording/fetch"
	"greenroom/internal/recording/layout"
	"greenroom/internal/recording/source"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begun is when everything was recorded.
var begun = time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)

// links hands out links into a server, or refuses.
type links struct {
	base string
	err  error
	mu   sync.Mutex
	n    int
}

func (l *links) FileLink(_ context.Context, recording string, f provider.RecordingFile) (provider.FileLink, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return provider.FileLink{URL: l.base + "/" + url.PathEscape(recording) + "/" + f.Name + "?token=hush"}, l.err
}

func (l *links) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// bench is a library with a platform and a bucket.
type bench struct {
	t       *testing.T
	library *Library
	links   *links
	folder  string
	bucket  *s3.Client
	// served holds the files behind the platform's links, by path.
	mu     sync.Mutex
	served map[string][]byte
	memory map[string]*memory
}

type memory struct{ text []byte }

func (m *memory) Load(context.Context) ([]byte, error)   { return m.text, nil }
func (m *memory) Save(_ context.Context, p []byte) error { m.text = bytes.Clone(p); return nil }
func (m *memory) Clear(context.Context) error            { m.text = nil; return nil }

const bucketName = "recordings"

func newBench(t *testing.T, change func(*Account)) *bench {
	b := &bench{t: t, folder: t.TempDir(), served: map[string][]byte{}, memory: map[string]*memory{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		data, ok := b.served[r.URL.Path]
		b.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", begun, bytes.NewReader(data))
	}))
	t.Cleanup(srv.Close)
	store := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(store.Close)
	b.links = &links{base: srv.URL}
	a := Account{
		APIURL: srv.URL, Linker: b.links, Bucket: bucketName,
		Access: source.BucketAccess{Region: "us-west-2", Endpoint: store.URL, PathStyle: true, AccessKey: "reader", SecretKey: "hush"},
	}
	if change != nil {
		change(&a)
	}
	template, err := layout.Parse(layout.DefaultTemplate)
	if err != nil {
		t.Fatal(err)
	}
	b.library = New(Options{
		Downloader: fetch.New(fetch.Options{Patience: 2 * time.Second}), Template: template, Zone: time.UTC,
		Accounts: map[string]Account{"daily": a},
	})
	t.Cleanup(func() {
		b.library.public.CloseIdleConnections()
		b.library.inside.CloseIdleConnections()
	})
	if b.bucket, err = source.NewS3Client(t.Context(), source.BucketAccess{
		Region: "us-west-2", Endpoint: store.URL, PathStyle: true, AccessKey: "writer", SecretKey: "hush",
	}); err != nil {
		t.Fatal(err)
	}
	name := bucketName
	if _, err := b.bucket.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) put(key string, data []byte) {
	b.t.Helper()
	name := bucketName
	if _, err := b.bucket.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader(data)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) serve(recording, name string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served["/"+recording+"/"+name] = data
}

func (b *bench) job(r app.Recording) recording.Job {
	return recording.Job{
		Recording: r, Folder: b.folder,
		Journal: func(file string) recording.Journal {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.memory[file] == nil {
				b.memory[file] = &memory{}
			}
			return b.memory[file]
		},
		Journaled: func(context.Context) ([]string, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			var out []string
			for name := range b.memory {
				out = append(out, name)
			}
			return out, nil
		},
	}
}

func cloud(key string) app.Recording {
	return app.Recording{
		ID: "r1", Account: "daily", Platform: provider.Daily, Room: "design", Status: app.RecordingReady, Kind: "cloud",
		StartedAt: app.At(begun), Files: []provider.RecordingFile{{Name: "1749988800000", Kind: "video", Key: key}},
	}
}

const cloudKey = "acme/design/1749988800000"

func TestAFileComesByTheWayThatHasIt(t *testing.T) {
	media := sandbox.Media(time.Minute)
	noChain := func(t *testing.T) {
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
			t.Setenv(name, "")
		}
		t.Setenv("AWS_CONFIG_FILE", "/dev/null")
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	}
	for _, c := range []struct {
		name    string
		account func(*Account)
		set     func(*bench)
		asked   int
		want    provider.Kind
	}{
		{"from the bucket", nil, func(b *bench) { b.put(cloudKey, media) }, 0, ""},
		{"the bucket lacks it", nil, func(b *bench) { b.serve("r1", "1749988800000", media) }, 1, ""},
		{"no bucket", func(a *Account) { a.Bucket = "" }, func(b *bench) { b.serve("r1", "1749988800000", media) }, 1, ""},
		{"no credentials", func(a *Account) { a.Access.AccessKey, a.Access.SecretKey = "", "" }, func(b *bench) {
			noChain(b.t)
			b.put(cloudKey, media)
			b.serve("r1", "1749988800000", media)
		}, 1, ""},
		{"AWS settings that can't be read", func(a *Account) { a.Access.AccessKey, a.Access.SecretKey = "", "" }, func(b *bench) {
			noChain(b.t)
			b.t.Setenv("AWS_PROFILE", "missing")
			b.serve("r1", "1749988800000", media)
		}, 1, ""},
		{"nowhere", nil, func(b *bench) {
			b.links.err = &provider.Error{Kind: provider.NotFound, Platform: provider.Daily}
		}, 1, provider.NotFound},
		{"refused", nil, func(b *bench) {
			b.links.err = &provider.Error{Kind: provider.Forbidden, Platform: provider.Daily, Hint: "ask for it"}
		}, 1, provider.Forbidden},
		{"still processed", nil, func(b *bench) {
			b.links.err = &provider.Error{Kind: provider.NotReady, Platform: provider.Daily}
		}, 1, provider.NotReady},
		{"a private address of a public platform", func(a *Account) { a.APIURL, a.Bucket = "https://api.daily.co/v1", "" },
			func(b *bench) { b.serve("r1", "1749988800000", media) }, 1, provider.Forbidden},
		{"no way at all", func(a *Account) { a.Linker, a.Bucket = nil, "" }, func(*bench) {}, 0, provider.Unsupported},
		{"no media", nil, func(b *bench) { b.put(cloudKey, []byte("<html>not a recording</html>")) }, 0, provider.Conflict},
		{"cut", nil, func(b *bench) { b.put(cloudKey, media[:len(media)*7/10]) }, 0, provider.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.account)
			b.t = t
			c.set(b)
			got, err := b.library.Fetch(t.Context(), b.job(cloud(cloudKey)))
			if err != nil {
				e := app.AsError(err)
				if e.Kind != c.want || c.want == "" {
					t.Fatalf("%v (%s)", err, e.Kind)
				}
				if e.Hint == "" {
					t.Errorf("%v says nothing of what to do", err)
				}
				if strings.Contains(err.Error()+e.Hint, "hush") {
					t.Errorf("a secret is in %v, %s", err, e.Hint)
				}
				if left, _ := filepath.Glob(filepath.Join(b.folder, "design", "*.mp4")); len(left) > 0 {
					t.Errorf("%v has a final name", left)
				}
				return
			}
			want := filepath.Join(b.folder, "design", "2025-06-15-120000-design-r1.mp4")
			if c.want != "" || got.Path != want || len(got.Files) != 1 || got.Files[0].Size != int64(len(media)) || got.Note != "" {
				t.Fatalf("%+v", got)
			}
			data, err := os.ReadFile(want)
			if err != nil || !bytes.Equal(data, media) {
				t.Errorf("another file: %d bytes, %v", len(data), err)
			}
			if now, err := scan(t.Context(), want, int64(len(media))); err != nil || now.Size != int64(len(media)) || now.SHA256 != got.Files[0].SHA256 {
				t.Errorf("%+v, %v", now, err)
			}
			if n := b.links.asked(); n != c.asked {
				t.Errorf("asked for %d links", n)
			}
			if !strings.Contains(got.Files[0].Media, "mp4, audio") {
				t.Errorf("media %q", got.Files[0].Media)
			}
			// What was noted before a crash is not fetched again.
			again, err := b.library.Fetch(t.Context(), b.job(cloud(cloudKey)))
			if err != nil || again.Path != got.Path || again.Files[0] != got.Files[0] {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

func track(who, media string, after time.Duration) provider.RecordingFile {
	key := fmt.Sprintf("acme/design/%d-%s-%s-%d", begun.UnixMilli(), who, media, begun.Add(after).UnixMilli())
	return provider.RecordingFile{Name: filepath.Base(key), Kind: media, Key: key}
}

func TestRawTracksComeIntoOneFolderWithTheirPeople(t *testing.T) {
	const ada, zoe = "5f0c7c1e-9b3a-4d44-8e21-0a1b2c3d4e5f", "6f0c7c1e-9b3a-4d44-8e21-0a1b2c3d4e5f"
	b := newBench(t, nil)
	r := cloud("")
	r.Kind = "tracks"
	r.Files = []provider.RecordingFile{
		track(ada, "cam-audio", 0), track(ada, "cam-video", 0), track(zoe, "cam-audio", 90*time.Second), track(zoe, "screen-audio", time.Second),
	}
	for i, f := range r.Files {
		b.put(f.Key, sandbox.Media(time.Duration(i+1)*time.Second))
	}
	j := b.job(r)
	j.Recording.Meeting, j.Recording.DurationS = "m1", 90.5
	j.People = []app.Stay{{Session: strings.ToUpper(ada), Name: "Ada", UserID: "u-ada"}, {Session: zoe, Name: "Zoë 渡辺/../x"}}
	var mu sync.Mutex
	var last recording.Report
	j.Report = func(r recording.Report) { mu.Lock(); last = r; mu.Unlock() }
	got, err := b.library.Fetch(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(b.folder, "design", "2025-06-15-120000-design-r1")
	if got.Path != folder || len(got.Files) != 6 {
		t.Fatalf("%+v", got)
	}
	m, err := layout.ReadManifest(folder)
	if err != nil || len(m.Tracks) != 4 || m.ID != "r1" || m.Tracks[0].Name != "Ada" || *m.Tracks[2].OffsetS != 90 {
		t.Errorf("%+v, %v", m, err)
	}
	if m.Meeting != "m1" || m.DurationS == nil || *m.DurationS != 90.5 || m.Tracks[0].UserID != "u-ada" || m.Tracks[2].UserID != "" {
		t.Errorf("%+v", m)
	}
	list, err := os.ReadFile(filepath.Join(folder, layout.ChecksumsName))
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	if err != nil || len(lines) != 5 || !slices.IsSortedFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) }) {
		t.Errorf("%q, %v", lines, err)
	}
	for _, f := range got.Files[:5] {
		if !slices.Contains(lines, f.SHA256+"  "+filepath.Base(f.Path)) {
			t.Errorf("%s is not in %q", f.Path, lines)
		}
	}
	var total int64
	for i, f := range m.Tracks {
		info, err := os.Stat(filepath.Join(folder, f.File))
		if err != nil || info.Size() != f.Size || f.SHA256 != got.Files[i].SHA256 {
			t.Errorf("%+v: %v", f, err)
			continue
		}
		total += info.Size()
	}
	if mu.Lock(); last.Bytes != total || last.Total != total || last.State != recording.Verifying {
		t.Errorf("the last report is %+v of %d bytes", last, total)
	}
	mu.Unlock()

	j.AudioOnly, j.Folder = true, t.TempDir()
	j.Journal = func(string) recording.Journal { return &memory{} }
	if got, err = b.library.Fetch(t.Context(), j); err != nil || len(got.Files) != 4 {
		t.Errorf("audio only: %+v, %v", got, err)
	}
	j.Recording.Files = j.Recording.Files[1:2]
	if _, err = b.library.Fetch(t.Context(), j); !errors.Is(err, provider.Conflict) {
		t.Errorf("no audio tracks: %v", err)
	}
}

func TestOneTrackThatFailsFailsTheRecordingAndLosesNothing(t *testing.T) {
	const ada = "5f0c7c1e-9b3a-4d44-8e21-0a1b2c3d4e5f"
	b := newBench(t, func(a *Account) { a.Linker = nil })
	r := cloud("")
	r.Kind = "tracks"
	r.Files = []provider.RecordingFile{track(ada, "cam-audio", 0), track(ada, "cam-video", 0)}
	b.put(r.Files[0].Key, sandbox.Media(time.Second))
	if _, err := b.library.Fetch(t.Context(), b.job(r)); !errors.Is(err, provider.NotFound) {
		t.Fatal(err)
	}
	whole, err := filepath.Glob(filepath.Join(b.folder, "design", "*", "cam-audio*"))
	if err != nil || len(whole) != 1 {
		t.Fatalf("%v, %v", whole, err)
	}
	b.put(r.Files[1].Key, sandbox.Media(2*time.Second))
	if got, err := b.library.Fetch(t.Context(), b.job(r)); err != nil || len(got.Files) != 4 || got.Files[0].Path != whole[0] {
		t.Errorf("%+v, %v", got, err)
	}
}

// Waiting doesn't solve it; the user must.
func TestAFolderThatCannotBeMadeIsAFailureForGood(t *testing.T) {
	b := newBench(t, func(a *Account) { a.Linker = nil })
	r := cloud("design/one.mp4")
	b.put(r.Files[0].Key, sandbox.Media(time.Second))
	if err := os.WriteFile(filepath.Join(b.folder, "design"), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := b.library.Fetch(t.Context(), b.job(r))
	if e := app.AsError(err); e.Kind != provider.Conflict || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

func TestDiscardRemovesWhatIsNotWhole(t *testing.T) {
	b := newBench(t, func(a *Account) { a.Bucket = "" })
	media := sandbox.Media(time.Hour) // a megabyte and a half
	b.serve("r1", "1749988800000", media)
	b.library.Limit(64 << 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j := b.job(cloud(""))
	some := make(chan struct{})
	var once sync.Once
	j.Report = func(r recording.Report) {
		if r.Bytes > 0 {
			once.Do(func() { close(some) })
		}
	}
	ended := make(chan error, 1)
	go func() { _, err := b.library.Fetch(ctx, j); ended <- err }()
	<-some
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	left := func() []string {
		list, err := filepath.Glob(filepath.Join(b.folder, "design", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if n := len(left()); n != 1 {
		t.Fatalf("%d files while it is paused", n)
	}
	if err := b.library.Discard(t.Context(), b.job(cloud(""))); err != nil || len(left()) > 0 {
		t.Errorf("left %v, %v", left(), err)
	}
}

func TestPrivate(t *testing.T) {
	for u, want := range map[string]bool{
		"https://api.daily.co/v1": false, "https://8.8.8.8/v1": false, "http://127.0.0.1:9/v1": true, "https://10.1.2.3/v1": true,
		"https://[::1]/v1": true, "http://sandbox:7080/v1": true, "https://localhost/v1": true, "": false, "https://192.168.1.1": true,
	} {
		if Private(u) != want {
			t.Errorf("%s: %v", u, !want)
		}
	}
}

// A file is named for what it is.
func TestAWebMIsNamedSo(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want string
	}{
		"WebM":     {"webm", "r1.webm"},
		"Matroska": {"matroska", "r1.mkv"},
	} {
		b := newBench(t, nil)
		b.put(cloudKey, recorded(c.file))
		j := b.job(cloud(cloudKey))
		got, err := b.library.Fetch(t.Context(), j)
		if err != nil || !strings.HasSuffix(got.Path, c.want) || strings.Contains(got.Note+got.Files[0].Media, "named") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		again, err := b.library.Fetch(t.Context(), j)
		if err != nil || again.Path != got.Path {
			t.Errorf("%s, again: %+v, %v", name, again, err)
		}
	}
}

// recorded is a small recording of sound in WebM or Matroska.
func recorded(kind string) []byte {
	el := func(id string, body ...string) string {
		text := strings.Join(body, "")
		return id + string([]byte{0x10, 0, byte(len(text) >> 8), byte(len(text))}) + text
	}
	return []byte(el("\x1a\x45\xdf\xa3", el("\x42\x82", kind)) + el("\x18\x53\x80\x67",
		el("\x16\x54\xae\x6b", el("\xae", el("\xd7", "\x01"), el("\x83", "\x02"))),
		el("\x1f\x43\xb6\x75", el("\xe7", "\x00"), el("\xa3", "\x81\x00\x14\x80sound"))))
}

// A request for the audio of a recording that has it in one file with the video reports that both came.
func TestTheVideoOfAMixedFileDoesNotComeSilently(t *testing.T) {
	for _, mixed := range []bool{true, false} {
		b := newBench(t, nil)
		data := recorded("webm")
		if mixed {
			data = bytes.Replace(data, []byte("\x83\x10\x00\x00\x01\x02"), []byte("\x83\x10\x00\x00\x01\x01"), 1)
		}
		b.put(cloudKey, data)
		j := b.job(cloud(cloudKey))
		j.AudioOnly = true
		got, err := b.library.Fetch(t.Context(), j)
		if err != nil || strings.Contains(got.Note, "the video was downloaded too") != mixed {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// Files are readable as the setting says: by the user alone, as the umask says, or as it is written there.
func TestFilesAreReadableAsTheSettingSays(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no permissions")
	}
	plain, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	usual, err := plain.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode layout.Mode
		want os.FileMode
	}{
		{layout.Mode{}, 0o600}, {layout.Mode{Perm: 0o664}, 0o664}, {layout.Mode{Perm: 0o640}, 0o640},
		{layout.Mode{Perm: 0o666, Umask: true}, usual.Mode().Perm()},
	} {
		b := newBench(t, nil)
		b.library.opt.Mode = c.mode
		b.library.opt.Downloader = fetch.New(fetch.Options{Mode: c.mode})
		r := cloud("")
		r.Kind, r.Files = "tracks", []provider.RecordingFile{track("5f0c7c1e-9b3a-4d44-8e21-0a1b2c3d4e5f", "cam-audio", 0)}
		b.put(r.Files[0].Key, recorded("webm"))
		got, err := b.library.Fetch(t.Context(), b.job(r))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range got.Files {
			if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != c.want {
				t.Errorf("%s is %s, not %s; %v", filepath.Base(f.Path), info.Mode().Perm(), c.want, err)
			}
		}
	}
}
