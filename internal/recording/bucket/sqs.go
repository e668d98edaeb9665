package bucket

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"greenroom/internal/recording/source"
)

// API is the part of SQS that a [Queue] uses; *sqs.Client implements it.
type API interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

var _ API = (*sqs.Client)(nil)

// NewSQS returns a client for the queue of a URL, with the credentials of a. The region is that of an Amazon URL; any other URL is that
// of another SQS server. a.Endpoint is the bucket's and is ignored.
func NewSQS(ctx context.Context, a source.BucketAccess, queue string) (*sqs.Client, error) {
	u, err := url.Parse(queue)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("bucket: %q is not the URL of a queue", queue)
	}
	region, amazon := regionOf(u.Hostname())
	if region != "" {
		a.Region = region
	}
	a.Endpoint = ""
	c, err := source.NewAWS(ctx, a)
	if err != nil {
		return nil, err
	}
	return sqs.NewFromConfig(c, func(o *sqs.Options) {
		if !amazon {
			o.BaseEndpoint = aws.String(u.Scheme + "://" + u.Host)
		}
	}), nil
}

// regionOf returns the region in the host of a queue's URL: sqs.us-west-2.amazonaws.com, or formerly us-west-2.queue.amazonaws.com;
// China's end in .cn. amazon reports whether the host is Amazon's.
func regionOf(host string) (region string, amazon bool) {
	name, amazon := strings.CutSuffix(strings.TrimSuffix(host, ".cn"), ".amazonaws.com")
	if !amazon {
		return "", false
	}
	if after, ok := strings.CutPrefix(name, "sqs."); ok {
		return after, true
	}
	before, _ := strings.CutSuffix(name, ".queue")
	return before, true
}
