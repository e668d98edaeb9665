package bucket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"greenroom/internal/peers"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// memory is an S3 in memory with one bucket.
func memory(t testing.TB, bucket string, keys ...string) (source.BucketAccess, *s3mem.Backend) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		place(t, backend, bucket, k)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	a := key
	a.Endpoint = server.URL
	return a, backend
}

func place(t testing.TB, backend *s3mem.Backend, bucket, key string) {
	t.Helper()
	if _, err := backend.PutObject(t.Context(), bucket, key, map[string]string{}, strings.NewReader(key), int64(len(key))); err != nil {
		t.Fatal(err)
	}
}

// notes records what a watcher finds and reports.
type notes struct {
	mu      sync.Mutex
	found   map[string]string // key of the first file -> accounts
	reports map[string]string // account and reader -> the latest error
	refuse  error
	news    chan struct{}
}

func newNotes() *notes {
	return &notes{found: map[string]string{}, reports: map[string]string{}, news: make(chan struct{}, 1000)}
}

func (n *notes) tell(_ context.Context, accounts []string, found []recording.Found) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		return n.refuse
	}
	for _, f := range found {
		for _, file := range f.Recording.Files {
			n.found[file.Key] = strings.Join(accounts, " ")
		}
	}
	n.news <- struct{}{}
	return nil
}

func (n *notes) report(account, reader string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports[account+" "+reader] = fmt.Sprint(err)
	n.news <- struct{}{}
}

// until waits for the notes to be as expected.
func (n *notes) until(t testing.TB, what string, fits func() bool) {
	t.Helper()
	late := time.After(soon)
	for {
		n.mu.Lock()
		ok := fits()
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-n.news:
		case <-late:
			t.Fatalf("%s never came: %v, %v", what, n.found, n.reports)
		}
	}
}

// watch runs a watcher until the test is over.
func watch(t testing.TB, w *Watcher, n *notes) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Watch(ctx, n.tell, n.report)
	}()
	stop = func() {
		t.Helper()
		cancel()
		select {
		case <-ended:
		case <-time.After(soon):
			t.Error("it doesn't end")
		}
	}
	t.Cleanup(stop)
	return stop
}

const (
	track = "1749988800000-0b0e2f3a-1111-4222-8333-0123456789ab-cam-audio-1749988800100"
	ofW   = "w/demo-2025-06-15T12:00:00Z.mp4"
	ofV   = "demo-2025-06-15T12:00:00Z.mp4"
)

// shared are the accounts of one bucket, and what of it is whose.
func shared(a source.BucketAccess, queue string) ([]Account, map[string]string) {
	return []Account{
			{Name: "w", Platform: provider.Whereby, Objects: namesOf(provider.Whereby), Bucket: "shared", Folder: "w", Access: a, Queue: queue, Sweep: time.Hour},
			{Name: "v", Platform: provider.Whereby, Objects: namesOf(provider.Whereby), Bucket: "shared", Access: a},
			{Name: "acme", Platform: provider.Daily, Objects: namesOf(provider.Daily), Domain: "acme", Bucket: "shared", Access: a},
			{Name: "any", Platform: provider.Daily, Objects: namesOf(provider.Daily), Bucket: "shared", Access: a, Sweep: time.Minute},
			{Name: "elsewhere", Platform: provider.Daily, Objects: namesOf(provider.Daily), Bucket: "other", Access: a},
		}, map[string]string{
			ofW: "w", ofV: "v", "acme/demo/1749988800000": "acme any", "acme/demo/" + track: "acme any", "kept/here/zeta/demo/1749988800000": "any",
			"x/demo-2025-06-15T12:00:00Z.mp4": "", "w/notes.txt": "", "w/demo-2025-06-15T12:00:00Z.txt": "", "acme/demo/": "",
		}
}

