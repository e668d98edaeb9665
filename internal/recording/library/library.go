// Package library gets whole recordings: it chooses where each of their files is read from, gives them their names, has the
// [recording.Downloader] fetch them, checks the media, and writes the manifest of those with several.
//
// What it promises:
//   - A recording is reported as fetched only when every file that was asked for is, and has passed its check.
//   - Files are read from the account's own bucket where they have a key and the bucket may be read, otherwise by the
//     platform's links; an object that the bucket doesn't have, or won't give, is asked of the platform too.
//   - Addresses inside a private network are refused unless the account's own API is there.
//   - Errors are [app.Error]s with a kind and what to do. None holds a link or a key.
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
	"greenroom/internal/recording/layout"
	"greenroom/internal/recording/media"
	"greenroom/provider"
)

// Options are what a [Library] is made of.
type Options struct {
	Downloader *recording.Downloader
	Template   layout.Template
	// Mode is how the manifests are made readable; the downloader has its own.
	Mode layout.Mode
	// Zone is that of dates and times in names, nil for this machine's.
	Zone     *time.Location
	Accounts map[string]Account
	// Clock and Crash may be nil.
	Clock clockwork.Clock
	Crash *crash.Group
}

// Account is where an account's recordings are.
type Account struct {
	// APIURL decides whether private addresses are admitted.
	APIURL string
	// Linker gives the platform's links; nil where there are none.
	Linker provider.FileLinker
	// Bucket holds what the platform writes to a bucket of the user's, its name empty where there is none; a folder after it
	// is not part of it. Access says how it is read.
	Bucket string
	Access recording.BucketAccess
}

// Library fetches recordings. It is safe for concurrent use.
type Library struct {
	opt            Options
	public, inside *recording.Transport
	buckets        map[string]*bucket
}

// New makes a library. It asks nobody anything yet.
func New(o Options) *Library {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	l := &Library{
		opt: o, public: recording.NewTransport(false), inside: recording.NewTransport(true), buckets: map[string]*bucket{},
	}
	for name, a := range o.Accounts {
		if a.Bucket != "" {
			l.buckets[name] = &bucket{name: a.Bucket, access: a.Access}
		}
	}
	return l
}

// Limit changes the bandwidth of everything that is fetched, in bytes per second; 0 is no limit.
func (l *Library) Limit(bytesPerSecond int64) { l.opt.Downloader.SetLimit(bytesPerSecond) }

// Job is one recording to fetch.
type Job struct {
	Recording app.Recording
	// Folder is the one under which files get their names, absolute.
	Folder string
	// AudioOnly takes people's voices alone, of recordings that have them apart.
	AudioOnly bool
	// Replaces are the SHA-256 sums of files that are known to be broken: they may be replaced where they stand.
	Replaces []string
	// People were in the meeting; tracks are named by them.
	People []app.Stay
	// Journal remembers the progress of a file, Journaled lists the files of which it holds something.
	Journal   func(file string) Memory
	Journaled func(ctx context.Context) ([]string, error)
	// Report hears how far it is; it must not block. May be nil.
	Report func(Report)
}

// A Memory keeps the progress of one file as text that is the library's own.
type Memory interface {
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, progress []byte) error
	Clear(ctx context.Context) error
}

// Report is how far a job is, over all of its files.
type Report struct {
	// Bytes are here of Total, which is 0 while it isn't known. Fetched came from the source during this call.
	Bytes, Total, Fetched int64
	// Yielded reports that nothing comes, and that others may come instead.
	Yielded bool
	// Verifying says that every byte is here. Paused says why nothing comes: there is no space.
	Verifying bool
	Paused    string
	// Trouble is what went wrong last while it is tried again, Note why a file was begun anew.
	Trouble, Note string
}

// Result is a recording that is here.
type Result struct {
	// Path is the file, or the folder of several; absolute.
	Path  string
	Files []app.DownloadedFile
	// Note is what is worth knowing: "no audio".
	Note string
}

// file is one file of a job.
type file struct {
	provider.RecordingFile
	// id is what the journal knows it by.
	id string
	// name is where it shall stand in the folder, with slashes.
	name string
}

