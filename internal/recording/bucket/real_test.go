package bucket

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"greenroom/internal/peers"
	"greenroom/internal/recording/source"
)

var key = source.BucketAccess{Region: "us-east-1", AccessKey: "k", SecretKey: "s", PathStyle: true}

// queueAt makes a queue at a real server.
func queueAt(t testing.TB, endpoint, name string) (*sqs.Client, string) {
	t.Helper()
	c, err := NewSQS(t.Context(), key, endpoint+"/none")
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return c, *out.QueueUrl
}

func send(t testing.TB, c *sqs.Client, queue string, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &b}); err != nil {
			t.Fatal(err)
		}
	}
}

// inQueue counts the messages in a queue, those that are hidden included.
func inQueue(t testing.TB, c *sqs.Client, queue string) string {
	t.Helper()
	out, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// run runs a queue until until says so of the status, or fails the test.
func run(t testing.TB, o Options, until func(Status) bool) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var last Status
	done := false
	o.Report = func(s Status) {
		last = s
		if until(s) {
			done = true
			cancel()
		}
	}
	_ = NewQueue(o).Run(ctx)
	if !done {
		t.Fatalf("it has come to %+v", last)
	}
	return last
}

func TestQueueAtARealServer(t *testing.T) {
	endpoint := peers.SQS(t)
	c, queue := queueAt(t, endpoint, "recordings")
	var want, got []string
	for i := range 23 {
		k := fmt.Sprintf("demo-2025-06-15T12:00:%02dZ.mp4", i)
		want = append(want, k)
		send(t, c, queue, put("ours", url.QueryEscape(k)))
	}
	send(t, c, queue, `{"Event":"s3:TestEvent","Bucket":"ours"}`, "poison", put("theirs", "x"))
	s := run(t, Options{API: c, URL: queue, Buckets: []string{"ours"}, Handle: func(_ context.Context, objects []Object) error {
		for _, o := range objects {
			got = append(got, o.Key)
		}
		return nil
	}}, func(s Status) bool { return s.Objects == 23 && s.Foreign == 1 && s.Unreadable == 1 })
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The poison and theirs are hidden for a while.
	if n := inQueue(t, c, queue); n != "0+2" || s.Reason == "" {
		t.Errorf("%s messages are in the queue; %+v", n, s)
	}
}

// SNS's envelope, as an independent server makes it.
func TestQueueBehindSNS(t *testing.T) {
	endpoint := peers.SQS(t)
	c, queue := queueAt(t, endpoint, "recordings")
	for _, raw := range []string{"false", "true"} {
		topic := ask(t, endpoint, "TopicArn", url.Values{"Action": {"CreateTopic"}, "Name": {"raw-" + raw}})
		ask(t, endpoint, "SubscriptionArn", url.Values{
			"Action": {"Subscribe"}, "TopicArn": {topic}, "Protocol": {"sqs"}, "Endpoint": {"arn:aws:sqs:us-east-1:000000000000:recordings"},
			"Attributes.entry.1.key": {"RawMessageDelivery"}, "Attributes.entry.1.value": {raw},
		})
		ask(t, endpoint, "MessageId", url.Values{"Action": {"Publish"}, "TopicArn": {topic}, "Message": {put("ours", raw)}})
	}
	var got []string
	run(t, Options{API: c, URL: queue, Buckets: []string{"ours"}, Handle: func(_ context.Context, objects []Object) error {
		for _, o := range objects {
			got = append(got, o.Key)
		}
		return nil
	}}, func(s Status) bool { return s.Objects == 2 })
	slices.Sort(got)
	if n := inQueue(t, c, queue); !slices.Equal(got, []string{"false", "true"}) || n != "0+0" {
		t.Errorf("%q, %s are left", got, n)
	}
}

// ask calls SNS's query API and returns one element of the answer.
func ask(t testing.TB, endpoint, element string, form url.Values) string {
	t.Helper()
	form.Set("Version", "2010-03-31")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=k/20250615/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("<" + element + ">(.+)</" + element + ">").FindSubmatch(body)
	if m == nil {
		t.Fatalf("%s: %s: %s", form.Get("Action"), resp.Status, body)
	}
	return string(m[1])
}

const crashEnv = "GREENROOM_TEST_CRASH"

// crashing ends the process where messages would be deleted.
type crashing struct{ *sqs.Client }

func (crashing) DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	os.Exit(7)
	return nil, nil
}

