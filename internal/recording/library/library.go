// Package library downloads whole recordings: it chooses each file's source and name, downloads it with a [fetch.Downloader], checks
// the media, and writes the manifest of recordings with several files.
//
// It promises:
//   - A recording is reported as downloaded only when every requested file is, and has passed its check.
//   - Files are read from the account's own bucket where they have a key and the bucket can be read, otherwise by the
//     platform's links. An object that is missing in the bucket, or refused, is requested from the platform.
//   - Addresses inside a private network are refused unless the account's own API is there.
//   - Errors are [app.Error]s with a kind and advice. None holds a link or a key.
package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/internal/recording/fetch"
	"greenroom/internal/recording/layout"
	"greenroom/internal/recording/media"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// Options configure a [Library].
type Options struct {
	Downloader *fetch.Downloader
	Template   layout.Template
	// Mode has the permissions of manifests; the downloader has its own.
	Mode layout.Mode
	// Zone is the time zone of dates and times in names, nil for this machine's.
	Zone     *time.Location
	Accounts map[string]Account
	// Clock and Crash may be nil.
	Clock clockwork.Clock
	Crash *crash.Group
}

// Account describes where an account's recordings are.
type Account struct {
	// APIURL decides whether private addresses are allowed, see [Private].
	APIURL string
	// Linker returns the platform's links; nil where there are none.
	Linker provider.FileLinker
	// Bucket is the name, without a folder, of the user's bucket into which the platform writes; empty where there is none.
	// Access is how it is read.
	Bucket string
	Access source.BucketAccess
}

// Library downloads recordings. It is safe for concurrent use.
type Library struct {
	opt            Options
	public, inside *source.Transport
	buckets        map[string]*bucket
}

// New returns a library. It makes no request.
func New(o Options) *Library {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	l := &Library{
		opt: o, public: source.NewTransport(false), inside: source.NewTransport(true), buckets: map[string]*bucket{},
	}
	for name, a := range o.Accounts {
		if a.Bucket != "" {
			l.buckets[name] = &bucket{name: a.Bucket, access: a.Access}
		}
	}
	return l
}

// Limit changes the bandwidth of all downloads together, in bytes per second; 0 is no limit.
func (l *Library) Limit(bytesPerSecond int64) { l.opt.Downloader.SetLimit(bytesPerSecond) }

// file is one file of a job.
type file struct {
	provider.RecordingFile
	// id is the file's in the journal.
	id string
	// name is its path in the folder, with slashes.
	name string
}

// plan returns the files that a job downloads, with their names. folder is empty for a recording of one file.
func (l *Library) plan(j recording.Job) (files []file, folder string, err error) {
	r := j.Recording
	wanted := r.Files
	several := r.Kind == "tracks" || len(r.Files) > 1
	if several && j.AudioOnly {
		wanted = layout.AudioOnly(r.Files)
	}
	if len(wanted) == 0 {
		text := fmt.Sprintf("recording %s has no files", r.ID)
		if len(r.Files) > 0 {
			text = fmt.Sprintf("recording %s has no audio tracks", r.ID)
		}
		return nil, "", &app.Error{Kind: provider.Conflict, Text: text}
	}
	facts := layout.Facts{
		Room: r.Room, Account: r.Account, Platform: string(r.Platform), ID: r.ID, Start: r.StartedAt.Time, Kind: r.Kind,
	}
	if !several {
		f := wanted[0]
		facts.Ext = layout.Extension(f.Name, f.Kind)
		return []file{{f, identify(f, 0), l.opt.Template.Path(facts, l.opt.Zone)}}, "", nil
	}
	folder = l.opt.Template.Folder(facts, l.opt.Zone)
	for i, t := range layout.Tracks(wanted, names(j.People)) {
		files = append(files, file{wanted[i], identify(wanted[i], i), path.Join(folder, t.File)})
	}
	return files, folder, nil
}

