package sqs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"greenroom/internal/plain"
	"greenroom/internal/unreached"
)

// Queue is a queue's address. The credentials come from AWS's usual chain: environment, shared files, SSO, container, instance.
type Queue struct {
	// Queue is the FIFO queue's URL or ARN, or sqs:// with either (sqs://HOST/ACCOUNT/NAME.fifo means https).
	Queue string
	// Region is the queue's region; if empty, that of the URL or the ARN, or else that of the chain.
	Region string
	// Endpoint is the URL of a server that isn't Amazon's; if empty, that of the queue's URL, or Amazon's in the region.
	Endpoint string
	// HTTP sends the requests; nil means a client that honours HTTP_PROXY and HTTPS_PROXY.
	HTTP aws.HTTPClient
}

// Check returns what is wrong with the address. It makes no call.
func (q Queue) Check() error {
	_, err := q.parse()
	return err
}

// place is a queue's address, parsed.
type place struct {
	// url is the queue's, empty if it was given by its ARN.
	url, name, account, region, endpoint string
}

func (q Queue) parse() (place, error) {
	text := strings.TrimPrefix(strings.TrimSpace(q.Queue), "sqs://")
	bad := func(why string) (place, error) {
		return place{}, fmt.Errorf("the queue %s %s: write its URL or its ARN", plain.Word(q.Queue), why)
	}
	p := place{region: q.Region, endpoint: strings.TrimRight(q.Endpoint, "/")}
	if strings.HasPrefix(text, "arn:") {
		f := strings.Split(text, ":")
		if len(f) != 6 || f[2] != "sqs" || f[3] == "" || f[4] == "" || f[5] == "" {
			return bad("has an ARN that isn't like arn:aws:sqs:REGION:ACCOUNT:NAME")
		}
		p.name, p.account, p.region = f[5], f[4], cmp.Or(p.region, f[3])
	} else {
		if !strings.Contains(text, "://") {
			text = "https://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return bad("is neither a URL nor an ARN")
		}
		p.url = strings.TrimRight(u.String(), "/")
		p.name = p.url[strings.LastIndexByte(p.url, '/')+1:]
		region, amazon := regionOf(u.Hostname())
		p.region = cmp.Or(p.region, region)
		if !amazon && p.endpoint == "" {
			p.endpoint = u.Scheme + "://" + u.Host
		}
	}
	if !strings.HasSuffix(p.name, ".fifo") {
		return bad("is not a FIFO queue (the name must end in .fifo), and only those preserve the order")
	}
	if e, err := url.Parse(p.endpoint); err != nil || p.endpoint != "" && (e.Host == "" || e.Scheme != "http" && e.Scheme != "https") {
		return place{}, fmt.Errorf("the endpoint %s is not a URL", plain.Word(q.Endpoint))
	}
	return p, nil
}

// regionOf returns the region of an Amazon host, and whether the host is Amazon's public one: sqs.eu-west-1.amazonaws.com, or
// formerly eu-west-1.queue.amazonaws.com. A VPC endpoint has a region, but isn't public.
func regionOf(host string) (region string, amazon bool) {
	name, ok := strings.CutSuffix(strings.TrimSuffix(strings.ToLower(host), ".cn"), ".amazonaws.com")
	if !ok {
		return "", false
	}
	if r, ok := strings.CutPrefix(name, "sqs."); ok && !strings.Contains(r, ".") {
		return r, true
	}
	if r, ok := strings.CutSuffix(name, ".queue"); ok && !strings.Contains(r, ".") {
		return r, true
	}
	if at := strings.Index(name, ".sqs."); at >= 0 && strings.HasSuffix(name, ".vpce") {
		return strings.TrimSuffix(name[at+len(".sqs."):], ".vpce"), false
	}
	return "", false
}

// client makes the client. It makes no call to the queue, but the chain may read files.
func (q Queue) client(ctx context.Context) (*sqs.Client, place, error) {
	p, err := q.parse()
	if err != nil {
		return nil, place{}, err
	}
	// Only connecting is limited here: a long poll may take its time.
	client := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime }).
		WithTransportOptions(func(t *http.Transport) { t.TLSHandshakeTimeout = dialTime })
	// The SDK's own logger would write over the screen. An empty region means the chain's.
	c, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}), config.WithRetryer(retryer), config.WithHTTPClient(client),
		config.WithRegion(p.region))
	if err != nil {
		return nil, place{}, fmt.Errorf("the AWS configuration of this machine: %s", plain.Text(err.Error()))
	}
	if q.HTTP != nil {
		c.HTTPClient = q.HTTP
	}
	if c.Region == "" {
		return nil, place{}, errors.New("the queue's region is unknown: set region")
	}
	return sqs.NewFromConfig(c, func(o *sqs.Options) {
		if p.endpoint != "" {
			o.BaseEndpoint = aws.String(p.endpoint)
		}
	}), p, nil
}