// note is a handler that makes keys durable, each once, in a folder.
func note(folder string) Handler {
	return func(_ context.Context, objects []Object) error {
		for _, o := range objects {
			f, err := os.OpenFile(filepath.Join(folder, o.Key), os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
		return nil
	}
}

// crashBeforeDelete is the program of a process that is killed between handling and deleting.
func crashBeforeDelete() {
	said := strings.Fields(os.Getenv(crashEnv))
	endpoint, queue, folder := said[0], said[1], said[2]
	c, err := NewSQS(context.Background(), key, endpoint)
	if err != nil {
		panic(err)
	}
	err = NewQueue(Options{API: crashing{c}, URL: queue, Buckets: []string{"ours"}, Visibility: time.Second, Handle: note(folder)}).Run(context.Background())
	panic(err)
}

func TestCrashBetweenHandlingAndDeleting(t *testing.T) {
	endpoint := peers.SQS(t)
	c, queue := queueAt(t, endpoint, "recordings")
	send(t, c, queue, put("ours", "a"), put("ours", "b"))
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+endpoint+" "+queue+" "+folder)
	if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 7 {
		t.Fatalf("%v: %s", err, out)
	}
	noted, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(noted) == 0 {
		t.Fatalf("nothing was handled before the crash, %v", err)
	}
	// All of it comes again once its time is over, is handled again, which changes nothing, and goes.
	run(t, Options{API: c, URL: queue, Buckets: []string{"ours"}, Handle: note(folder)}, func(s Status) bool { return s.Objects == 2 })
	noted, err = filepath.Glob(filepath.Join(folder, "*"))
	if n := inQueue(t, c, queue); err != nil || len(noted) != 2 || n != "0+0" {
		t.Errorf("%q, %s are left, %v", noted, n, err)
	}
}

func TestNewSQS(t *testing.T) {
	for _, tt := range []struct{ url, region, endpoint, wrong string }{
		{"https://sqs.eu-central-1.amazonaws.com/1/recordings", "eu-central-1", "", ""},
		{"https://sqs.cn-north-1.amazonaws.com.cn/1/recordings", "cn-north-1", "", ""},
		{"https://eu-west-1.queue.amazonaws.com/1/recordings", "eu-west-1", "", ""},
		{"http://127.0.0.1:4566/000000000000/recordings", "us-east-1", "http://127.0.0.1:4566", ""},
		{"sqs://recordings", "", "", "is not the URL of a queue"},
		{"recordings", "", "", "is not the URL of a queue"},
	} {
		c, err := NewSQS(t.Context(), key, tt.url)
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s: %v", tt.url, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if o := c.Options(); o.Region != tt.region || aws.ToString(o.BaseEndpoint) != tt.endpoint {
			t.Errorf("%s: %s, %s", tt.url, o.Region, aws.ToString(o.BaseEndpoint))
		}
	}
}

// swept lists what a bucket has.
func swept(t testing.TB, c *s3.Client, bucket, prefix string, most int) []string {
	t.Helper()
	var keys []string
	err := Sweep(t.Context(), c, bucket, prefix, func(o Object) bool {
		if o.Bucket != bucket || o.Size != int64(len(o.Key)) || o.At.IsZero() || strings.Contains(o.ETag, `"`) {
			t.Errorf("%+v", o)
		}
		keys = append(keys, o.Key)
		return len(keys) < most
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// manyKeys are more than fit a page, and odd ones.
func manyKeys() []string {
	keys := []string{"acme/Zoë & co/1749988800000", "acme/a+b %41/1749988800000", "odd/+ %2B<&>'\u202e", "sub/demo-2025-06-15T12:00:00Z.mp4"}
	for i := range 2300 {
		keys = append(keys, fmt.Sprintf("many/demo-2025-06-15T12:%02d:%02dZ.mp4", i/60, i%60))
	}
	slices.Sort(keys)
	return keys
}

func checkSweep(t *testing.T, c *s3.Client, bucket string, keys []string) {
	if diff := cmp.Diff(keys, swept(t, c, bucket, "", 1<<30)); diff != "" {
		t.Error(diff)
	}
	if got := swept(t, c, bucket, "acme/", 1<<30); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if got := swept(t, c, bucket, "", 5); !slices.Equal(got, keys[:5]) {
		t.Errorf("%q", got)
	}
	if err := Sweep(t.Context(), c, "none-such", "", func(Object) bool { return true }); err == nil || !strings.Contains(err.Error(), "list none-such") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Sweep(ctx, c, bucket, "", func(Object) bool { return true }); err == nil {
		t.Error("listed although stopped")
	}
}

func TestSweep(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), "recordings"); err != nil {
		t.Fatal(err)
	}
	// XML has no way to say control characters.
	keys := append(manyKeys(), "zzz/a\x01b\x1f")
	for _, k := range keys {
		if _, err := backend.PutObject(t.Context(), "recordings", k, map[string]string{}, strings.NewReader(k), int64(len(k))); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	defer server.Close()
	a := key
	a.Endpoint = server.URL
	c, err := source.NewS3Client(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	checkSweep(t, c, "recordings", keys)
}

func TestSweepOfASecondServer(t *testing.T) {
	server := peers.S3(t, "")
	keys := manyKeys()
	for _, k := range keys {
		path := filepath.Join(server.Dir, "recordings", filepath.FromSlash(k))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(k), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	checkSweep(t, clientOf(t, server), "recordings", keys)
}

func clientOf(t testing.TB, s *peers.S3Server) *s3.Client {
	t.Helper()
	c, err := source.NewS3Client(t.Context(), source.BucketAccess{Region: s.Region, Endpoint: s.Endpoint, PathStyle: true, AccessKey: s.AccessKey, SecretKey: s.SecretKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The events of an independent server are understood.
func TestEventsOfASecondServer(t *testing.T) {
	bodies := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- string(b)
	}))
	defer hook.Close()
	server := peers.S3(t, hook.URL)
	c := clientOf(t, server)
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("ours")}); err != nil {
		t.Fatal(err)
	}
	const k = "sub/Zoë & co+1-2025-06-15T12:00:00Z.mp4"
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("ours"), Key: aws.String(k), Body: strings.NewReader("media")}); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(soon)
	for {
		select {
		case b := <-bodies:
			n, err := Parse(b)
			t.Logf("%s: %+v, %v", b, n, err)
			if err != nil || len(n.Created) == 0 {
				continue // its test event
			}
			if o := n.Created[0]; o.Bucket != "ours" || o.Key != k || o.Size != 5 || o.At.IsZero() {
				t.Errorf("%+v", o)
			}
			return
		case <-deadline:
			t.Fatal("no event has come")
		}
	}
}
