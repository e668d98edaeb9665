package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"greenroom/internal/peers"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// inMemory starts an S3 server in this process.
func inMemory(t *testing.T) source.BucketAccess {
	t.Helper()
	fake := gofakes3.New(s3mem.New(), gofakes3.WithV4Auth(map[string]string{"key": "geheim"}))
	s := httptest.NewServer(fake.Server())
	t.Cleanup(s.Close)
	return source.BucketAccess{Region: "us-west-2", Endpoint: s.URL, PathStyle: true, AccessKey: "key", SecretKey: "geheim"}
}

// eachS3 runs a test against two implementations of S3.
func eachS3(t *testing.T, f func(t *testing.T, a source.BucketAccess)) {
	t.Run("gofakes3", func(t *testing.T) { f(t, inMemory(t)) })
	t.Run("versitygw", func(t *testing.T) {
		s := peers.S3(t, "")
		f(t, source.BucketAccess{Region: s.Region, Endpoint: s.Endpoint, PathStyle: true, AccessKey: s.AccessKey, SecretKey: s.SecretKey})
	})
}

func client(t *testing.T, a source.BucketAccess) *s3.Client {
	t.Helper()
	api, err := source.NewS3Client(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c, ok := api.Options().HTTPClient.(interface{ GetTransport() *http.Transport }); ok {
			c.GetTransport().CloseIdleConnections()
		}
	})
	return api
}

func bucket(t *testing.T, api *s3.Client) {
	t.Helper()
	if _, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("recordings"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraintUsWest2,
		},
	}); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, api *s3.Client, key string, data []byte) {
	t.Helper()
	if _, err := api.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("recordings"), Key: &key, Body: bytes.NewReader(data), ContentType: aws.String("video/mp4"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	}); err != nil {
		t.Fatal(err)
	}
}

const awkward = "acme/all hands/1750000000000-ä+b%2F=?.mp4"

func TestAnObjectArrivesWhole(t *testing.T) {
	eachS3(t, func(t *testing.T, a source.BucketAccess) {
		api := client(t, a)
		bucket(t, api)
		for _, size := range []int{0, 1, 900<<10 + 1} {
			data := content(20, size)
			put(t, api, awkward, data)
			task := task(t, source.NewS3(source.S3Options{API: api, Bucket: "recordings", Key: awkward}))
			r, err := small(t).Fetch(t.Context(), task)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, r.Path, data)
			if r.Identity.ETag == "" || r.Identity.Modified.IsZero() {
				t.Errorf("%+v", r.Identity)
			}
			if !r.Checked || r.Identity.Algorithm != "sha256" {
				t.Errorf("the checksum was not compared: %+v", r)
			}
		}
	})
}

func TestAnObjectThatIsReplacedMidwayStartsOver(t *testing.T) {
	eachS3(t, func(t *testing.T, a source.BucketAccess) {
		api := client(t, a)
		bucket(t, api)
		after := content(22, 700<<10)
		put(t, api, "one.mp4", content(21, 700<<10))
		object := &midway{Source: source.NewS3(source.S3Options{API: api, Bucket: "recordings", Key: "one.mp4"}), at: 5, do: func() {
			put(t, api, "one.mp4", after)
		}}
		r, err := small(t).Fetch(t.Context(), task(t, object))
		if err != nil {
			t.Fatal(err)
		}
		holds(t, r.Path, after)
		if len(r.Restarted) != 1 || !strings.Contains(r.Restarted[0], "changed") {
			t.Errorf("started over because of %q", r.Restarted)
		}
	})
}

// midway does something when a part is asked for the at-th time.
type midway struct {
	recording.Source
	n  atomic.Int64
	at int64
	do func()
}

func (m *midway) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	if m.n.Add(1) == m.at {
		m.do()
	}
	return m.Source.Open(ctx, id, off, n)
}

func TestWhatBucketsRefuse(t *testing.T) {
	eachS3(t, func(t *testing.T, a source.BucketAccess) {
		api := client(t, a)
		bucket(t, api)
		put(t, api, "one.mp4", []byte("one"))
		wrong := a
		wrong.SecretKey = "another-secret"
		for _, test := range []struct {
			name string
			o    source.S3Options
			want error
		}{
			{"no such object", source.S3Options{API: api, Bucket: "recordings", Key: "two.mp4"}, recording.ErrGone},
			{"no such bucket", source.S3Options{API: api, Bucket: "elsewhere", Key: "one.mp4"}, recording.ErrGone},
			{"a wrong key", source.S3Options{API: client(t, wrong), Bucket: "recordings", Key: "one.mp4"}, recording.ErrDenied},
		} {
			_, err := small(t).Fetch(t.Context(), task(t, source.NewS3(test.o)))
			if !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), a.SecretKey) || strings.Contains(err.Error(), wrong.SecretKey)) {
				t.Errorf("%s: the error holds a key: %v", test.name, err)
			}
		}
		object := source.NewS3(source.S3Options{API: api, Bucket: "recordings", Key: "one.mp4"})
		id, err := object.Identify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Open(t.Context(), id, 3, 5); !errors.Is(err, recording.ErrChanged) {
			t.Errorf("a part beyond the end: %v", err)
		}
	})
}