func TestQueuesAndSweepsTellWhoseItIs(t *testing.T) {
	endpoint := peers.SQS(t)
	c, queue := queueAt(t, endpoint, "recordings")
	access, backend := memory(t, "shared")
	accounts, whose := shared(access, queue)
	want := map[string]string{}
	for k, of := range whose {
		place(t, backend, "shared", k)
		send(t, c, queue, records(event("ObjectCreated:Put", "shared", k)))
		if of != "" {
			want[k] = of
		}
	}
	w := NewWatcher(WatcherOptions{Accounts: accounts})
	n := newNotes()
	stop := watch(t, w, n)
	n.until(t, "what the queue reports", func() bool { return len(n.found) == len(want) && n.reports["w "+QueueReader] == "<nil>" })
	n.until(t, "an empty queue", func() bool { return inQueue(t, c, queue) == "0+0" })
	stop()
	if diff := cmp.Diff(want, n.found); diff != "" {
		t.Error(diff)
	}
	n = newNotes()
	if err := w.Sweep(t.Context(), n.tell, n.report); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, n.found); diff != "" {
		t.Error(diff)
	}
	reports := map[string]string{"elsewhere " + SweepReader: n.reports["elsewhere "+SweepReader]}
	for _, a := range []string{"w", "v", "acme", "any"} {
		reports[a+" "+SweepReader] = "<nil>"
	}
	if diff := cmp.Diff(reports, n.reports); diff != "" || !strings.Contains(reports["elsewhere "+SweepReader], "NoSuchBucket") {
		t.Error(diff, reports)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Sweep(ctx, n.tell, n.report); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Buckets that are one are listed once, and as often as the one wants it that wants it most.
func TestSweepsGoOn(t *testing.T) {
	access, backend := memory(t, "shared", ofW, ofV)
	accounts, _ := shared(access, "")
	clock := clockwork.NewFakeClockAt(time.Date(2025, 6, 16, 0, 0, 0, 0, time.UTC))
	w := NewWatcher(WatcherOptions{Accounts: accounts[:4], Clock: clock})
	n := newNotes()
	watch(t, w, n)
	block := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		if err := clock.BlockUntilContext(ctx, 2); err != nil {
			t.Fatal(err)
		}
	}
	block()
	if len(n.reports) > 0 {
		t.Errorf("it began at once: %v", n.reports)
	}
	clock.Advance(firstSweep)
	block()
	if n.found[ofW] != "w" || n.found[ofV] != "v" {
		t.Errorf("%v", n.found)
	}
	// The bucket's own sweep is every minute, that of the folder every hour.
	n.refuse = errors.New("the store\x1b is full")
	place(t, backend, "shared", "acme/demo/1749988800000")
	clock.Advance(time.Minute)
	block()
	if s := n.reports["any "+SweepReader]; s != "the store␛ is full" || n.reports["w "+SweepReader] != "<nil>" {
		t.Errorf("%v", n.reports)
	}
	n.refuse = nil
	clock.Advance(time.Minute)
	block()
	if n.found["acme/demo/1749988800000"] != "acme any" || n.reports["any "+SweepReader] != "<nil>" {
		t.Errorf("%v, %v", n.found, n.reports)
	}
}

