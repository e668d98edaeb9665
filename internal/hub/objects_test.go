package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/recording"
	"greenroom/provider"
	"greenroom/store"
)

// seen adds what a bucket has to what is known.
func (b *bench) seen(accounts []string, found ...recording.Found) {
	b.t.Helper()
	if err := b.ObserveObjects(context.Background(), accounts, found); err != nil {
		b.t.Fatal(err)
	}
}

// listed adds what the platform lists.
func (b *bench) listed(account string, list ...provider.Recording) {
	b.t.Helper()
	if err := b.observeRecordings(context.Background(), b.Hub.accounts[account], list, nil); err != nil {
		b.t.Fatal(err)
	}
}

// all lists everything that is known.
func (b *bench) all() []app.Recording {
	b.t.Helper()
	all, err := b.Recordings(context.Background(), app.RecordingQuery{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// The two kinds of recording in a bucket, as they are found there and as the platform reports them. Objects have
// milliseconds, the platform seconds.
type tale struct {
	found      []recording.Found
	list       provider.Recording
	began      time.Time
	ready      app.RecordingStatus // what a bucket alone knows
	sizes      []int64
	readyFiles []provider.RecordingFile
}

const (
	ada   = "0b0e2f3a-1111-4222-8333-0123456789ab"
	grace = "9c0e2f3a-1111-4222-8333-0123456789ab"
)

func cloudTale(room string) tale {
	at := t0.Add(time.Minute + 123*time.Millisecond)
	key := fmt.Sprintf("acme/%s/%d", room, at.UnixMilli())
	file := provider.RecordingFile{Name: fmt.Sprint(at.UnixMilli()), Kind: "video", Key: key}
	sized := file
	sized.Size = 4242
	found := recording.Found{At: t0.Add(time.Hour), Recording: provider.Recording{
		ID: "s3-cloud-" + room, Room: room, Status: "ready", Kind: "cloud", StartedAt: at, Files: []provider.RecordingFile{sized},
	}}
	list := provider.Recording{
		ID: "rec-cloud", Room: room, Status: "ready", Kind: "cloud", StartedAt: at.Truncate(time.Second), Duration: 90 * time.Second,
		Files: []provider.RecordingFile{file},
	}
	return tale{found: []recording.Found{found}, list: list, began: at, ready: app.RecordingReady, sizes: []int64{4242}, readyFiles: list.Files}
}

func tracksTale(room string) tale {
	at := t0.Add(2*time.Minute + 7*time.Millisecond)
	track := func(who, media string, after time.Duration, ext string, size int64) provider.RecordingFile {
		name := fmt.Sprintf("%d-%s-%s-%d%s", at.UnixMilli(), who, media, at.Add(after).UnixMilli(), ext)
		return provider.RecordingFile{Name: name, Kind: media, Key: "acme/" + room + "/" + name, Size: size}
	}
	one, two := track(ada, "cam-audio", time.Second, "", 0), track(grace, "cam-video", time.Minute, "", 0)
	found := func(after time.Duration, f provider.RecordingFile, size int64) recording.Found {
		f.Size = size
		return recording.Found{At: at.Add(after), Recording: provider.Recording{
			ID: "s3-tracks-" + room, Room: room, Status: "processing", Kind: "tracks", StartedAt: at, Files: []provider.RecordingFile{f},
		}}
	}
	list := provider.Recording{
		ID: "rec-tracks", Room: room, Status: "ready", Kind: "tracks", StartedAt: at.Truncate(time.Second), Duration: time.Hour,
		Files: []provider.RecordingFile{one, two},
	}
	return tale{
		found: []recording.Found{
			found(time.Hour, one, 11), found(2*time.Hour, two, 22), found(time.Minute, track(ada, "cam-audio", time.Second, ".event.json", 0), 3),
		},
		list: list, began: at, ready: app.RecordingProcessing, sizes: []int64{11, 22}, readyFiles: list.Files,
	}
}

// event is the platform's, with or without the files.
func (s tale) event(kind provider.EventKind, files []provider.RecordingFile) provider.Event {
	return provider.Event{
		Kind: kind, ID: string(kind) + s.list.ID, At: s.list.StartedAt, Room: s.list.Room,
		Recording: &provider.RecordingEvent{ID: s.list.ID, Kind: s.list.Kind, StartedAt: s.list.StartedAt, Duration: s.list.Duration, Files: files},
	}
}

// orders calls visit with every order of n things.
func orders(n int, visit func([]int)) {
	var walk func(done []int)
	walk = func(done []int) {
		if len(done) == n {
			visit(done)
			return
		}
		for i := range n {
			used := false
			for _, d := range done {
				used = used || d == i
			}
			if !used {
				walk(append(done[:len(done):len(done)], i))
			}
		}
	}
	walk(nil)
}

// Whatever comes first, the bucket, the list or the events, there is one recording, under the platform's id, and it is the
// same one in the end.
func TestOneRecordingWhicheverReportComesFirst(t *testing.T) {
	const room = "design-20261122100000"
	for _, s := range []tale{cloudTale(room), tracksTale(room)} {
		steps := []func(*bench){
			func(b *bench) { b.event(s.event(provider.KindRecordingStarted, nil)) },
			func(b *bench) { b.event(s.event(provider.KindRecordingReady, s.readyFiles)) },
			func(b *bench) { b.listed("daily", s.list) },
		}
		for _, f := range s.found {
			steps = append(steps, func(b *bench) { b.seen([]string{"daily"}, f) })
		}
		b := newBench(t)
		b.room("design")
		m := b.start("design")
		if m.PlatformRoom != room {
			t.Fatal(m.PlatformRoom)
		}
		b.close()
		empty := b.path
		n := 0
		orders(len(steps), func(order []int) {
			if n++; n%37 != 0 && len(steps) > 4 {
				return // some of the 720
			}
			b.path = copyOf(t, empty)
			b.open()
			for _, i := range order {
				steps[i](b)
				steps[i](b)
			}
			b.seen([]string{"daily"}, s.found...)
			b.listed("daily", s.list)
			check(t, b, order, m.ID, s)
			b.close()
		})
	}
}

func check(t *testing.T, b *bench, order []int, meeting string, s tale) {
	t.Helper()
	all := b.all()
	if len(all) != 1 {
		t.Fatalf("%v: %d recordings: %+v", order, len(all), all)
	}
	r := all[0]
	for i, f := range r.Files {
		if f.Size != s.sizes[i] || f.Key != s.list.Files[i].Key {
			t.Errorf("%v: the files are %+v", order, r.Files)
		}
	}
	newest := s.found[0].At
	for _, f := range s.found {
		newest = app.Later(newest, f.At)
	}
	if r.ID != s.list.ID || r.Status != app.RecordingReady || r.Meeting != meeting || r.Room != "design" || r.FromBucket || r.Kind != s.list.Kind ||
		!r.StartedAt.Equal(s.began) || r.Length() != s.list.Duration || len(r.Files) != len(s.sizes) || !r.ObjectAt.Equal(newest) {
		t.Errorf("%v: %+v", order, r)
	}
	if err := b.store.View(t.Context(), func(tx *store.Tx) error {
		m, err := tx.Meeting(meeting)
		if len(m.Recordings) != 1 || m.Recordings[0] != r.ID || m.Recording != app.NotRecording {
			t.Errorf("%v: the meeting has %v, and is %s", order, m.Recordings, m.Recording)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	for _, alias := range r.Aliases {
		if got, err := b.Recording(t.Context(), app.RecordingRef{ID: alias}); err != nil || got.ID != r.ID || alias != s.found[0].Recording.ID {
			t.Errorf("%v: %s is %+v, %v", order, alias, got, err)
		}
	}
	if len(r.Aliases) > 1 {
		t.Errorf("%v: known as %v", order, r.Aliases)
	}
}

// copyOf copies a closed store's file into a folder of its own.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), store.FileName)
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// A repeated report is not written again: a sweep reports everything each time.
func TestARepeatOfWhatABucketHasWritesNothing(t *testing.T) {
	b := newBench(t)
	for _, s := range []tale{cloudTale("unknown"), tracksTale("unknown")} {
		b.seen([]string{"daily"}, s.found...)
		before := b.all()
		ctx, cancel := context.WithCancel(t.Context())
		changes, err := b.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		older := s.found[0]
		older.At = older.At.Add(-time.Hour)
		b.seen([]string{"daily"}, append(s.found, older)...)
		cancel()
		for c := range changes {
			t.Errorf("%+v", c)
		}
		if diff := cmp.Diff(before, b.all()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestARecordingKnownFromABucketAlone(t *testing.T) {
	for _, s := range []tale{cloudTale("later"), tracksTale("later")} {
		b := newBench(t)
		b.seen([]string{"daily"}, s.found...)
		r := b.all()[0]
		if r.ID != s.found[0].Recording.ID || !r.FromBucket || r.Status != s.ready || r.Meeting != "" || r.Room != "later" || !r.StartedAt.Equal(s.began) {
			t.Errorf("%+v", r)
		}
		if _, err := b.DeleteRecording(t.Context(), r.Ref()); !errors.Is(err, provider.Unsupported) || app.AsError(err).Hint == "" {
			t.Errorf("deleting it on the platform: %v", err)
		}
		// Its room becomes known later, when a participant joins.
		b.event(join("later", "ada", t0.Add(time.Minute)))
		if err := b.settleObjects(t.Context()); err != nil {
			t.Fatal(err)
		}
		m := b.meeting("later")
		if got := b.all()[0]; got.Meeting != m.ID || got.Room != m.Room {
			t.Errorf("%+v is not of %+v", got, m)
		}
	}
}

// Without the platform's confirmation tracks are complete when none has come for long, and the meeting is empty.
func TestTracksAreWholeAfterALongSilence(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.event(join(m.PlatformRoom, "ada", t0))
	s := tracksTale(m.PlatformRoom)
	b.seen([]string{"daily"}, s.found...)
	status := func(after time.Duration) app.RecordingStatus {
		t.Helper()
		b.clock.Advance(s.began.Add(after).Sub(b.clock.Now()))
		if err := b.settleObjects(t.Context()); err != nil {
			t.Fatal(err)
		}
		return b.all()[0].Status
	}
	const last = 2 * time.Hour
	if got := status(last + catalog.QuietTracks); got != app.RecordingProcessing {
		t.Errorf("%s although a participant is there", got)
	}
	left := person("ada", t0)
	left.LeftAt = t0.Add(3 * time.Hour)
	b.event(provider.Event{Kind: provider.KindParticipantLeft, ID: "l", At: left.LeftAt, Room: m.PlatformRoom, Participant: left})
	if got := status(last + catalog.QuietTracks - time.Second); got != app.RecordingProcessing {
		t.Errorf("%s too early", got)
	}
	if got := status(last + catalog.QuietTracks); got != app.RecordingReady {
		t.Errorf("still %s", got)
	}
	// A sweep finds what is old; the platform's word comes later all the same.
	b.clock.Advance(30 * 24 * time.Hour)
	b.seen([]string{"daily"}, tracksTale("old").found...)
	if r := b.all(); len(r) != 2 || r[0].Status != app.RecordingReady || r[1].Status != app.RecordingReady {
		t.Errorf("%+v", r)
	}
	b.listed("daily", s.list)
	if r := b.all(); len(r) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestBucketsOfSeveralAccounts(t *testing.T) {
	b := newBench(t)
	b.close()
	other := &platform{name: provider.Daily, traits: b.platform.traits}
	b.accounts = append(b.accounts, Account{Account: provider.Account{Name: "other", Platform: provider.Daily}, Provider: other})
	b.open()
	both := []string{"daily", "other"}
	if err := b.ObserveObjects(t.Context(), []string{"unknown"}, nil); !errors.Is(err, app.NotConfigured) {
		t.Error(err)
	}
	if err := b.ObserveObjects(t.Context(), nil, nil); err == nil {
		t.Error("objects of an unknown account")
	}
	// Objects of the same names in two buckets are two recordings, and each account's list is about its own.
	s := cloudTale("same")
	b.seen([]string{"daily"}, s.found...)
	b.seen([]string{"other"}, s.found...)
	b.listed("other", s.list)
	if all := b.all(); len(all) != 2 || all[0].Account == all[1].Account {
		t.Fatalf("%+v", all)
	}
	for _, r := range b.all() {
		if (r.Account == "other") == r.FromBucket {
			t.Errorf("%+v", r)
		}
	}
	// A bucket of two accounts: one knows the recording, or its room, or else it is the first one's.
	b.listed("other", tracksTale("listed").list)
	if _, err := b.CreateRoom(t.Context(), app.RoomSpec{Name: "theirs", Account: "other"}); err != nil {
		t.Fatal(err)
	}
	theirs := b.start("theirs")
	b.seen(both, tracksTale("listed").found...)
	b.seen(both, cloudTale(theirs.PlatformRoom).found...)
	b.seen(both, cloudTale("nobodys").found...)
	got := map[string]string{}
	for _, r := range b.all() {
		got[r.ID] = r.Account
	}
	want := map[string]string{
		"rec-tracks": "other", "s3-cloud-" + theirs.PlatformRoom: "other", "s3-cloud-nobodys": "daily", "s3-cloud-same": "daily", "rec-cloud": "other",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeNotedIsRefused(t *testing.T) {
	b := newBench(t)
	s := cloudTale("demo")
	h := b.Hub
	b.close()
	if err := h.ObserveObjects(t.Context(), []string{"daily"}, s.found); err == nil {
		t.Error("taken although the store is closed")
	}
	b.open()
	if all := b.all(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}
