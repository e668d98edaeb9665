package main

import (
	"log/slog"
	"strings"

	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/recording/bucket"
)

// newBuckets returns the watcher of recordings in buckets, nil if no account has a bucket. It sends no request.
func newBuckets(c *config.Config, accounts []hub.Account, log *slog.Logger, group *crash.Group) hub.Buckets {
	var of []bucket.Account
	for _, a := range accounts {
		name, folder, _ := strings.Cut(a.Recording.Bucket, "/")
		objects := driverOf(a.Platform).Objects
		if name == "" || a.Unusable != nil || objects == nil {
			continue
		}
		f := c.Fetch[a.Name]
		of = append(of, bucket.Account{
			Name: a.Name, Platform: a.Platform, Objects: *objects, Domain: a.Subdomain, Bucket: name, Folder: strings.Trim(folder, "/"),
			Access: accessOf(a.Account, f), Queue: f.Queue, Sweep: f.Sweep,
		})
	}
	if len(of) == 0 {
		return nil
	}
	return bucket.NewWatcher(bucket.WatcherOptions{Accounts: of, Group: group, Log: log})
}
