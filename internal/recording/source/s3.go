package source

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"greenroom/internal/plain"
	"greenroom/internal/recording"
)

// S3Options are the options of an [S3].
type S3Options struct {
	// API is a client by [NewS3Client].
	API    *s3.Client
	Bucket string
	Key    string
	// Version is the version to fetch, empty for the latest.
	Version string
}

// S3 is an object in a bucket.
type S3 struct {
	S3Options
	// amazon means that the bucket is on Amazon: other servers make ETags in other ways.
	amazon bool
}

var _ recording.Source = (*S3)(nil)

// NewS3 returns a source. It makes no request.
func NewS3(o S3Options) *S3 {
	return &S3{S3Options: o, amazon: o.API.Options().BaseEndpoint == nil}
}

// Identify requests the object's headers, with its checksum where the bucket has one.
func (s *S3) Identify(ctx context.Context) (recording.Identity, error) {
	in := &s3.HeadObjectInput{Bucket: &s.Bucket, Key: &s.Key, ChecksumMode: types.ChecksumModeEnabled}
	if s.Version != "" {
		in.VersionId = &s.Version
	}
	head, err := s.API.HeadObject(ctx, in)
	if err != nil {
		return recording.Identity{}, s.fault("look at", err)
	}
	id := recording.Identity{
		Size: length(head.ContentLength), ETag: strong(head.ETag), Version: version(head.VersionId), Modified: aws.ToTime(head.LastModified),
		NoRanges: aws.ToString(head.AcceptRanges) == "none",
	}
	if s.Version != "" && id.Version != s.Version {
		return recording.Identity{}, fmt.Errorf("%w: another version of %s", recording.ErrOdd, plain.Text(s.Key))
	}
	id.Algorithm, id.Checksum = s.checksum(head)
	return id, nil
}

// checksum returns the checksum of the whole object, if there is one. The checksum of a multipart upload may be made of its parts'
// checksums ("composite"): it can't be compared.
func (s *S3) checksum(head *s3.HeadObjectOutput) (algorithm, sum string) {
	for _, c := range []struct {
		algorithm string
		value     *string
	}{
		{"sha256", head.ChecksumSHA256}, {"crc64nvme", head.ChecksumCRC64NVME}, {"sha1", head.ChecksumSHA1},
		{"crc32c", head.ChecksumCRC32C}, {"crc32", head.ChecksumCRC32},
	} {
		v := aws.ToString(c.value)
		if v != "" && head.ChecksumType != types.ChecksumTypeComposite && !strings.Contains(v, "-") {
			return c.algorithm, v
		}
	}
	// The ETag is an MD5 sum only in Amazon's general-purpose buckets, for objects that were uploaded in one piece and aren't
	// encrypted with a key of KMS or the customer.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
	own := head.ServerSideEncryption == "" || head.ServerSideEncryption == types.ServerSideEncryptionAes256
	if !s.amazon || !own || aws.ToString(head.SSECustomerAlgorithm) != "" || strings.HasSuffix(s.Bucket, "--x-s3") {
		return "", ""
	}
	raw, err := hex.DecodeString(strings.Trim(aws.ToString(head.ETag), `"`))
	if err != nil || len(raw) != 16 {
		return "", ""
	}
	return "md5", base64.StdEncoding.EncodeToString(raw)
}

// Open requests a part of the identified version, or of the object if its ETag is the same.
func (s *S3) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	p, in := part{id, off, n}, &s3.GetObjectInput{Bucket: &s.Bucket, Key: &s.Key}
	if !p.whole() {
		in.Range = aws.String(p.header())
	}
	if id.Version != "" {
		in.VersionId = &id.Version
	}
	if id.ETag != "" {
		in.IfMatch = &id.ETag
	}
	out, err := s.API.GetObject(ctx, in)
	if err != nil {
		err = s.fault("read", err)
		if errors.Is(err, recording.ErrGone) && s.Version == "" && id.Version != "" {
			// The version is gone. Identify finds out whether there is another one.
			err = fmt.Errorf("%w: %w", recording.ErrChanged, err)
		}
		return nil, err
	}
	got := recording.Identity{ETag: strong(out.ETag), Version: version(out.VersionId)}
	err = p.answered(got, aws.ToString(out.ContentRange), length(out.ContentLength))
	if err != nil && !errors.Is(err, recording.ErrNoRanges) {
		out.Body.Close()
		return nil, err
	}
	return out.Body, err
}

// length returns a Content-Length, -1 if it is unknown.
func length(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// strong returns an ETag that promises the same bytes, or "".
func strong(tag *string) string {
	if t := aws.ToString(tag); strongTag.MatchString(t) {
		return t
	}
	return ""
}

// version returns an object's version. Objects from before versioning have the version "null": they can be overwritten.
func version(v *string) string {
	if aws.ToString(v) == "null" {
		return ""
	}
	return aws.ToString(v)
}

// fault returns an error of the SDK as a source's.
func (s *S3) fault(doing string, err error) error {
	status, code := 0, ""
	resp, _ := errors.AsType[*smithyhttp.ResponseError](err)
	if resp != nil && resp.Response != nil {
		status = resp.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = plain.Text(plain.Cut(api.ErrorCode(), 60))
	}
	_, network := errors.AsType[net.Error](err)
	what := fmt.Sprintf("%s %s in the bucket %s", doing, plain.Text(s.Key), s.Bucket)
	say := func(kind error) error { return fmt.Errorf("%w: %s: %d %s", kind, what, status, code) }
	switch {
	case errors.Is(err, ErrCredentials) && !network:
		return fmt.Errorf("%w: %s: %w", recording.ErrDenied, what, err)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed: // 405: the version is a delete marker
		return say(recording.ErrGone)
	case status == http.StatusPreconditionFailed, status == http.StatusRequestedRangeNotSatisfiable:
		return say(recording.ErrChanged)
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		var after time.Duration
		if resp.Response != nil {
			after = retryAfter(resp.Response.Header, time.Now())
		}
		return &recording.Temporary{After: after, Err: fmt.Errorf("%s: %d %s", what, status, code)}
	case status >= 300:
		if there := resp.Response.Header.Get("X-Amz-Bucket-Region"); there != "" && there != s.API.Options().Region {
			return fmt.Errorf("%w; the bucket is in %s", say(recording.ErrDenied), plain.Text(plain.Cut(there, 40)))
		}
		return say(recording.ErrDenied)
	}
	if broken, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		err = broken.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}
