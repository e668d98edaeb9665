package library

import (
	"testing"

	"greenroom/internal/recording"
)

func TestWhatWaitsForSpaceIsSaidOfSeveralFilesToo(t *testing.T) {
	var last Report
	tally := newTally(make([]file, 3), func(r Report) { last = r })
	tally.of(0)(recording.Stats{State: recording.Done, Bytes: 5, Total: 5})
	tally.of(1)(recording.Stats{State: recording.Paused, Reason: "there is no space", Total: 5})
	tally.of(2)(recording.Stats{State: recording.Waiting, Total: -1})
	if last.Paused != "there is no space" {
		t.Errorf("one waits for space, and another one for it: %+v", last)
	}
	tally.of(2)(recording.Stats{State: recording.Running, Bytes: 1, Total: 5})
	if last.Paused != "" {
		t.Errorf("one comes: %+v", last)
	}
}