// names returns the names of the meeting's participants, by session in lower case.
func names(people []app.Stay) map[string]string {
	names := make(map[string]string)
	for _, s := range people {
		names[strings.ToLower(s.Session)] = s.Name
	}
	return names
}

// identify returns the file's name in the journal.
func identify(f provider.RecordingFile, n int) string {
	return cmp.Or(f.Key, f.Name, fmt.Sprintf("file %d", n))
}

// Fetch downloads a recording. Its errors have the kinds that the hub's Fetcher documents.
func (l *Library) Fetch(ctx context.Context, j recording.Job) (recording.Result, error) {
	files, folder, err := l.plan(j)
	if err != nil {
		return recording.Result{}, err
	}
	tally := newTally(files, j.Report)
	got, errs := make([]fetched, len(files)), make([]error, len(files))
	var wg sync.WaitGroup
	for i, f := range files {
		wg.Add(1)
		errs[i] = recording.ErrPanicked
		l.opt.Crash.Go("recording: file", func() {
			defer wg.Done()
			got[i], errs[i] = l.fetch(ctx, j, f, tally.of(i))
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return recording.Result{}, context.Cause(ctx)
	}
	if err := worst(errs); err != nil {
		return recording.Result{}, err
	}
	return l.gather(j, files, folder, got)
}

// Discard removes the unfinished files of a cancelled job. Finished files stay.
func (l *Library) Discard(ctx context.Context, j recording.Job) error {
	known, err := j.Journaled(ctx)
	errs := []error{err}
	for _, id := range known {
		t := recording.Task{Key: key(j.Recording, id), Name: path.Base(id), Journal: j.Journal(id)}
		errs = append(errs, l.opt.Downloader.Discard(ctx, t))
	}
	return errors.Join(errs...)
}

func key(r app.Recording, id string) string { return r.Account + "/" + r.ID + "/" + id }

// fetched is a downloaded file with the result of its media check.
type fetched struct {
	fetch.File
	media media.Report
}

// fetch downloads one file of a job.
func (l *Library) fetch(ctx context.Context, j recording.Job, f file, report func(recording.Report)) (fetched, error) {
	source, err := l.source(j.Recording, f)
	if err != nil {
		return fetched{}, err
	}
	var out fetched
	checked := false
	out.File, err = l.opt.Downloader.Fetch(ctx, recording.Task{
		Key: key(j.Recording, f.id), Source: source, Journal: j.Journal(f.id), Dir: j.Folder, Name: f.name, Report: report,
		Replaces: j.Replaces,
		Check: func(ctx context.Context, path string) error {
			var err error
			out.media, err = media.Check(ctx, path)
			checked = err == nil
			return err
		},
		Named: func(base string) string {
			base, out.media = out.media.Rename(base)
			return base
		},
	})
	if err != nil {
		return out, l.explain(j.Recording, err)
	}
	if !checked {
		// The file existed: an earlier process was killed after giving it its name.
		if out.media, err = media.Check(ctx, out.Path); err != nil {
			return out, l.explain(j.Recording, err)
		}
	}
	return out, nil
}

// worst returns the error to show of several: a permanent one rather than one that another try may solve.
func worst(errs []error) error {
	var all []*app.Error
	for _, err := range errs {
		if err != nil {
			all = append(all, app.AsError(err))
		}
	}
	if len(all) == 0 {
		return nil
	}
	passing := []provider.Kind{provider.Unavailable, provider.RateLimited, provider.NotReady, app.Busy}
	worst := *all[max(slices.IndexFunc(all, func(e *app.Error) bool { return !slices.Contains(passing, e.Kind) }), 0)]
	if n := len(all); n > 1 {
		worst.Text += fmt.Sprintf(" (and %d more of %d files)", n-1, len(errs))
	}
	return &worst
}

// Private reports whether an API is inside a private network, so that its files may be there too.
func Private(apiURL string) bool {
	u, err := url.Parse(apiURL)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	// Platforms on the internet use TLS; one with a name of the local network may not.
	return host == "localhost" || u.Scheme == "http"
}
