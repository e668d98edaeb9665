package fetch

import (
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
)

// reportEvery is the shortest time between two reports of bytes.
const reportEvery = 200 * time.Millisecond

// meter keeps the [recording.Report] of a task and reports them.
type meter struct {
	clock  clockwork.Clock
	report func(recording.Report)

	mu      sync.Mutex
	now     recording.Report
	last    recording.Report // as it was reported
	arrived int64            // in all, never fewer
	// lively is when a byte last arrived, or waiting for one began.
	lively time.Time

	reporting sync.Mutex
}

func newMeter(clock clockwork.Clock, report func(recording.Report)) *meter {
	return &meter{clock: clock, report: report, lively: clock.Now()}
}

// state changes the state and its reason, and reports it when it is another one.
func (m *meter) state(s recording.State, reason string) {
	m.mu.Lock()
	if s == recording.Running && m.now.State != recording.Running {
		m.lively = m.clock.Now()
	}
	m.now.State, m.now.Reason = s, reason
	m.mu.Unlock()
	m.tell()
}

// begin sets how much of how much is here.
func (m *meter) begin(bytes, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes, m.now.Total = bytes, max(total, 0)
}

// restarted adds a reason for a restart.
func (m *meter) restarted(why string) {
	m.mu.Lock()
	m.now.Restarted = append(slices.Clip(m.now.Restarted), why)
	m.now.Bytes = 0
	m.mu.Unlock()
	m.tell()
}

// add counts bytes that arrived and were written. live says that they are further than any before, which is progress.
func (m *meter) add(n int, live bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes += int64(n)
	m.arrived += int64(n)
	if live {
		m.lively = m.clock.Now()
		if m.now.State == recording.Running {
			m.now.Reason = ""
		}
	}
}

// forget takes bytes back that have to be fetched again.
func (m *meter) forget(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes = max(0, m.now.Bytes-n)
}

// trouble sets the reason that is shown while the task is retried.
func (m *meter) trouble(reason string) {
	m.mu.Lock()
	m.now.Reason = reason
	m.mu.Unlock()
}

// idle is for how long no byte has arrived.
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
	m.mu.Lock()
	m.now.Yielded = is
	if is && m.now.Reason == "" {
		m.now.Reason = reason
	}
	m.mu.Unlock()
	m.tell()
}

// tell reports when there is something new.
func (m *meter) tell() {
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
