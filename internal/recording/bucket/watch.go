package bucket

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
)

// Account is an account whose platform writes recordings into the user's bucket.
type Account struct {
	Name     string
	Platform provider.Platform
	// Objects are the names that the platform gives to its recordings.
	Objects provider.Objects
	// Domain is the account's domain in objects' names, if they have one: objects of another domain belong to another account. Empty
	// accepts all.
	Domain string
	// Folder is the recordings' folder in the Bucket, without leading and trailing slashes; empty for the whole bucket. Objects
	// elsewhere are ignored.
	Bucket, Folder string
	Access         source.BucketAccess
	// Queue is the URL of the queue with notifications of new objects, empty for none. Sweep is the time between two listings of the
	// bucket; 0 lists it only on request.
	Queue string
	Sweep time.Duration
}

// holds reports whether an object in the account's bucket is one of its recordings, by its folder and name. A platform that creates no
// folders writes directly into the given one.
func (a Account) holds(key string) bool {
	n, ok := a.Objects.Read(key)
	if a.Objects.OwnFolders {
		ok = ok && (a.Folder == "" || strings.HasPrefix(key, a.Folder+"/"))
	} else {
		ok = ok && strings.TrimPrefix(path.Dir("/"+key), "/") == a.Folder
	}
	return ok && (a.Domain == "" || n.Domain == "" || a.Domain == n.Domain)
}

// shares reports whether both accounts have the same bucket.
func (a Account) shares(b Account) bool {
	return a.Bucket == b.Bucket && a.Access.Endpoint == b.Access.Endpoint
}

// The readers that a [Watcher] reports about: an account's queue, and the sweeps of its bucket.
const (
	QueueReader = "recordings queue"
	SweepReader = "bucket sweep"
)

// WatcherOptions are the options of a [Watcher].
type WatcherOptions struct {
	Accounts []Account
	// Group, Log and Clock may be nil.
	Group *crash.Group
	Log   *slog.Logger
	Clock clockwork.Clock
}

// Watcher finds recordings in the buckets of several accounts. It reads shared queues and buckets only once. It is safe for concurrent
// use.
type Watcher struct {
	o      WatcherOptions
	queues []*queueOf
	sweeps []*sweepOf
}

// queueOf is one queue, with the accounts whose buckets it is about.
type queueOf struct {
	url      string
	accounts []Account
}

// NewWatcher returns a watcher. It makes no request.
func NewWatcher(o WatcherOptions) *Watcher {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{o: o}
	for _, a := range o.Accounts {
		if a.Queue != "" {
			w.addQueue(a)
		}
		w.addSweep(a)
	}
	return w
}

func (w *Watcher) addQueue(a Account) {
	i := slices.IndexFunc(w.queues, func(q *queueOf) bool { return q.url == a.Queue })
	if i < 0 {
		i = len(w.queues)
		w.queues = append(w.queues, &queueOf{url: a.Queue})
	}
	w.queues[i].accounts = append(w.queues[i].accounts, a)
}

// sharing lists the accounts that share a bucket with one of the given ones.
func (w *Watcher) sharing(with []Account) []Account {
	return slices.DeleteFunc(slices.Clone(w.o.Accounts), func(a Account) bool { return !slices.ContainsFunc(with, a.shares) })
}

// Watch reads the queues and sweeps the buckets until ctx ends, and returns soon after. It reports failures and tries again.
func (w *Watcher) Watch(ctx context.Context, tell recording.FoundHandler, report recording.ReaderReport) {
	var running sync.WaitGroup
	start := func(name string, f func()) {
		running.Add(1)
		w.o.Group.Go(name, func() {
			defer running.Done()
			f()
		})
	}
	for _, q := range w.queues {
		start("bucket queue "+q.url, func() { w.read(ctx, q, tell, report) })
	}
	for _, s := range w.sweeps {
		if s.every > 0 {
			start("sweep of "+s.accounts[0].Bucket, func() { w.sweepOn(ctx, s, tell, report) })
		}
	}
	running.Wait()
}

// clientAgain is the wait before another attempt to create a client: this machine's AWS configuration is wrong.
const clientAgain = time.Minute

// read reads one queue until ctx ends.
func (w *Watcher) read(ctx context.Context, q *queueOf, tell recording.FoundHandler, report recording.ReaderReport) {
	note := func(err error) {
		for _, a := range q.accounts {
			report(a.Name, QueueReader, err)
		}
	}
	for ctx.Err() == nil {
		api, err := NewSQS(ctx, q.accounts[0].Access, q.url)
		if err != nil {
			note(line(err))
			w.wait(ctx, clientAgain)
			continue
		}
		var buckets []string
		for _, a := range q.accounts {
			buckets = append(buckets, a.Bucket)
		}
		accounts := w.sharing(q.accounts)
		_ = NewQueue(Options{ // it ends with ctx alone
			API: api, URL: q.url, Buckets: buckets, Group: w.o.Group, Log: w.o.Log, Clock: w.o.Clock,
			Handle: func(ctx context.Context, objects []Object) error { return dispatch(ctx, accounts, objects, tell) },
			Report: func(s Status) {
				if s.Reason != "" {
					note(errors.New(s.Reason))
				} else {
					note(nil)
				}
			},
		}).Run(ctx)
	}
}

// wait returns after a while, or when ctx ends.
func (w *Watcher) wait(ctx context.Context, d time.Duration) {
	select {
	case <-w.o.Clock.After(d):
	case <-ctx.Done():
	}
}

// dispatch reports the recordings of objects, those of each platform and set of accounts together. Objects without an account are
// ignored.
func dispatch(ctx context.Context, accounts []Account, objects []Object, tell recording.FoundHandler) error {
	type party struct {
		named   provider.Objects
		names   []string
		objects []Object
	}
	parties := map[string]*party{}
	var order []string
	for _, o := range objects {
		of, named := map[provider.Platform][]string{}, map[provider.Platform]provider.Objects{}
		for _, a := range accounts {
			if a.Bucket == o.Bucket && a.holds(o.Key) {
				of[a.Platform] = append(of[a.Platform], a.Name)
				named[a.Platform] = a.Objects
			}
		}
		for platform, names := range of {
			id := string(platform) + "\x00" + strings.Join(names, "\x00")
			if parties[id] == nil {
				parties[id] = &party{named: named[platform], names: names}
				order = append(order, id)
			}
			parties[id].objects = append(parties[id].objects, o)
		}
	}
	var first error
	for _, id := range order {
		p := parties[id]
		if found := Recordings(p.named, p.objects); len(found) > 0 {
			first = cmp.Or(first, tell(ctx, p.names, found))
		}
	}
	return first
}
