package hub

import (
	"context"
	"errors"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/provider"
	"greenroom/store"
)

// shelf is buckets in which the test puts what is found.
type shelf struct {
	found  chan recording.Found
	ended  chan struct{}
	swept  []recording.Found
	refuse error
}

func (s *shelf) Watch(ctx context.Context, tell recording.FoundHandler, report recording.ReaderReport) {
	defer close(s.ended)
	for {
		select {
		case f := <-s.found:
			report("daily", "recordings queue", tell(ctx, []string{"daily"}, []recording.Found{f}))
		case <-ctx.Done():
			report("daily", "recordings queue", ctx.Err())
			return
		}
	}
}

func (s *shelf) Sweep(ctx context.Context, tell recording.FoundHandler, report recording.ReaderReport) error {
	err := s.refuse
	if err == nil {
		err = tell(ctx, []string{"daily"}, s.swept)
	}
	report("daily", "bucket sweep", err)
	report("gone from the configuration", "bucket sweep", nil)
	return ctx.Err()
}

func (s *shelf) Check(_ context.Context, account string) []provider.Check {
	return []provider.Check{{Name: "reading the bucket", OK: true, Detail: account}}
}

func TestBucketsAreWatchedByAProgramThatStays(t *testing.T) {
	b := newBench(t)
	if _, err := b.Recordings(t.Context(), app.RecordingQuery{Sweep: true}); !errors.Is(err, app.NotConfigured) || app.AsError(err).Hint == "" {
		t.Errorf("a sweep without a bucket: %v", err)
	}
	b.close()
	cloud, tracks := cloudTale("demo"), tracksTale("demo")
	s := &shelf{found: make(chan recording.Found), ended: make(chan struct{}), swept: tracks.found}
	h, err := Open(Options{Store: store.Options{Path: b.path}, Accounts: b.accounts, Clock: b.clock, Buckets: s})
	if err != nil {
		t.Fatal(err)
	}
	b.Hub = h
	h.Start()
	s.found <- cloud.found[0]
	s.found <- cloud.found[0] // the first one is settled when the second one is taken
	if all := b.all(); len(all) != 1 || all[0].ID != cloud.found[0].Recording.ID {
		t.Errorf("%+v", all)
	}
	all, err := b.Recordings(t.Context(), app.RecordingQuery{Sweep: true})
	if err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	s.refuse = errors.New("may not be listed")
	if all, err := b.Recordings(t.Context(), app.RecordingQuery{Sweep: true}); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	st, err := b.Status(t.Context(), app.StatusQuery{})
	if err != nil {
		t.Fatal(err)
	}
	pollers := map[string]string{}
	for _, p := range st.Pollers {
		pollers[p.Account+" "+p.Name] = "ok" + p.Error
	}
	if pollers["daily recordings queue"] != "ok" || pollers["daily bucket sweep"] != "okmay not be listed" {
		t.Errorf("%v", pollers)
	}
	found := false
	diagnosis, err := b.Diagnose(t.Context(), app.DiagnosisQuery{Account: "daily"})
	for _, c := range diagnosis[0].Checks {
		found = found || c.Name == "reading the bucket" && c.Detail == "daily"
	}
	if err != nil || !found {
		t.Errorf("%+v, %v", diagnosis, err)
	}
	b.close()
	select {
	case <-s.ended:
	default:
		t.Error("it watches on although the hub is closed")
	}
}
