package library

import (
	"sync"

	"greenroom/internal/recording"
)

// tally adds up the reports of a job's files.
type tally struct {
	report func(recording.Report)

	mu    sync.Mutex
	files []recording.Report
}

func newTally(files []file, report func(recording.Report)) *tally {
	if report == nil {
		report = func(recording.Report) {}
	}
	t := &tally{report: report, files: make([]recording.Report, len(files))}
	for i, f := range files {
		t.files[i].Total = f.Size
	}
	return t
}

// of returns the function that receives the reports of one file.
func (t *tally) of(i int) func(recording.Report) {
	return func(s recording.Report) {
		t.mu.Lock()
		if s.Total <= 0 {
			s.Total = t.files[i].Total
		}
		t.files[i] = s
		r := t.sum()
		t.mu.Unlock()
		t.report(r)
	}
}

// sum returns the report of all files together: verifying once all are, paused if none can continue, yielded if none holds a place.
func (t *tally) sum() (r recording.Report) {
	r.State = recording.Waiting
	verifying, running, yielded, holding, known := 0, 0, 0, 0, true
	paused, trouble := "", ""
	for _, s := range t.files {
		r.Bytes, r.Total, r.Fetched = r.Bytes+s.Bytes, r.Total+max(s.Total, 0), r.Fetched+s.Fetched
		r.Restarted = append(r.Restarted, s.Restarted...)
		known = known && s.Total > 0
		switch {
		case s.Yielded:
			yielded++
		case s.State == recording.Running, s.State == recording.Verifying:
			holding++
		}
		switch s.State {
		case recording.Verifying, recording.Done:
			verifying++
		case recording.Paused:
			if s.Reason != "" {
				paused = s.Reason
			}
		case recording.Running:
			running++
			trouble = s.Reason
		}
	}
	switch {
	case verifying == len(t.files):
		r.State = recording.Verifying
	case running > 0:
		r.State, r.Reason = recording.Running, trouble
	case paused != "":
		r.State, r.Reason = recording.Paused, paused
	}
	if !known {
		r.Total = 0
	}
	r.Yielded = yielded > 0 && holding == 0
	return r
}
