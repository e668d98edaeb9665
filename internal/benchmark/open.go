package main

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// plannedHeader is when a webhook was to be sent, in nanoseconds since 1970.
const plannedHeader = "X-Planned"

// open sends at a fixed rate, each webhook at a random moment of its share of the time, whether or not answers come. The time until an
// answer counts from the planned moment, so that a receiver that stalls delays all that was to be sent meanwhile.
func (s *senders) open(ctx context.Context, length time.Duration, m *measured) error {
	runtime.LockOSThread() // for an exact pause
	defer runtime.UnlockOSThread()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	apart := time.Duration(float64(time.Second) / s.rate)
	began := time.Now().Add(apart)
	for n := range max(int(length/apart), 1) {
		planned := began.Add(time.Duration(n)*apart + rand.N(apart))
		r, err := s.next()
		if err != nil {
			return err
		}
		r.Header.Set(plannedHeader, strconv.FormatInt(planned.UnixNano(), 10))
		pause(time.Until(planned))
		wg.Go(func() {
			err := s.do(r)
			took := time.Since(planned)
			mu.Lock()
			defer mu.Unlock()
			m.took, m.count = append(m.took, took), m.count+1
			failed = cmp.Or(failed, err)
		})
		if ctx.Err() != nil {
			break
		}
	}
	wg.Wait()
	return errors.Join(ctx.Err(), failed)
}
