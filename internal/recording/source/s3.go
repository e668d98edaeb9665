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
	// amazon says that the bucket is Amazon's own: others have other ideas of ETags.
	amazon bool
}

var _ recording.Source = (*S3)(nil)

// NewS3 makes a source. It asks nothing yet.
func NewS3(o S3Options) *S3 {
	return &S3{S3Options: o, amazon: o.API.Options().BaseEndpoint == nil}
}

// Identify asks for the object's headers, with its checksum where the bucket keeps one.
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
		Size: -1, ETag: strong(head.ETag), Version: version(head.VersionId), MediaType: aws.ToString(head.ContentType),
		NoRanges: aws.ToString(head.AcceptRanges) == "none",
	}
	if s.Version != "" && id.Version != s.Version {
		return recording.Identity{}, fmt.Errorf("%w: another version of %s", recording.ErrOdd, plain.Text(s.Key))
	}
	if head.ContentLength != nil {
		id.Size = *head.ContentLength
	}
	if head.LastModified != nil {
		id.Modified = *head.LastModified
	}
	id.Algorithm, id.Checksum = s.checksum(head)
	return id, nil
}

// checksum is that of the whole object, where there is one. Checksums of multipart uploads that are made of the parts'
// checksums ("composite") say nothing that could be compared.
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
	// The ETag is an MD5 sum only on Amazon's own general-purpose buckets, of objects that came in one piece and that no
	// key of KMS or the customer encrypts.
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

// Open asks for a part of the version that was identified, or of the object as long as its ETag is the same.
func (s *S3) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &s.Bucket, Key: &s.Key}
	whole := off == 0 && n < 0
	switch {
	case n >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	case !whole:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
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
			// The version is gone. Asking for the identity shows whether there is another one.
			err = fmt.Errorf("%w: %w", recording.ErrChanged, err)
		}
		return nil, err
	}
	if err := s.answers(out, id, off, n, whole); err != nil {
		if errors.Is(err, recording.ErrNoRanges) {
			return out.Body, err
		}
		out.Body.Close()
		return nil, err
	}
	return out.Body, nil
}

// answers reports whether the object's part is the one that was asked for.
func (s *S3) answers(out *s3.GetObjectOutput, id recording.Identity, off, n int64, whole bool) error {
	got := recording.Identity{Size: -1, ETag: strong(out.ETag), Version: version(out.VersionId)}
	ranged := aws.ToString(out.ContentRange)
	if whole || ranged == "" {
		got.Size = aws.ToInt64(out.ContentLength)
		if out.ContentLength == nil {
			got.Size = -1
		}
		if ranged != "" {
			return fmt.Errorf("%w: a part instead of the whole file", recording.ErrOdd)
		}
		if !id.Same(got) {
			return fmt.Errorf("%w: another length or ETag", recording.ErrChanged)
		}
		if !whole {
			return recording.ErrNoRanges
		}
		return nil
	}
	first, last, total, ok := contentRange(ranged)
	if !ok || first != off || (n >= 0 && last > off+n-1) {
		return fmt.Errorf("%w: the wrong Content-Range", recording.ErrOdd)
	}
	if got.Size = total; !id.Same(got) {
		return fmt.Errorf("%w: another length or ETag", recording.ErrChanged)
	}
	if out.ContentLength != nil && *out.ContentLength != last-first+1 {
		return fmt.Errorf("%w: Content-Length and Content-Range differ", recording.ErrOdd)
	}
	return nil
}

// strong is an ETag that promises the same bytes.
func strong(tag *string) string {
	if t := aws.ToString(tag); strongTag.MatchString(t) {
		return t
	}
	return ""
}

// version is an object's version; "null" is what objects have that are older than versioning, and can be overwritten.
func version(v *string) string {
	if aws.ToString(v) == "null" {
		return ""
	}
	return aws.ToString(v)
}

// fault translates an error of the SDK into what it means for the file.
func (s *S3) fault(doing string, err error) error {
	status, code := 0, ""
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.Response != nil {
		status = resp.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		code = plain.Text(plain.Cut(api.ErrorCode(), 60))
	}
	what := fmt.Sprintf("%s %s in the bucket %s", doing, plain.Text(s.Key), s.Bucket)
	say := func(kind error) error { return fmt.Errorf("%w: %s: %d %s", kind, what, status, code) }
	var network net.Error
	switch {
	case errors.Is(err, ErrCredentials) && !errors.As(err, &network):
		return fmt.Errorf("%w: %s: %w", recording.ErrDenied, what, err)
	case status == http.StatusNotFound:
		return say(recording.ErrGone)
	case status == http.StatusPreconditionFailed:
		return say(recording.ErrChanged)
	case status == http.StatusRequestedRangeNotSatisfiable:
		return say(recording.ErrChanged)
	case status == http.StatusMethodNotAllowed: // the version is a delete marker
		return say(recording.ErrGone)
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
	var broken *awshttp.ResponseError
	if errors.As(err, &broken) {
		err = broken.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}
