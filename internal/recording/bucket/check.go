package bucket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"greenroom/internal/plain"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// checkTime limits each request of a check. Finding out that a machine has no AWS credentials takes time.
const checkTime = 10 * time.Second

// The hints name the missing permissions; docs/recordings.md has the policies.
const (
	bucketHint = "allow %s s3:ListBucket on %s and s3:GetObject on its objects (docs/recordings.md has the policy)"
	queueHint  = "allow %s sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on the " +
		"queue (docs/recordings.md has the policy)"
)

// Check reports whether an account's bucket and queue can be read; nothing for an account without a bucket. A bucket without a queue or a
// sweep needn't be readable: the platform may have links.
func (w *Watcher) Check(ctx context.Context, account string) []provider.Check {
	i := slices.IndexFunc(w.o.Accounts, func(a Account) bool { return a.Name == account })
	if i < 0 {
		return nil
	}
	a := w.o.Accounts[i]
	checks := []provider.Check{a.checkBucket(ctx)}
	if a.Queue != "" {
		checks = append(checks, a.checkQueue(ctx))
	}
	return checks
}

// checkBucket lists one object and reads its headers.
func (a Account) checkBucket(ctx context.Context) provider.Check {
	c := provider.Check{
		Name: "reading the bucket", Optional: a.Queue == "" && a.Sweep == 0, Hint: plain.Text(fmt.Sprintf(bucketHint, a.Access, a.Bucket)),
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	api, err := source.NewS3Client(ctx, a.Access)
	if err != nil {
		c.Detail = line(err).Error()
		return c
	}
	list, err := api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &a.Bucket, Prefix: aws.String(prefix(a.Folder)), MaxKeys: aws.Int32(1), EncodingType: "url"})
	if err != nil {
		c.Detail = line(fmt.Errorf("%s can't be listed: %s", a.Bucket, words(err))).Error()
		return c
	}
	for _, o := range list.Contents {
		key, err := listedKey(list, aws.ToString(o.Key))
		if err == nil {
			_, err = api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &a.Bucket, Key: &key})
		}
		if err != nil {
			c.Detail = line(fmt.Errorf("%s can be listed, but its objects can't be read: %s", a.Bucket, words(err))).Error()
			return c
		}
	}
	c.OK, c.Optional, c.Hint = true, false, ""
	c.Detail = plain.Text(fmt.Sprintf("%s, by %s", a.Bucket, a.Access))
	return c
}

// checkQueue reads the number of waiting messages. It receives none: that would hide them from the reader for a while.
func (a Account) checkQueue(ctx context.Context) provider.Check {
	c := provider.Check{Name: QueueReader, Hint: plain.Text(fmt.Sprintf(queueHint, a.Access))}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	api, err := NewSQS(ctx, a.Access, a.Queue)
	if err != nil {
		c.Detail = line(err).Error()
		return c
	}
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &a.Queue, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
	}})
	if err != nil {
		c.Detail = line(fmt.Errorf("%s can't be read: %s", a.Queue, words(err))).Error()
		return c
	}
	c.OK, c.Hint = true, ""
	waiting := out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)]
	c.Detail = plain.Text(fmt.Sprintf("%s, about %s messages waiting", a.Queue, waiting))
	return c
}

// words returns the error of a call to AWS in few words, without the SDK's preamble.
func words(err error) string {
	api, refused := errors.AsType[smithy.APIError](err)
	network, unreached := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, source.ErrCredentials):
		return source.ErrCredentials.Error()
	case refused && api.ErrorMessage() != "" && api.ErrorMessage() != api.ErrorCode():
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case refused:
		return api.ErrorCode()
	case unreached:
		return network.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return err.Error()
}

// line returns an error whose text is one safe line.
func line(err error) error { return errors.New(plain.Text(clip(err.Error()))) }
