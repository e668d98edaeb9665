package library

import (
	"testing"

	"greenroom/internal/recording"
)

func TestWhatWaitsForSpaceIsSaidOfSeveralFilesToo(t *testing.T) {
	var last recording.Report
	tally := newTally(make([]file, 3), func(r recording.Report) { last = r })
	tally.of(0)(recording.Report{State: recording.Done, Bytes: 5, Total: 5})
	tally.of(1)(recording.Report{State: recording.Paused, Reason: "there is no space", Total: 5})
	tally.of(2)(recording.Report{State: recording.Waiting})
	if last.State != recording.Paused || last.Reason != "there is no space" {
		t.Errorf("one waits for space, and another one for it: %+v", last)
	}
	tally.of(2)(recording.Report{State: recording.Running, Bytes: 1, Total: 5})
	if last.State != recording.Running || last.Reason != "" {
		t.Errorf("one comes: %+v", last)
	}
}
