package fetch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
)

func TestWorkersShareALimitFairly(t *testing.T) {
	for _, perSecond := range []int64{1, 600, 100_000, 50_000_000} {
		clock := clockwork.NewFakeClock()
		b := newBandwidth(clock, perSecond)
		const workers, rounds = 3, 40
		paid := make(chan int)
		ctx, end := context.WithCancel(t.Context())
		for w := range workers {
			go func() {
				for range rounds {
					if b.pay(ctx, b.most()) != nil {
						return
					}
					select {
					case paid <- w:
					case <-ctx.Done():
						return
					}
				}
			}()
		}
		begun, total := clock.Now(), int64(0)
		counts := make([]int, workers)
		for n := 0; n < workers*rounds; {
			select {
			case w := <-paid:
				n++
				counts[w]++
				total += int64(b.most())
				for _, c := range counts {
					if d := counts[w] - c; d > 2 {
						t.Fatalf("at %d bytes a second the workers had %v turns", perSecond, counts)
					}
				}
				continue
			default:
			}
			waits, stop := context.WithTimeout(t.Context(), time.Millisecond)
			if clock.BlockUntilContext(waits, min(workers, workers*rounds-n)) == nil {
				clock.Advance(time.Duration(float64(b.most()) / float64(perSecond) * float64(time.Second) / 2))
			}
			stop()
		}
		end()
		want := float64(total) / float64(perSecond)
		if got := clock.Since(begun).Seconds(); got < want*0.95 || got > want*1.1 {
			t.Errorf("%d bytes at %d a second took %.2f s, want %.2f", total, perSecond, got, want)
		}
	}
}

func TestAChangeOfTheLimitReachesThoseWhoWait(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBandwidth(clock, 1)
	done := make(chan error)
	pay := func(ctx context.Context) { done <- b.pay(ctx, 512) }
	go pay(t.Context())
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	b.set(0)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if b.most() != readMost {
		t.Errorf("without a limit %d bytes are read at once", b.most())
	}
	b.set(1)
	why := errors.New("paused")
	ctx, pause := context.WithCancelCause(t.Context())
	go pay(ctx)
	if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	pause(why)
	if err := <-done; !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestOnlyNewsIsReported(t *testing.T) {
	clock := clockwork.NewFakeClock()
	var last recording.Report
	reports := 0
	m := newMeter(clock, func(s recording.Report) { last, reports = s, reports+1 })
	m.begin(1000, 101_000)
	m.state(recording.Running, "")
	for range 100 {
		m.add(500)
		m.send()
	}
	if last.Bytes != 51_000 || last.Total != 101_000 || last.Fetched != 50_000 || reports != 101 {
		t.Errorf("%d reports, the last: %+v", reports, last)
	}
	m.send()
	if reports != 101 {
		t.Error("nothing new was reported")
	}
	m.state(recording.Paused, "no space")
	if last.State != recording.Paused || last.Reason != "no space" || reports != 102 {
		t.Errorf("%d reports, the last: %+v", reports, last)
	}
}
