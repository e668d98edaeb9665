package bucket

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Sweep lists the objects of a bucket whose keys begin with prefix, in the order of their keys, and calls yield for each until
// that returns false. Pages are asked for as they are needed. Folders are left out.
func Sweep(ctx context.Context, api s3.ListObjectsV2APIClient, bucket, prefix string, yield func(Object) bool) error {
	in := &s3.ListObjectsV2Input{Bucket: aws.String(bucket)}
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
			key := aws.ToString(c.Key)
			if key == "" || strings.HasSuffix(key, "/") {
				continue
			}
			o := Object{Bucket: bucket, Key: key, Size: aws.ToInt64(c.Size), ETag: strings.Trim(aws.ToString(c.ETag), `"`)}
			if c.LastModified != nil {
				o.At = c.LastModified.UTC()
			}
			if !yield(o) {
				return nil
			}
		}
	}
	return nil
}
