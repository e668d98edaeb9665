package hub

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// permutations lists the orders of n events.
func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for i := 0; i <= len(p); i++ {
			q := append(append([]int{}, p[:i]...), n-1)
			all = append(all, append(q, p[i:]...))
		}
	}
	return all
}

// Daily's failures name the instance alone, and may come before the recording that they are of.
func TestAFailureOfAnInstanceFindsItsRecordingInAnyOrder(t *testing.T) {
	at := func(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }
	started := func(id string, minutes int) provider.Event {
		return provider.Event{Kind: provider.KindRecordingStarted, ID: "start-" + id, At: at(minutes),
			Recording: &provider.RecordingEvent{ID: id, Instance: "i", StartedBy: "ada", StartedAt: at(minutes)}}
	}
	ready := func(id string, minutes, length int) provider.Event {
		return provider.Event{Kind: provider.KindRecordingReady, ID: "ready-" + id, At: at(minutes + length), Recording: &provider.RecordingEvent{
			ID: id, StartedAt: at(minutes), Duration: time.Duration(length) * time.Minute, Files: []provider.RecordingFile{{Name: id, Key: "k/" + id}}}}
	}
	failed := func(minutes int) provider.Event {
		return provider.Event{Kind: provider.KindRecordingFailed, ID: fmt.Sprint("failed-", minutes), At: at(minutes),
			Recording: &provider.RecordingEvent{Instance: "i", Error: fmt.Sprint("broken at ", minutes)}}
	}
	for _, c := range []struct {
		name      string
		events    []provider.Event
		recording app.RecordingState
		why       string
		want      map[string]string
	}{
		{"it failed", []provider.Event{started("r1", 5), failed(10)}, app.NotRecording, "broken at 10", map[string]string{"r1": "failed broken at 10"}},
		{"the second one failed", []provider.Event{started("r1", 5), started("r2", 20), failed(25)},
			app.NotRecording, "broken at 25", map[string]string{"r1": "processing ", "r2": "failed broken at 25"}},
		{"each failed", []provider.Event{started("r1", 5), failed(10), started("r2", 20), failed(25)},
			app.NotRecording, "broken at 25", map[string]string{"r1": "failed broken at 10", "r2": "failed broken at 25"}},
		{"another runs since", []provider.Event{started("r1", 5), failed(10), started("r2", 20)},
			app.IsRecording, "", map[string]string{"r1": "failed broken at 10", "r2": "recording "}},
		{"it is here all the same", []provider.Event{started("r1", 5), failed(10), ready("r1", 5, 6)}, app.NotRecording, "", map[string]string{"r1": "ready "}},
		{"the next start failed", []provider.Event{started("r1", 5), ready("r1", 5, 6), failed(30)},
			app.NotRecording, "broken at 30", map[string]string{"r1": "ready ", "instance-i": "failed broken at 30"}},
		{"it never began", []provider.Event{failed(10), failed(12)}, app.NotRecording, "broken at 12", map[string]string{"instance-i": "failed broken at 12"}},
	} {
		for _, order := range permutations(len(c.events)) {
			b := newBench(t)
			b.room("design")
			m := b.start("design")
			b.clock.Advance(2 * time.Hour)
			b.event(join(m.PlatformRoom, "ada", t0))
			for _, i := range append(order, order[0]) {
				e := c.events[i]
				if e.Kind != provider.KindRecordingStarted { // Daily's names no room
					e.Room = m.PlatformRoom
				}
				b.event(e)
			}
			got := map[string]string{}
			for _, r := range b.all() {
				got[r.ID] = string(r.Status) + " " + r.Error
			}
			if d := b.meeting("design"); d.Recording != c.recording || d.RecordingError != c.why || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, in the order %v: %s, %q, %v", c.name, order, d.Recording, d.RecordingError, got)
			}
			b.close()
		}
	}
}
