package main

import (
	"context"
	"log/slog"
	"strings"

	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/recording/bucket"
	"greenroom/provider"
)

// newBuckets makes what a hub finds recordings in buckets with, nil where no account has one. It calls nobody.
func newBuckets(c *config.Config, accounts []hub.Account, log *slog.Logger, group *crash.Group) hub.Buckets {
	names := map[provider.Platform]*provider.Objects{}
	for _, d := range drivers() {
		names[d.Platform] = d.Objects
	}
	var of []bucket.Account
	for _, a := range accounts {
		name, folder, _ := strings.Cut(a.Recording.Bucket, "/")
		if name == "" || a.Unusable != nil || names[a.Platform] == nil {
			continue
		}
		f := c.Fetch[a.Name]
		of = append(of, bucket.Account{
			Name: a.Name, Platform: a.Platform, Objects: *names[a.Platform], Domain: a.Subdomain, Bucket: name, Folder: strings.Trim(folder, "/"),
			Access: accessOf(a.Account, f), Queue: f.Queue, Sweep: f.Sweep,
		})
	}
	if len(of) == 0 {
		return nil
	}
	return buckets{bucket.NewWatcher(bucket.WatcherOptions{Accounts: of, Group: group, Log: log})}
}

// buckets is a watcher as the hub wants it.
type buckets struct{ watcher *bucket.Watcher }

// Watch implements [hub.Buckets], as do Sweep and Check.
func (b buckets) Watch(ctx context.Context, tell hub.TellFound, report hub.ReportReader) {
	b.watcher.Run(ctx, teller(tell), report)
}

// Sweep looks through all buckets once.
func (b buckets) Sweep(ctx context.Context, tell hub.TellFound, report hub.ReportReader) error {
	return b.watcher.Sweep(ctx, teller(tell), report)
}

// Check says whether an account's bucket and queue can be read.
func (b buckets) Check(ctx context.Context, account string) []provider.Check {
	return b.watcher.Check(ctx, account)
}

func teller(tell hub.TellFound) bucket.Teller {
	return func(ctx context.Context, accounts []string, found []bucket.Found) error {
		out := make([]hub.Found, len(found))
		for i, f := range found {
			out[i] = hub.Found{Recording: f.Recording, At: f.At}
		}
		return tell(ctx, accounts, out)
	}
}
