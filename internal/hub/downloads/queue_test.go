package downloads

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/store"
)

// A job that both its request and Recall add while it runs keeps its tries and its pause. A later request runs at once.
func TestAJobThatIsAddedTwiceKeepsItsPause(t *testing.T) {
	clock := clockwork.NewFakeClock()
	q := New(Options{Clock: clock, Context: t.Context(), Go: func(string, func()) {}, Publish: func([]app.Change) {}})
	r := app.Recording{Account: "acme", ID: "r-1"}
	job := store.DownloadJob{Account: r.Account, ID: r.ID, AskedAt: clock.Now()}
	later := job
	later.AskedAt = job.AskedAt.Add(time.Second)
	q.Add(r, job)
	d := q.find(r)
	if d == nil || d.ended == nil {
		t.Fatal("the download has not begun")
	}
	d.job.Tries = 3
	pause := clock.Now().Add(time.Minute)
	for _, test := range []struct {
		name  string
		add   *store.DownloadJob
		next  time.Time
		want  time.Time
		tries int
	}{
		{"nothing follows", nil, pause, pause, 3},
		{"the same job, which has failed", &job, pause, pause, 3},
		{"a later one", &later, pause, time.Time{}, 0},
		{"a later one after the end", &later, time.Time{}, time.Time{}, 0},
	} {
		if test.add != nil {
			q.Add(r, *test.add)
		}
		if got := d.follow(test.next); !got.Equal(test.want) || d.job.Tries != test.tries || d.then != nil {
			t.Errorf("%s: %v, %+v", test.name, got, d)
		}
	}
}
