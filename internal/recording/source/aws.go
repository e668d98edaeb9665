package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// BucketAccess describes the access to a bucket, or to the queue with its notifications.
type BucketAccess struct {
	// Region is required.
	Region string
	// Endpoint is the URL of another S3 implementation than Amazon's, empty for Amazon's. PathStyle puts the bucket into the
	// path instead of the host name, which most others need.
	Endpoint  string
	PathStyle bool
	// AccessKey and SecretKey are fixed credentials, Session their token if they are temporary. Without them, AWS's usual chain
	// applies: environment, shared files, SSO, container, instance.
	AccessKey string
	SecretKey string
	Session   string
	// Role is the ARN of a role to assume with those credentials, empty for none.
	Role string
}

// String names the access without its secrets.
func (a BucketAccess) String() string {
	who := "the AWS credentials of this machine"
	if a.AccessKey != "" {
		who = "a fixed key"
	}
	if a.Role != "" {
		who = a.Role + " by " + who
	}
	if a.Endpoint != "" {
		return who + " at " + a.Endpoint
	}
	return who + " in " + a.Region
}

// GoString names the access without its secrets.
func (a BucketAccess) GoString() string { return a.String() }

// ErrCredentials means that this machine got no AWS credentials: there are none, they have expired, or the role may not be assumed.
var ErrCredentials = errors.New("there are no usable AWS credentials")

// marked distinguishes failures to get credentials from failures of the calls that need them.
type marked struct{ aws.CredentialsProvider }

func (m marked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	return c, err
}

// sdkAttempts allows the SDK one retry, so that it can correct for a wrong clock. The caller makes further retries.
const sdkAttempts = 2

// NewAWS returns the configuration that clients of AWS services share. The SDK's log is off: it would write over the screen. Only
// credentials of the chain that need the network make requests.
func NewAWS(ctx context.Context, a BucketAccess) (aws.Config, error) {
	if a.Region == "" {
		return aws.Config{}, errors.New("aws: there is no region")
	}
	if (a.AccessKey == "") != (a.SecretKey == "") {
		return aws.Config{}, errors.New("aws: set both the access key and its secret key")
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnections
	})
	retryer := func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = sdkAttempts, time.Second })
	}
	c := aws.Config{Region: a.Region, HTTPClient: client, Retryer: retryer, Logger: logging.Nop{}}
	if a.AccessKey != "" {
		c.Credentials = credentials.NewStaticCredentialsProvider(a.AccessKey, a.SecretKey, a.Session)
	} else {
		var err error
		c, err = config.LoadDefaultConfig(ctx, config.WithRegion(a.Region), config.WithHTTPClient(client),
			config.WithRetryer(retryer), config.WithLogger(logging.Nop{}))
		if err != nil {
			return aws.Config{}, fmt.Errorf("aws: read the configuration of this machine: %w", err)
		}
	}
	if a.Role != "" {
		assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(c), a.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "greenroom"
		})
		c.Credentials = assume
	}
	c.Credentials = aws.NewCredentialsCache(marked{c.Credentials})
	c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	return c, nil
}

// NewS3Client returns a client for the buckets of one access.
func NewS3Client(ctx context.Context, a BucketAccess) (*s3.Client, error) {
	c, err := NewAWS(ctx, a)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = a.PathStyle
		o.DisableLogOutputChecksumValidationSkipped = true
		if a.Endpoint != "" {
			o.BaseEndpoint = aws.String(a.Endpoint)
		}
	}), nil
}
