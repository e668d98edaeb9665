package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"greenroom/internal/app"
	"greenroom/internal/hub"
	"greenroom/internal/peers"
	"greenroom/internal/recording/bucket"
	"greenroom/internal/recording/source"
	"greenroom/provider"
	"greenroom/provider/sandbox"
	"greenroom/store"
)

// cloud plays Amazon: a bucket, and a queue with notifications of its objects.
type cloud struct {
	t        *testing.T
	backend  *s3mem.Backend
	endpoint string
	queue    string
	sqs      *sqs.Client
}

var cloudKey = source.BucketAccess{Region: "us-west-2", AccessKey: "reader", SecretKey: "hush-hush"}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, backend: s3mem.New()}
	if err := c.backend.CreateBucket(t.Context(), "recordings"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(c.backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	c.endpoint = server.URL
	at := peers.SQS(t)
	c.queue = at + "/000000000000/recordings"
	var err error
	if c.sqs, err = bucket.NewSQS(t.Context(), cloudKey, c.queue); err != nil {
		t.Fatal(err)
	}
	if _, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("recordings")}); err != nil {
		t.Fatal(err)
	}
	return c
}

// put makes an object, and sends a notification as S3 does.
func (c *cloud) put(key string, data []byte) {
	c.t.Helper()
	if _, err := c.backend.PutObject(c.t.Context(), "recordings", key, map[string]string{}, bytes.NewReader(data), int64(len(data))); err != nil {
		c.t.Fatal(err)
	}
	c.tell(key, len(data))
}

func (c *cloud) tell(key string, size int) {
	c.t.Helper()
	body := fmt.Sprintf(`{"Records":[{"eventName":"ObjectCreated:Put","eventTime":%q,"s3":{"bucket":{"name":"recordings"},"object":{"key":%q,"size":%d}}}]}`,
		time.Now().UTC().Format(time.RFC3339), url.QueryEscape(key), size)
	if _, err := c.sqs.SendMessage(c.t.Context(), &sqs.SendMessageInput{QueueUrl: &c.queue, MessageBody: &body}); err != nil {
		c.t.Fatal(err)
	}
}