const dialTime = 10 * time.Second

// retryer repeats a call twice, soon: longer waits are up to the driver, or to the sender. The SDK's own limit of retries is off,
// since it would end all of them after a long outage.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 3, 500*time.Millisecond, ratelimit.None
	})
}

// facts are a queue's attributes.
type facts struct {
	url, arn string
	// created distinguishes the queue from earlier ones of the same name.
	created string
	// most is the largest message in bytes.
	most int
	// waiting is the approximate number of messages, including those being read.
	waiting int
}

// describe gets the attributes. It needs sqs:GetQueueAttributes, and sqs:GetQueueUrl for a queue given by its ARN.
func describe(ctx context.Context, c *sqs.Client, p place) (facts, error) {
	f := facts{url: p.url}
	if f.url == "" {
		out, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(p.name), QueueOwnerAWSAccountId: aws.String(p.account)})
		if err != nil {
			return facts{}, err
		}
		f.url = aws.ToString(out.QueueUrl)
	}
	out, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(f.url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return facts{}, err
	}
	a := out.Attributes
	f.arn, f.created = a[string(types.QueueAttributeNameQueueArn)], a[string(types.QueueAttributeNameCreatedTimestamp)]
	f.most, _ = strconv.Atoi(a[string(types.QueueAttributeNameMaximumMessageSize)])
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	} {
		n, _ := strconv.Atoi(a[string(name)])
		f.waiting += n
	}
	if a[string(types.QueueAttributeNameFifoQueue)] != "true" {
		return facts{}, errNotFIFO
	}
	return f, nil
}

var errNotFIFO = errors.New("is not a FIFO queue")

// refusal returns the code and the text of an error response of SQS, or "".
func refusal(err error) (code, text string) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "", ""
	}
	// AWS's older protocol adds a prefix to the code, the newer one a namespace.
	code = strings.TrimPrefix(api.ErrorCode(), "AWS.SimpleQueueService.")
	return code[strings.LastIndexByte(code, '#')+1:], api.ErrorMessage()
}

// reason describes in a sentence why a call of SQS failed.
func reason(p place, err error) string {
	code, text := refusal(err)
	name := plain.Text(p.name)
	switch {
	case errors.Is(err, errNotFIFO):
		return fmt.Sprintf("%s is not a FIFO queue, and only those preserve the order: create one", name)
	case code == "QueueDoesNotExist", code == "NonExistentQueue":
		return fmt.Sprintf("there is no queue %s at %s: create it, or correct its URL", name, p.where())
	case code == "AccessDenied", code == "AccessDeniedException":
		return fmt.Sprintf("AWS denies access to %s: the credentials need sqs:GetQueueAttributes, and sqs:ReceiveMessage, "+
			"sqs:DeleteMessage and sqs:ChangeMessageVisibility to read or sqs:SendMessage to write", name)
	case code == "InvalidClientTokenId", code == "UnrecognizedClientException", code == "InvalidAccessKeyId", code == "SignatureDoesNotMatch",
		code == "InvalidSecurity", code == "MissingAuthenticationToken":
		return "AWS refuses this machine's credentials: check the access key"
	case code == "ExpiredToken", code == "ExpiredTokenException", code == "RequestExpired":
		return "the AWS credentials of this machine have expired: log in again"
	case strings.Contains(err.Error(), "failed to refresh cached credentials"), strings.Contains(err.Error(), "get credentials"),
		strings.Contains(err.Error(), "static credentials are empty"):
		return "there are no AWS credentials on this machine: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case code != "":
		return fmt.Sprintf("SQS at %s refuses the call: %s: %s", name, plain.Text(code), plain.Text(text))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s doesn't respond", p.where())
	}
	return fmt.Sprintf("%s can't be reached: %s", p.where(), unreached.Why(innermost(err)))
}

// where returns the server's name for people.
func (p place) where() string {
	if p.endpoint != "" {
		return plain.Text(p.endpoint)
	}
	return "SQS in " + plain.Text(p.region)
}

// innermost returns the HTTP client's error in one of the SDK, which adds ids and attempts.
func innermost(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}
