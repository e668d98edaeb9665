package fetch

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
)

// reportEvery is the shortest time between two reports of bytes.
const reportEvery = 200 * time.Millisecond

// meter keeps and sends the [recording.Report] of a task.
type meter struct {
	clock  clockwork.Clock
	report func(recording.Report)

	mu      sync.Mutex
	now     recording.Report
	last    recording.Report // the last one that was sent
	arrived int64            // all bytes, including repeated ones
	// lively is when a byte last arrived, or when waiting for one began.
	lively time.Time

	reporting sync.Mutex
}

func newMeter(clock clockwork.Clock, report func(recording.Report)) *meter {
	return &meter{clock: clock, report: report, lively: clock.Now()}
}

// change changes the report, without sending it.
func (m *meter) change(f func(r *recording.Report)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.now)
}

// state changes the state and its reason.
func (m *meter) state(s recording.State, reason string) {
	m.change(func(r *recording.Report) {
		if s == recording.Running && r.State != recording.Running {
			m.lively = m.clock.Now()
		}
		r.State, r.Reason = s, reason
	})
	m.send()
}

// begin sets the number of bytes in the file, and the total.
func (m *meter) begin(bytes, total int64) {
	m.change(func(r *recording.Report) { r.Bytes, r.Total = bytes, max(total, 0) })
}

// restarted adds the reason of a restart.
func (m *meter) restarted(why string) {
	m.change(func(r *recording.Report) { r.Restarted, r.Bytes = append(slices.Clip(r.Restarted), why), 0 })
	m.send()
}

// add counts bytes that arrived and were written.
func (m *meter) add(n int) {
	m.change(func(r *recording.Report) {
		r.Bytes += int64(n)
		m.arrived += int64(n)
		m.lively = m.clock.Now()
		if r.State == recording.Running {
			r.Reason = ""
		}
	})
}

// forget subtracts bytes that must be fetched again.
func (m *meter) forget(n int64) {
	m.change(func(r *recording.Report) { r.Bytes = max(0, r.Bytes-n) })
}

// trouble sets the reason that is shown while a request is repeated.
func (m *meter) trouble(reason string) {
	m.change(func(r *recording.Report) { r.Reason = reason })
}

// idle returns the time since the last byte arrived.
func (m *meter) idle() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock.Since(m.lively)
}

func (m *meter) stats() recording.Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *meter) fetched() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.arrived
}

// yielded records whether the task has yielded its place, with a reason unless there is one already.
func (m *meter) yielded(is bool, reason string) {
	m.change(func(r *recording.Report) {
		if r.Yielded = is; is {
			r.Reason = cmp.Or(r.Reason, reason)
		}
	})
	m.send()
}

// send sends the report if it has changed.
func (m *meter) send() {
	m.reporting.Lock()
	defer m.reporting.Unlock()
	m.mu.Lock()
	m.now.Fetched = m.arrived
	s := m.now
	same := s.State == m.last.State && s.Bytes == m.last.Bytes && s.Total == m.last.Total &&
		s.Reason == m.last.Reason && s.Yielded == m.last.Yielded && len(s.Restarted) == len(m.last.Restarted)
	m.last = s
	m.mu.Unlock()
	if !same && m.report != nil {
		m.report(s)
	}
}