// left counts the messages in the queue, hidden ones included.
func (c *cloud) left() string {
	c.t.Helper()
	out, err := c.sqs.GetQueueAttributes(c.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &c.queue, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// configure writes a configuration in which Whereby's recordings go to the bucket.
func (c *cloud) configure(home, videos, more string) {
	c.t.Helper()
	file := filepath.Join(home, "greenroom", "config.toml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		c.t.Fatal(err)
	}
	text := fmt.Sprintf(`
[download]
folder = %q

[accounts.whereby]
auto_download = true
[accounts.whereby.recording]
bucket = "recordings/whereby"
access_key_id = "reader"
access_key_secret = "hush-hush"
endpoint = %q
path_style = true
%s
`, videos, c.endpoint, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// until reads recordings until one is as it should be.
func until(t *testing.T, b app.Backend, what string, fits func(app.Recording) bool) app.Recording {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	changes, err := b.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for {
		all, err := b.Recordings(ctx, app.RecordingQuery{})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for _, r := range all {
			if fits(r) {
				return r
			}
		}
		if _, ok := <-changes; !ok {
			t.Fatalf("%s never came: %+v", what, all)
		}
	}
}

// From the object in the bucket to the file on this machine, and one recording together with the platform's report of it.
func TestFromTheBucketToTheDisk(t *testing.T) {
	c := newCloud(t)
	b, w := realBench(t)
	videos := t.TempDir()
	c.configure(b.getenv("XDG_CONFIG_HOME"), videos, fmt.Sprintf("queue = %q", c.queue))
	b.run(t, 0, "room", "create", "design", "--account", "whereby", "--recording", "cloud")
	b.run(t, 0, "meeting", "start", "design", "--consent", "--json")
	var m app.StartedMeeting
	if err := json.Unmarshal(b.out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}

	r, out := io.Pipe()
	defer r.Close()
	listen := newBench(t, false, "")
	listen.getenv, listen.open, listen.version, listen.stdout = b.getenv, openBackend, b.version, out
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- listen.execute(ctx, []string{"listen", "--addr", "127.0.0.1:0", "--json"}) }()
	(&lineReader{t: t, r: r}).next()
	go func() { _, _ = io.Copy(io.Discard, r) }()

	cfg, err := b.config(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	backend, closer, err := openBackend(t.Context(), cfg, b.version, access{})
	if err != nil {
		t.Fatal(err)
	}
	defer closer()

	media := sandbox.Media(30 * time.Second)
	began := time.Now().Add(time.Second).UTC().Truncate(time.Second)
	name := func(at time.Time) string {
		return fmt.Sprintf("whereby/%s-%s.mp4", m.PlatformRoom, at.Format(time.RFC3339))
	}
	key := name(began)
	c.put("elsewhere/"+filepath.Base(key), media)
	c.put(key, media)
	got := until(t, backend, "the download", func(r app.Recording) bool { return r.Download != nil && r.Download.State == app.DownloadDone })
	if !got.FromBucket || got.Meeting != m.ID || got.Room != "design" || !got.Download.Auto || got.Files[0].Key != key || got.Files[0].Size != int64(len(media)) {
		t.Errorf("%+v", got)
	}
	if here, err := os.ReadFile(got.Download.Path); err != nil || !bytes.Equal(here, media) || !strings.HasPrefix(got.Download.Path, videos) {
		t.Errorf("%s has %d bytes, %v", got.Download.Path, len(here), err)
	}

	// The platform reports it: it is the same one, and what was downloaded stays so. A repeated notification of the queue changes
	// nothing.
	id, err := w.AddRecording(provider.Whereby, m.PlatformRoom, sandbox.PastRecording{StartedAt: began, For: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "recording", "list")
	c.tell(key, len(media))
	b.run(t, 0, "recording", "show", got.ID, "--json")
	var shown app.Recording
	if err := json.Unmarshal(b.out.Bytes(), &shown); err != nil || shown.ID != id || shown.FromBucket || shown.DurationS != 30 || shown.Download.Path != got.Download.Path {
		t.Errorf("%s, %v", b.out.String(), err)
	}

	// One that the platform has reported first is one too.
	later := began.Add(time.Minute)
	second, err := w.AddRecording(provider.Whereby, m.PlatformRoom, sandbox.PastRecording{StartedAt: later, For: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "recording", "list")
	c.put(name(later), media)
	until(t, backend, "what the bucket has of it", func(r app.Recording) bool {
		return r.ID == second && !r.FromBucket && !r.ObjectAt.IsZero() && r.Files[0].Size == int64(len(media))
	})
	b.run(t, 0, "recording", "list", "--json", "--sweep")
	var all []app.Recording
	if err := json.Unmarshal(b.out.Bytes(), &all); err != nil || len(all) != 2 {
		t.Errorf("%s, %v", b.out.String(), err)
	}
	s, err := backend.Status(t.Context(), app.StatusQuery{})
	if err != nil {
		t.Fatal(err)
	}
	pollers := map[string]string{}
	for _, p := range s.Pollers {
		if p.Account == "whereby" {
			pollers[p.Name] = "ok" + p.Error
		}
	}
	if pollers[bucket.QueueReader] != "ok" || pollers[bucket.SweepReader] != "ok" {
		t.Errorf("%v", pollers)
	}
	b.run(t, 0, "doctor", "--account", "whereby")
	if s := b.out.String(); !strings.Contains(s, "reading the bucket") || !strings.Contains(s, bucket.QueueReader) || strings.Contains(s, "hush") {
		t.Error(s)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("listen ended with %d: %s", code, listen.err.String())
	}
	if n := c.left(); n != "0+0" {
		t.Errorf("%s are left in the queue", n)
	}
}

// Without a queue, and without a running Greenroom, a command finds the bucket's recordings.
func TestACommandLooksThroughTheBucket(t *testing.T) {
	c := newCloud(t)
	b, _ := realBench(t)
	env := b.getenv
	b.getenv = func(name string) string {
		if strings.HasPrefix(name, "AWS_") {
			return "" // the sandbox's own bucket, which only LiveKit writes to
		}
		return env(name)
	}
	b.run(t, 4, "recording", "list", "--sweep", "--offline")
	c.configure(b.getenv("XDG_CONFIG_HOME"), t.TempDir(), "")
	media := sandbox.Media(10 * time.Second)
	c.put("whereby/demo-2026-01-02T03:04:05Z.mp4", media)
	b.run(t, 0, "recording", "list", "--offline", "--json")
	if s := b.out.String(); s != "[]\n" {
		t.Error(s)
	}
	b.run(t, 0, "recording", "download", "--all", "--sweep", "--offline", "--json")
	var all []app.Recording
	if err := json.Unmarshal(b.out.Bytes(), &all); err != nil || len(all) != 1 || all[0].Download.State != app.DownloadDone || all[0].Room != "demo" {
		t.Errorf("%s, %v", b.out.String(), err)
	}
	b.run(t, 4, "recording", "delete", all[0].ID, "--yes")
	if s := b.err.String(); !strings.Contains(s, "delete it in your bucket") {
		t.Error(s)
	}
	if _, err := c.backend.DeleteObject(t.Context(), "recordings", "whereby/demo-2026-01-02T03:04:05Z.mp4"); err != nil {
		t.Fatal(err)
	}
	if err := c.backend.DeleteBucket(t.Context(), "recordings"); err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "recording", "list", "--offline", "--sweep")
	if s := b.err.String(); !strings.Contains(s, "the bucket of whereby could not be searched: NoSuchBucket") {
		t.Error(s)
	}
}

// crashing ends the process where messages would be deleted.
type crashing struct{ *sqs.Client }

func (crashing) DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	os.Exit(7)
	return nil, nil
}

// readOnce is a hub that reads a queue, until it has settled n objects.
func readOnce(ctx context.Context, api bucket.API, queue, file string, n int) error {
	p, err := registry()
	if err != nil {
		return err
	}
	whereby, err := p.Open(provider.Account{Name: "whereby", Platform: provider.Whereby, APIKey: "k", APIURL: "http://127.0.0.1:1/v1"}, nil)
	if err != nil {
		return err
	}
	d, err := p.Driver(provider.Whereby)
	if err != nil {
		return err
	}
	h, err := hub.Open(hub.Options{
		Store:    store.Options{Path: file},
		Accounts: []hub.Account{{Account: provider.Account{Name: "whereby", Platform: provider.Whereby}, Provider: whereby}},
	})
	if err != nil {
		return err
	}
	defer h.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = bucket.NewQueue(bucket.Options{
		API: api, URL: queue, Buckets: []string{"recordings"}, Visibility: time.Second,
		Handle: func(ctx context.Context, objects []bucket.Object) error {
			return h.ObserveObjects(ctx, []string{"whereby"}, bucket.Recordings(*d.Objects, objects))
		},
		Report: func(s bucket.Status) {
			if s.Objects >= n {
				cancel()
			}
		},
	}).Run(ctx)
	all, err := h.Recordings(context.Background(), app.RecordingQuery{})
	if err == nil && len(all) != n {
		err = fmt.Errorf("%d recordings are known: %+v", len(all), all)
	}
	return err
}

// crashAtDeletion is the program of a process that is killed between the commit and the deletion.
func crashAtDeletion(args []string) int {
	api, err := bucket.NewSQS(context.Background(), cloudKey, args[0])
	if err == nil {
		err = readOnce(context.Background(), crashing{api}, args[0], args[1], 2)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// A message leaves the queue after its effect is on disk, and not the other way round.
func TestACrashBetweenCommitAndDeletion(t *testing.T) {
	c := newCloud(t)
	for _, at := range []string{"05", "06"} {
		c.tell("demo-2026-01-02T03:04:"+at+"Z.mp4", 7)
	}
	file := filepath.Join(t.TempDir(), store.FileName)
	cmd := exec.CommandContext(t.Context(), "queuecrash", c.queue, file)
	if out, err := cmd.CombinedOutput(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Fatalf("%v: %s", err, out)
	}
	if n := c.left(); n == "0+0" {
		t.Fatal("the messages are gone although nothing deleted them")
	}
	s, err := store.Open(store.Options{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := s.View(t.Context(), func(tx *store.Tx) error {
		return tx.NewestRecordings(func(app.Recording) bool { found++; return true })
	}); err != nil || found == 0 {
		t.Errorf("%d recordings are on disk, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readOnce(t.Context(), c.sqs, c.queue, file, 2); err != nil {
		t.Error(err)
	}
	if n := c.left(); n != "0+0" {
		t.Errorf("%s are left in the queue", n)
	}
}
