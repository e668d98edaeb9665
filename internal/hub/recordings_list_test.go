package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
	"greenroom/store"
)

// many is more than two pages of a platform's list.
const many = 260

// past makes recordings on a platform without announcing them, the first one the newest.
func (s *sandboxed) past(p provider.Platform, n int) (ids []string) {
	s.t.Helper()
	room, err := s.world.AddRoom(p, "archive", sandbox.RoomOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range n {
		id, err := s.world.AddRecording(p, room, sandbox.PastRecording{
			StartedAt: s.clock.Now().Add(-time.Duration(i+1) * time.Hour), For: time.Minute,
		})
		if err != nil {
			s.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func (s *sandboxed) count() int {
	s.t.Helper()
	n, err := s.Counts(s.t.Context(), app.CountQuery{Recordings: &app.RecordingQuery{Limit: 1}})
	if err != nil {
		s.t.Fatal(err)
	}
	return n.Recordings
}

func TestRecordingsBeyondOnePageAreListed(t *testing.T) {
	for _, p := range []provider.Platform{provider.Daily, provider.Whereby} {
		t.Run(string(p), func(t *testing.T) {
			s := newSandboxed(t)
			ids := s.past(p, many)
			newest, err := s.Recordings(t.Context(), app.RecordingQuery{Refresh: true, Limit: 100})
			if err != nil || len(newest) != 100 || newest[0].ID != ids[0] {
				t.Fatalf("%d, %v", len(newest), err)
			}
			if n := s.count(); n != many {
				t.Errorf("%d of %d are known", n, many)
			}
			all, err := s.Recordings(t.Context(), app.RecordingQuery{Limit: 10 * many})
			if err != nil || len(all) != many || all[many-1].ID != ids[many-1] {
				t.Errorf("%d, %v", len(all), err)
			}
			oldest, err := s.Recordings(t.Context(), app.RecordingQuery{Prefix: ids[many-1][:8]})
			if err != nil || len(oldest) != 1 || oldest[0].ID != ids[many-1] {
				t.Errorf("by the beginning of its id: %+v, %v", oldest, err)
			}
		})
	}
}

func TestOlderRecordingsAreReadInTheBackground(t *testing.T) {
	s := newSandboxed(t)
	s.past(provider.Daily, many)
	s.past(provider.Whereby, many)
	s.pass(time.Second)
	st, err := s.Status(t.Context(), app.StatusQuery{})
	if err != nil || !slices.ContainsFunc(st.Pollers, func(p app.PollerStatus) bool { return p.Name == recordingsPoller && p.Behind }) {
		t.Errorf("no reader says that it is behind: %+v, %v", st.Pollers, err)
	}
	s.pass(10 * time.Second)
	if n := s.count(); n != 2*many {
		t.Errorf("%d of %d are known", n, 2*many)
	}
	st, err = s.Status(t.Context(), app.StatusQuery{})
	if err != nil || slices.ContainsFunc(st.Pollers, func(p app.PollerStatus) bool { return p.Behind }) {
		t.Errorf("still behind: %+v, %v", st.Pollers, err)
	}
}

func TestAnUnknownRecordingIsAskedForByItsID(t *testing.T) {
	for _, p := range []provider.Platform{provider.Daily, provider.Whereby} {
		s := newSandboxed(t)
		ids := s.past(p, 3)
		r, err := s.Recording(t.Context(), app.RecordingRef{ID: ids[0]})
		if err != nil || r.ID != ids[0] || r.Account != string(p) || r.Status != app.RecordingReady {
			t.Errorf("%+v, %v", r, err)
		}
		if r, err := s.Recording(t.Context(), app.RecordingRef{ID: string(p) + "/" + ids[1]}); err != nil || r.ID != ids[1] {
			t.Errorf("with its account: %+v, %v", r, err)
		}
		if _, err := s.Recording(t.Context(), app.RecordingRef{ID: ids[2], Known: true}); !errors.Is(err, provider.NotFound) {
			t.Errorf("known here alone: %v", err)
		}
		if r, err := s.DeleteRecording(t.Context(), app.RecordingRef{ID: ids[2]}); err != nil || r.DeletedAt.IsZero() {
			t.Errorf("deleted: %+v, %v", r, err)
		}
		if n := s.count(); n != 3 {
			t.Errorf("%d are known", n)
		}
		if _, err := s.Recording(t.Context(), app.RecordingRef{ID: "no-such"}); !errors.Is(err, provider.NotFound) {
			t.Errorf("there is none: %v", err)
		}
		if _, err := s.world.Fault(sandbox.Fault{Kind: sandbox.HTML, Platform: p}); err != nil {
			t.Fatal(err)
		}
		_, err = s.Recording(t.Context(), app.RecordingRef{ID: "no-such"})
		if e := app.AsError(err); e.Kind != provider.NotFound || !strings.HasPrefix(e.Hint, string(p)+" could not be asked") {
			t.Errorf("a platform that does not answer: %v, hint %q", err, e.Hint)
		}
	}
}

func TestListsAreCountedWhateverTheirLimit(t *testing.T) {
	s := newSandboxed(t)
	s.start("daily")
	n, err := s.Counts(t.Context(), app.CountQuery{
		Meetings: &app.MeetingQuery{Limit: 1}, Events: &app.EventQuery{}, Recordings: &app.RecordingQuery{Status: app.RecordingFailed},
	})
	if err != nil || n != (app.Counts{Meetings: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err = s.Counts(t.Context(), app.CountQuery{Meetings: &app.MeetingQuery{Status: app.Ended}}); err != nil || n.Meetings != 0 {
		t.Errorf("%+v, %v", n, err)
	}
}

// archive is a platform with nothing but a long list of recordings.
type archive struct {
	*platform
	list  []provider.Recording // newest first
	size  int                  // of a page
	calls int
	fail  int // so many calls fail from now on
}

var errAway = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily, Op: "list recordings"}

func (a *archive) Recordings(_ context.Context, room, cursor string) (provider.RecordingPage, error) {
	if a.calls++; a.fail > 0 {
		a.fail--
		return provider.RecordingPage{}, errAway
	}
	from := 0
	if cursor != "" {
		at := slices.IndexFunc(a.list, func(r provider.Recording) bool { return r.ID == cursor })
		if at < 0 {
			return provider.RecordingPage{}, &provider.Error{Kind: provider.NotFound, Platform: provider.Daily, Op: "list recordings"}
		}
		from = at + 1
	}
	to := min(from+a.size, len(a.list))
	page := provider.RecordingPage{Recordings: slices.Clone(a.list[from:to])}
	if to < len(a.list) {
		page.Next = a.list[to-1].ID
	}
	return page, nil
}

// Whatever interrupts the reading of a long list, and whatever is recorded and deleted meanwhile: once the platform answers
// again, everything that it lists is known; and when nothing is new, one page is read.
func TestNoRecordingIsLeftOutWhateverInterruptsTheReading(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		a := &archive{
			platform: &platform{name: provider.Daily, used: map[string]bool{}, present: map[string][]provider.Participant{}},
			size:     rapid.IntRange(1, 4).Draw(t, "page"),
		}
		clock := clockwork.NewFakeClockAt(t0)
		made := 0
		record := func(n int) {
			for range n {
				clock.Advance(time.Hour)
				made++
				r := provider.Recording{ID: fmt.Sprintf("r%d", made), Status: "ready", StartedAt: clock.Now()}
				a.list = slices.Insert(a.list, 0, r)
			}
		}
		path := filepath.Join(dir, store.FileName)
		defer os.Remove(path)
		var h *Hub
		open := func() {
			var err error
			if h, err = Open(Options{Store: store.Options{Path: path}, Clock: clock, Accounts: []Account{{
				Account: provider.Account{Name: "daily", Platform: provider.Daily}, Provider: a,
			}}}); err != nil {
				t.Fatal(err)
			}
		}
		open()
		defer func() { _ = h.Close() }()
		ctx := context.Background()
		record(rapid.IntRange(0, 20).Draw(t, "before"))
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"record", "delete", "fail", "newest", "newest", "older", "restart"}).Draw(t, "step") {
			case "record":
				record(rapid.IntRange(1, 12).Draw(t, "new"))
			case "delete":
				if len(a.list) > 0 {
					i := rapid.IntRange(0, len(a.list)-1).Draw(t, "which")
					a.list = slices.Delete(a.list, i, i+1)
				}
			case "fail":
				a.fail = 1
			case "newest":
				_ = h.listNewest(ctx, h.order[0], a)
			case "older":
				_, _ = h.listOlder(ctx, h.order[0], a)
			case "restart":
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				open()
			}
		}
		a.fail = 0
		if err := h.refreshRecordings(ctx); err != nil {
			t.Fatal(err)
		}
		for _, r := range a.list {
			if _, err := h.Recording(ctx, app.RecordingRef{ID: r.ID, Known: true}); err != nil {
				t.Errorf("%s of %d: %v", r.ID, len(a.list), err)
			}
		}
		clock.Advance(2 * lateListing)
		if err := h.refreshRecordings(ctx); err != nil {
			t.Fatal(err)
		}
		clock.Advance(lateListing)
		before := a.calls
		if err := h.refreshRecordings(ctx); err != nil || a.calls != before+1 {
			t.Errorf("%d pages are read although nothing is new, %v", a.calls-before, err)
		}
	})
}
