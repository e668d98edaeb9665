package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/internal/recording/fetch"
	"greenroom/internal/recording/media"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// bucket is an account's bucket. Its client is created on first use.
type bucket struct {
	name   string
	access source.BucketAccess

	mu     sync.Mutex
	client *s3.Client
}

// api returns the client.
func (b *bucket) api(ctx context.Context) (*s3.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client == nil {
		c, err := source.NewS3Client(ctx, b.access)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", recording.ErrDenied, err)
		}
		b.client = c
	}
	return b.client, nil
}

// source returns the source of a file.
func (l *Library) source(r app.Recording, f file) (recording.Source, error) {
	a, ok := l.opt.Accounts[r.Account]
	if !ok {
		return nil, &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("account %q is not configured", r.Account)}
	}
	var ways []recording.Source
	if b := l.buckets[r.Account]; b != nil && f.Key != "" {
		ways = append(ways, &object{bucket: b, key: f.Key})
	}
	if a.Linker != nil && !r.FromBucket {
		transport := l.public
		if Private(a.APIURL) {
			transport = l.inside
		}
		ways = append(ways, source.NewHTTP(source.HTTPOptions{
			Link: func(ctx context.Context, _ string) (provider.FileLink, error) {
				return a.Linker.FileLink(ctx, r.ID, f.RecordingFile)
			},
			Transport: transport, Clock: l.opt.Clock,
		}))
	}
	switch len(ways) {
	case 0:
		return nil, &app.Error{
			Kind: provider.Unsupported, Text: fmt.Sprintf("there is no source for the files of recording %s", r.ID),
			Hint: fmt.Sprintf("set the bucket of the account %s, if that is where they are", r.Account),
		}
	case 1:
		return ways[0], nil
	}
	return &either{ways: ways}, nil
}

// object is a file in a bucket.
type object struct {
	bucket *bucket
	key    string
}

// Identify implements [recording.Source], as does Open.
func (o *object) Identify(ctx context.Context) (recording.Identity, error) {
	s, err := o.source(ctx)
	if err != nil {
		return recording.Identity{}, err
	}
	return s.Identify(ctx)
}

// Open reads from the object.
func (o *object) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	s, err := o.source(ctx)
	if err != nil {
		return nil, err
	}
	return s.Open(ctx, id, off, n)
}

func (o *object) source(ctx context.Context) (recording.Source, error) {
	api, err := o.bucket.api(ctx)
	if err != nil {
		return nil, err
	}
	return source.NewS3(source.S3Options{API: api, Bucket: o.bucket.name, Key: o.key}), nil
}

// either reads a file from the first of several sources that has it. The choice is made when the file is identified.
type either struct {
	ways []recording.Source

	mu     sync.Mutex
	chosen recording.Source
}

// Identify implements [recording.Source], as does Open. The error comes from the last source: errors of links name the setting.
func (e *either) Identify(ctx context.Context) (recording.Identity, error) {
	var refused []string
	for i, way := range e.ways {
		id, err := way.Identify(ctx)
		if err == nil {
			e.mu.Lock()
			e.chosen = way
			e.mu.Unlock()
			return id, nil
		}
		passing := !errors.Is(err, recording.ErrGone) && !errors.Is(err, recording.ErrDenied) && !errors.Is(err, source.ErrCredentials)
		if passing || i == len(e.ways)-1 {
			if len(refused) > 0 {
				err = fmt.Errorf("%w (and %s)", err, strings.Join(refused, ", and "))
			}
			return id, err
		}
		refused = append(refused, err.Error())
	}
	return recording.Identity{}, recording.ErrGone
}

// Open reads from the source that was identified.
func (e *either) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	e.mu.Lock()
	way := e.chosen
	e.mu.Unlock()
	if way == nil {
		return nil, errors.New("a file is opened that was not identified")
	}
	return way.Open(ctx, id, off, n)
}

// explain adds a kind and advice to an error of the downloader.
func (l *Library) explain(r app.Recording, err error) error {
	e := &app.Error{Kind: provider.Unavailable, Text: err.Error(), Err: err}
	_, explained := errors.AsType[*app.Error](err)
	switch {
	case explained, errors.Is(err, context.Canceled), errors.Is(err, fetch.ErrDiscarded):
		return err
	case errors.Is(err, recording.ErrNotYet):
		e.Kind, e.Hint = provider.NotReady, "Greenroom looks for it again later"
	case errors.Is(err, recording.ErrGone):
		e.Kind, e.Hint = provider.NotFound, "it is no longer on the platform or in the bucket"
	case errors.Is(err, recording.ErrDenied):
		e.Kind, e.Hint = provider.Forbidden, l.access(r)
	case errors.Is(err, recording.ErrRefusedAddress):
		e.Kind, e.Hint = provider.Forbidden, "links into a private network are followed only for accounts with an api_url in one"
	case errors.Is(err, fetch.ErrBusy):
		e.Kind, e.Hint = app.Busy, "another program is downloading it into the same folder"
	case errors.Is(err, fetch.ErrName):
		e.Kind, e.Hint = provider.Invalid, "change the template under [download]"
	case errors.Is(err, fetch.ErrDisk):
		e.Kind, e.Hint = provider.Conflict, "make the folder writable, or choose another with --to or with folder under [download]"
	case errors.Is(err, media.ErrDamaged):
		e.Kind, e.Hint = provider.Conflict, "the platform's own copy may be damaged: play it there, then try again"
	case errors.Is(err, fetch.ErrChecksum), errors.Is(err, recording.ErrChanged):
		e.Kind, e.Hint = provider.Conflict, "try again later: the file changes at its source"
	}
	if platform, ok := errors.AsType[*provider.Error](err); ok {
		e.Platform = platform.Platform
		if platform.Hint != "" && e.Kind != provider.NotReady {
			e.Hint = platform.Hint
		}
	}
	return e
}

// access returns the remedy for refused access.
func (l *Library) access(r app.Recording) string {
	if b := l.buckets[r.Account]; b != nil {
		return fmt.Sprintf("allow %s to read the bucket %s: s3:GetObject and s3:ListBucket", b.access, b.name)
	}
	return "check the account with `greenroom doctor`"
}