func TestAWrongRegionIsReported(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-north-1")
		w.WriteHeader(http.StatusMovedPermanently)
	}))
	t.Cleanup(s.Close)
	api := client(t, source.BucketAccess{Region: "us-west-2", Endpoint: s.URL, PathStyle: true, AccessKey: "key", SecretKey: "geheim"})
	_, err := source.NewS3(source.S3Options{API: api, Bucket: "recordings", Key: "one.mp4"}).Identify(t.Context())
	if !errors.Is(err, recording.ErrDenied) || !strings.Contains(err.Error(), "the bucket is in eu-north-1") {
		t.Error(err)
	}
}

func TestWithoutCredentialsNothingIsTriedForLong(t *testing.T) {
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "AWS_CONFIG_FILE": home + "/config", "AWS_SHARED_CREDENTIALS_FILE": home + "/credentials", "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
	} {
		t.Setenv(name, value)
	}
	a := inMemory(t)
	a.AccessKey, a.SecretKey = "", ""
	object := source.NewS3(source.S3Options{API: client(t, a), Bucket: "recordings", Key: "one.mp4"})
	if _, err := small(t).Fetch(t.Context(), task(t, object)); !errors.Is(err, source.ErrCredentials) || !errors.Is(err, recording.ErrDenied) {
		t.Error(err)
	}
}

func TestAnOlderVersionIsFetched(t *testing.T) {
	api := client(t, inMemory(t))
	bucket(t, api)
	if _, err := api.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String("recordings"),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	first := content(23, 200<<10)
	out, err := api.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("recordings"), Key: aws.String("one.mp4"), Body: bytes.NewReader(first)})
	if err != nil || out.VersionId == nil {
		t.Fatal(out, err)
	}
	// The latest version is fetched to its end although another one is the latest by then.
	object := &midway{Source: source.NewS3(source.S3Options{API: api, Bucket: "recordings", Key: "one.mp4"}), at: 2, do: func() {
		put(t, api, "one.mp4", content(24, 200<<10))
	}}
	r, err := small(t).Fetch(t.Context(), task(t, object))
	if err != nil || len(r.Restarted) > 0 || r.Identity.Version != *out.VersionId {
		t.Fatalf("%+v, %v", r, err)
	}
	holds(t, r.Path, first)
	// This server answers with the latest version whichever is asked for. The answer must not be used for the other one.
	named := source.NewS3(source.S3Options{API: api, Bucket: "recordings", Key: "one.mp4", Version: *out.VersionId})
	if id, err := named.Identify(t.Context()); !errors.Is(err, recording.ErrOdd) {
		t.Errorf("%+v, %v", id, err)
	}
}

// presign makes a link to an object that was signed at a time and is good for a while.
func presign(t *testing.T, a source.BucketAccess, key string, at time.Time, valid time.Duration) string {
	t.Helper()
	u, err := url.Parse(a.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	u = u.JoinPath("recordings", key)
	u.RawQuery = url.Values{"X-Amz-Expires": {fmt.Sprint(int64(valid.Seconds()))}}.Encode()
	r, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := credentials.NewStaticCredentialsProvider(a.AccessKey, a.SecretKey, "").Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	link, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, "UNSIGNED-PAYLOAD", "s3", a.Region, at)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestASignedLinkThatHasExpiredIsReplaced(t *testing.T) {
	eachS3(t, func(t *testing.T, a source.BucketAccess) {
		api := client(t, a)
		bucket(t, api)
		data := content(25, 500<<10)
		put(t, api, "one.mp4", data)
		asked := 0
		transport := source.NewTransport(true)
		defer transport.CloseIdleConnections()
		task := task(t, source.NewHTTP(source.HTTPOptions{Transport: transport, Link: func(context.Context, string) (provider.FileLink, error) {
			at := time.Now()
			if asked++; asked == 1 {
				at = at.Add(-time.Hour)
			}
			return provider.FileLink{URL: presign(t, a, "one.mp4", at, time.Minute)}, nil
		}}))
		r, err := small(t).Fetch(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, r.Path, data)
		if asked != 2 || r.Identity.ETag == "" {
			t.Errorf("%d links were asked for; %+v", asked, r.Identity)
		}
	})
}
