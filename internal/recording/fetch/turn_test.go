package fetch

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/recording"
)

// As many dead sources as there are places delay the others only by the first seconds, and say what is wrong with them.
// They get the bytes that come later all the same.
func TestDeadSourcesGiveWayToOthers(t *testing.T) {
	for name, how := range map[string]reply{
		"nothing answers": {hang: true}, "nothing can be reached": {fails: true}, "overloaded": {status: 503},
		"silent after some bytes": {pace: time.Minute, step: 1}, "no identity": {hang: true},
		"the host of the file can't be reached": {fails: true},
	} {
		asked := strings.Contains(name, "the file")
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, group := tiny(Options{Chunk: 32, Files: 2, Workers: 2})
				data := content(1, 200)
				var all sync.WaitGroup
				begun := time.Now()
				mended := false
				var mu sync.Mutex
				yielded := map[string]string{}
				fetch := func(key string, dead bool) {
					all.Go(func() {
						w := &wire{data: data, etag: `"one"`}
						w.answer = func(int, int) reply {
							mu.Lock()
							defer mu.Unlock()
							if dead && !mended {
								return how
							}
							return reply{}
						}
						if asked {
							w.identify = func() reply { return w.answer(0, 1) }
						}
						dir, end := scratch(t)
						defer end()
						task := recording.Task{Key: key, Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"}
						task.Report = func(s recording.Report) {
							mu.Lock()
							defer mu.Unlock()
							if s.Yielded && s.Reason != "" {
								yielded[key] = s.Reason
							}
						}
						_, err := d.Fetch(t.Context(), task)
						mu.Lock()
						why := yielded[key]
						mu.Unlock()
						if err := wholeOrNothing(dir, data, err); err != nil || dead && why == "" {
							t.Errorf("%s: %v; yielded because of %q", key, err, why)
						}
						if took := time.Since(begun); !dead && took > 15*time.Second {
							t.Errorf("%s had to wait for %s", key, took)
						}
						if err != nil {
							t.Errorf("%s: %v", key, err)
						}
					})
				}
				for i := range 2 {
					fetch(fmt.Sprintf("dead %d", i), true)
				}
				synctest.Wait() // they have the places
				for i := range 5 {
					fetch(fmt.Sprintf("well %d", i), false)
				}
				time.Sleep(time.Minute)
				mu.Lock()
				mended = true
				mu.Unlock()
				all.Wait()
				if took := time.Since(begun); took > 5*time.Minute {
					t.Errorf("all together took %s", took)
				}
				group.Wait()
			})
		})
	}
}

// No more files come at once than there are places, also when those that had none for a while get bytes again.
func TestFilesThatGaveWayWaitForTheirTurn(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		t.Run(fmt.Sprint("in one stream: ", streamed), func(t *testing.T) { filesThatGaveWay(t, streamed) })
	}
}

func filesThatGaveWay(t *testing.T, streamed bool) {
	synctest.Test(t, func(t *testing.T) {
		d, group := tiny(Options{Chunk: 1000, Files: 1, Workers: 1})
		data := content(1, 100)
		slow := &wire{data: data, etag: `"one"`, answer: func(int, int) reply { return reply{think: 10 * time.Second} }}
		if streamed {
			slow.identify = func() reply { return reply{whole: true} }
		}
		steady := &wire{data: data, etag: `"one"`, answer: func(int, int) reply { return reply{pace: time.Second, step: 2} }}
		var all sync.WaitGroup
		var mu sync.Mutex
		var states []string
		fetch := func(key string, w *wire) {
			all.Go(func() {
				dir, end := scratch(t)
				defer end()
				task := recording.Task{Key: key, Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4", Report: func(s recording.Report) {
					mu.Lock()
					defer mu.Unlock()
					if line := fmt.Sprint(key, " ", s.State); len(states) == 0 || states[len(states)-1] != line {
						states = append(states, line)
					}
				}}
				_, err := d.Fetch(t.Context(), task)
				if err := wholeOrNothing(dir, data, err); err != nil || task.Key != key {
					t.Error(err)
				}
			})
		}
		fetch("slow", slow)
		synctest.Wait()
		fetch("steady", steady)
		all.Wait()
		// A file leaves its place when it has its bytes: the checks of both may overlap.
		if steady, slow := slices.Index(states, "steady verifying"), slices.Index(states, "slow verifying"); steady < 0 || slow < steady {
			t.Errorf("the order was %q", states)
		}
		if !strings.Contains(strings.Join(states, ","), "slow waiting,") || slow.sent < 100 || slow.sent > 101 {
			t.Errorf("%q; %d bytes were sent by the slow one", states, slow.sent)
		}
		group.Wait()
	})
}