// plan says which files a job fetches, and under which names. folder is empty for a recording of one file.
func (l *Library) plan(j Job) (files []file, folder string, err error) {
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
		facts.Ext = layout.Extension(f.Name, "", f.Kind)
		return []file{{f, identify(f, 0), l.opt.Template.Path(facts, l.opt.Zone)}}, "", nil
	}
	folder = l.opt.Template.Folder(facts, l.opt.Zone)
	for i, t := range layout.Tracks(wanted, j.names()) {
		files = append(files, file{wanted[i], identify(wanted[i], i), path.Join(folder, t.File)})
	}
	return files, folder, nil
}

// names are what the people of the meeting called themselves, by session in lower case.
func (j Job) names() map[string]string {
	names := make(map[string]string)
	for _, s := range j.People {
		names[strings.ToLower(s.Session)] = s.Name
	}
	return names
}

// identify names a file for the journal.
func identify(f provider.RecordingFile, n int) string {
	return cmp.Or(f.Key, f.Name, fmt.Sprintf("file %d", n))
}

// Fetch gets a recording down. Errors have the kinds that [hub.Fetcher] tells of.
func (l *Library) Fetch(ctx context.Context, j Job) (Result, error) {
	files, folder, err := l.plan(j)
	if err != nil {
		return Result{}, err
	}
	tally := newTally(files, j.Report)
	got, errs := make([]fetched, len(files)), make([]error, len(files))
	var wg sync.WaitGroup
	for i, f := range files {
		wg.Add(1)
		errs[i] = errPanicked
		l.opt.Crash.Go("recording: file", func() {
			defer wg.Done()
			got[i], errs[i] = l.fetch(ctx, j, f, tally.of(i))
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if err := worst(errs); err != nil {
		return Result{}, err
	}
	return l.gather(j, files, folder, got)
}

// errPanicked stands for a file until it is known what became of it.
var errPanicked = errors.New("something went wrong inside Greenroom; the log has it")

// Discard removes what a job that is given up has left. Files that are whole already stay.
func (l *Library) Discard(ctx context.Context, j Job) error {
	known, err := j.Journaled(ctx)
	errs := []error{err}
	for _, id := range known {
		t := recording.Task{Key: key(j.Recording, id), Name: path.Base(id), Journal: journal{j.Journal(id)}}
		errs = append(errs, l.opt.Downloader.Discard(ctx, t))
	}
	return errors.Join(errs...)
}

func key(r app.Recording, id string) string { return r.Account + "/" + r.ID + "/" + id }

// fetched is a file that is here, with what its check found.
type fetched struct {
	recording.Result
	media media.Report
}

func (l *Library) fetch(ctx context.Context, j Job, f file, report func(recording.Stats)) (fetched, error) {
	source, err := l.source(ctx, j.Recording, f)
	if err != nil {
		return fetched{}, err
	}
	var out fetched
	checked := false
	out.Result, err = l.opt.Downloader.Fetch(ctx, recording.Task{
		Key: key(j.Recording, f.id), Source: source, Journal: journal{j.Journal(f.id)}, Dir: j.Folder, Name: f.name, Report: report,
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
		// It stood there already: an earlier process was killed after giving it its name.
		if out.media, err = media.Check(ctx, out.Path); err != nil {
			return out, l.explain(j.Recording, err)
		}
	}
	return out, nil
}

// worst is the error to show of several: one for good before those that another try may mend.
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
	worst := all[0]
	for _, e := range all {
		if slices.Contains(passing, worst.Kind) && !slices.Contains(passing, e.Kind) {
			worst = e
		}
	}
	if n := len(all); n > 1 {
		more := *worst
		more.Text += fmt.Sprintf(" (and %d more of %d files)", n-1, len(errs))
		return &more
	}
	return worst
}

// Private says whether an API's base is inside a private network, so that its files may be there too.
func Private(apiURL string) bool {
	u, err := url.Parse(apiURL)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	// No platform on the internet is reached without TLS; one on a name of a local network may be.
	return host == "localhost" || u.Scheme == "http"
}
