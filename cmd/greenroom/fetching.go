package main

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/hub/downloads"
	"greenroom/internal/recording/after"
	"greenroom/internal/recording/fetch"
	"greenroom/internal/recording/layout"
	"greenroom/internal/recording/library"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// newDownloads returns the hub's downloader. It sends no request.
func newDownloads(c *config.Config, accounts []hub.Account, log *slog.Logger, group *crash.Group) (downloads.Config, error) {
	lib, err := newLibrary(c, accounts, log, group)
	if err != nil {
		return downloads.Config{}, err
	}
	d := c.Download
	out := downloads.Config{Fetcher: lib, Folder: d.Folder, AtOnce: d.Files, Limit: d.LimitRate}
	out.Programs, out.ProgramTime = d.Parallel, d.Timeout
	if len(d.OnDownload) > 0 {
		out.Command = func(ctx context.Context, r app.Recording) error {
			return runAfter(ctx, c, after.Command{Name: "on_download", Args: d.OnDownload}, r)
		}
	}
	if len(d.OnFailure) > 0 {
		out.OnFailure = func(ctx context.Context, r app.Recording, f downloads.Failure) error {
			return runAfter(ctx, c, after.Command{
				Name: "on_failure", Args: d.OnFailure, Facts: []string{"FAILED", f.What, "REASON", f.Reason},
			}, r)
		}
	}
	return out, nil
}

// newLibrary returns the reader of the accounts' recordings. It sends no request.
func newLibrary(c *config.Config, accounts []hub.Account, log *slog.Logger, group *crash.Group) (*library.Library, error) {
	d := c.Download
	template, err := nameTemplate(c)
	if err != nil {
		return nil, err
	}
	var zone *time.Location
	if d.TimeZone != "" {
		if zone, err = time.LoadLocation(d.TimeZone); err != nil {
			return nil, err
		}
	}
	mode := layout.Mode{Perm: d.FileMode, Umask: d.Umask}
	known := make(map[string]library.Account, len(accounts))
	for _, a := range accounts {
		known[a.Name] = filesOf(a, c.Fetch[a.Name])
	}
	return library.New(library.Options{
		Downloader: fetch.New(fetch.Options{
			Files: d.Files, Workers: d.Workers, Limit: d.LimitRate, Mode: mode, Log: log, Crash: group,
		}),
		Template: template, Mode: mode, Zone: zone, Accounts: known, Crash: group,
	}), nil
}

// nameTemplate parses the template for the names of files.
func nameTemplate(c *config.Config) (layout.Template, error) {
	t, err := layout.Parse(c.Download.Template)
	if err != nil {
		err = &app.Error{Kind: app.NotConfigured, Text: err.Error(), Hint: "change template under [download] in " + c.File, Err: err}
	}
	return t, err
}

// filesOf returns where and how an account's recordings are read.
func filesOf(a hub.Account, f config.Fetch) library.Account {
	bucket, _, _ := strings.Cut(a.Recording.Bucket, "/")
	linker, _ := a.Provider.(provider.FileLinker)
	return library.Account{APIURL: a.APIURL, Linker: linker, Bucket: bucket, Access: accessOf(a.Account, f)}
}

// accessOf returns the access to an account's bucket and the queue of its notifications: with the keys for reading, else with those that the
// platform writes with, else with the credentials of AWS programs.
func accessOf(a provider.Account, f config.Fetch) source.BucketAccess {
	out := source.BucketAccess{
		Region: a.Recording.Region, Endpoint: f.Endpoint, PathStyle: f.PathStyle, AccessKey: a.Recording.AccessKeyID,
		SecretKey: a.Recording.AccessKeySecret, Role: f.ReadRole,
	}
	if f.ReadKeyID != "" {
		out.AccessKey, out.SecretKey = f.ReadKeyID, f.ReadKeySecret
	}
	return out
}

// runAfter runs one of the user's programs. Its output goes to the log file.
func runAfter(ctx context.Context, c *config.Config, cmd after.Command, r app.Recording) error {
	logs, err := openLog(c.DataDir)
	if err != nil {
		return err
	}
	defer logs.Close()
	cmd.Environ, cmd.Secrets, cmd.Log = os.Environ(), c.SecretVariables(), newLog(logs, slog.LevelInfo)
	return cmd.Run(ctx, r)
}
