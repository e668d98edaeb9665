package bucket

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Sweep lists the objects of a bucket whose keys begin with prefix, in the order of their keys, and calls yield for each until it returns
// false. It requests pages as they are needed, and skips folders.
func Sweep(ctx context.Context, api s3.ListObjectsV2APIClient, bucket, prefix string, yield func(Object) bool) error {
	in := &s3.ListObjectsV2Input{Bucket: aws.String(bucket), EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = aws.String(prefix)
	}
	pages := s3.NewListObjectsV2Paginator(api, in, func(o *s3.ListObjectsV2PaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("bucket: list %s: %w", bucket, err)
		}
		for _, c := range page.Contents {
			key, err := listedKey(page, aws.ToString(c.Key))
			if err != nil {
				return fmt.Errorf("bucket: list %s: %w", bucket, err)
			}
			if key == "" || strings.HasSuffix(key, "/") {
				continue
			}
			if !yield(Object{
				Bucket: bucket, Key: key, Size: aws.ToInt64(c.Size), ETag: strings.Trim(aws.ToString(c.ETag), `"`),
				At: aws.ToTime(c.LastModified).UTC(),
			}) {
				return nil
			}
		}
	}
	return nil
}

// listedKey decodes a key of a listing. Listings are requested with encoded keys: XML can't hold all characters that keys may have, and
// one such key would make its whole page unreadable. A server that doesn't support that sends no encoding type, and plain keys.
func listedKey(page *s3.ListObjectsV2Output, key string) (string, error) {
	if page.EncodingType != types.EncodingTypeUrl {
		return key, nil
	}
	plain, err := url.QueryUnescape(key)
	if err != nil {
		return "", fmt.Errorf("the key %.200q: %w", key, err)
	}
	return plain, nil
}