func TestWhatCannotBeReadIsReportedAndEndsSoon(t *testing.T) {
	endpoint := peers.SQS(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for queue, want := range map[string]string{
		endpoint + "/000000000000/none-such":        "NonExistentQueue",
		"http://" + silent.Addr().String() + "/1/q": "",
		"sqs://recordings":                          "is not the URL of a queue",
	} {
		n := newNotes()
		w := NewWatcher(WatcherOptions{Accounts: []Account{{Name: "w", Platform: provider.Whereby, Objects: namesOf(provider.Whereby), Bucket: "b", Access: key, Queue: queue}}})
		stop := watch(t, w, n)
		if want != "" {
			n.until(t, want, func() bool { return strings.Contains(n.reports["w "+QueueReader], want) })
			if s := n.reports["w "+QueueReader]; strings.Contains(s, "operation error") || len(s) > 2*reasonMost {
				t.Errorf("%q", s)
			}
		}
		began := time.Now()
		stop()
		if took := time.Since(began); took > soon/2 {
			t.Errorf("%s: ending took %s", queue, took)
		}
	}
}

// What can't be noted stays in the queue.
func TestWhatIsRefusedStaysInTheQueue(t *testing.T) {
	endpoint := peers.SQS(t)
	c, queue := queueAt(t, endpoint, "recordings")
	send(t, c, queue, records(event("ObjectCreated:Put", "shared", ofW)))
	accounts, _ := shared(key, queue)
	n := newNotes()
	n.refuse = errors.New("the store is full")
	stop := watch(t, NewWatcher(WatcherOptions{Accounts: accounts}), n)
	n.until(t, "the reason", func() bool { return strings.Contains(n.reports["w "+QueueReader], "the store is full") })
	stop()
	if got := inQueue(t, c, queue); got != "0+1" {
		t.Errorf("%s are left", got)
	}
}

func TestChecks(t *testing.T) {
	endpoint := peers.SQS(t)
	c, queue := queueAt(t, endpoint, "recordings")
	send(t, c, queue, "one")
	server := peers.S3(t, "")
	good := source.BucketAccess{Region: server.Region, Endpoint: server.Endpoint, PathStyle: true, AccessKey: server.AccessKey, SecretKey: server.SecretKey}
	bad := good
	bad.SecretKey = "hush-hush"
	if err := os.MkdirAll(filepath.Join(server.Dir, "full", "w"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.Dir, "full", "w", "x.mp4"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(server.Dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	type row struct {
		name         string
		ok, optional bool
		detail       string
	}
	for _, tt := range []struct {
		a    Account
		want []row
	}{
		{Account{Name: "a", Bucket: "full", Folder: "w", Access: good, Queue: queue}, []row{{"reading the bucket", true, false, "full, by a fixed key at"}, {QueueReader, true, false, "about 1 messages wait"}}},
		{Account{Name: "a", Bucket: "empty", Access: good}, []row{{"reading the bucket", true, false, "empty, by"}}},
		{Account{Name: "a", Bucket: "full", Access: bad}, []row{{"reading the bucket", false, true, "full can't be listed: SignatureDoesNotMatch"}}},
		{Account{Name: "a", Bucket: "full", Access: bad, Sweep: time.Hour}, []row{{"reading the bucket", false, false, "full can't be listed: SignatureDoesNotMatch"}}},
		{Account{Name: "a", Bucket: "none-such", Access: good, Queue: endpoint + "/000000000000/none-such"}, []row{{"reading the bucket", false, false, "NoSuchBucket"}, {QueueReader, false, false, "NonExistentQueue"}}},
	} {
		checks := NewWatcher(WatcherOptions{Accounts: []Account{tt.a}}).Check(t.Context(), "a")
		var got []row
		for i, c := range checks {
			if strings.Contains(fmt.Sprintf("%+v", c), "hush") || strings.Contains(c.Detail, "operation error") || (c.Hint == "") != c.OK {
				t.Errorf("%+v", c)
			}
			if i < len(tt.want) && strings.Contains(c.Detail, tt.want[i].detail) {
				c.Detail = tt.want[i].detail
			}
			got = append(got, row{c.Name, c.OK, c.Optional, c.Detail})
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v\nwant %+v", got, tt.want)
		}
	}
	if checks := NewWatcher(WatcherOptions{}).Check(t.Context(), "a"); len(checks) != 0 {
		t.Errorf("%+v", checks)
	}
}

func TestMachinesWithoutCredentials(t *testing.T) {
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(v, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	a := Account{Name: "a", Platform: provider.Daily, Objects: namesOf(provider.Daily), Bucket: "b", Access: source.BucketAccess{Region: "us-west-2", Endpoint: "http://127.0.0.1:1"}, Sweep: time.Hour}
	w := NewWatcher(WatcherOptions{Accounts: []Account{a}})
	for _, c := range w.Check(t.Context(), "a") {
		if c.OK || !strings.HasSuffix(c.Detail, source.ErrCredentials.Error()) || !strings.Contains(c.Hint, "the AWS credentials of this machine") {
			t.Errorf("%+v", c)
		}
	}
	n := newNotes()
	if err := w.Sweep(t.Context(), n.tell, n.report); err != nil || !strings.HasPrefix(n.reports["a "+SweepReader], source.ErrCredentials.Error()) {
		t.Errorf("%v, %v", n.reports, err)
	}
}
