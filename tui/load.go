package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/provider"
)

// slot is one kind of reading. Of each at most one is wanted at a time; the answer to an outdated question is dropped.
type slot int

const (
	slotRooms slot = iota
	slotMeeting
	slotRecordings
	slotStatus
	slotDelivery
	slotActivity
	slotLog
	slotChecks
	slots
)

// readWords names what is read, in a message about a failure.
var readWords = [slots]string{"the rooms", "the meeting", "the recordings", "the status", "the delivery", "the activity", "the log", "the checks"}

const (
	// readTimeout bounds one reading, actTimeout one action on a platform, which may retry.
	readTimeout = 20 * time.Second
	actTimeout  = 60 * time.Second
	// readGap is the shortest time between two readings of one kind, retryGap that after a failure.
	readGap  = 120 * time.Millisecond
	retryGap = 3 * time.Second
)

// loader is the state of one slot.
type loader struct {
	n       uint64 // number of the question whose answer counts
	busy    bool
	waiting bool // a wake is on its way
	dirty   bool // asked for again meanwhile
	ready   bool // an answer came once
	next    time.Time
	err     error
}

// answer is what a reading came to.
type answer struct {
	slot  slot
	n     uint64
	value any
	err   error
}

// wake says that a slot may be read again.
type wake struct{ slot slot }

// want reads a slot soon: at once, or when the last reading is long enough ago.
func (m *Model) want(s slot) tea.Cmd {
	l := &m.loads[s]
	if l.busy || l.waiting {
		l.dirty = true
		return nil
	}
	if d := l.next.Sub(m.now()); d > 0 {
		l.waiting = true
		return m.after(d, wake{s})
	}
	return m.read(s)
}

// read asks at once; an answer that is still on its way no longer counts.
func (m *Model) read(s slot) tea.Cmd {
	f := m.question(s)
	if f == nil {
		return nil
	}
	l := &m.loads[s]
	l.n++
	l.busy, l.dirty = true, false
	n, ctx := l.n, m.ctx
	return func() tea.Msg {
		limit := readTimeout
		if s == slotChecks {
			limit = actTimeout
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		v, err := f(ctx)
		return answer{slot: s, n: n, value: v, err: err}
	}
}

// question makes the call of a slot, from what is chosen now; nil when there is nothing to ask.
func (m *Model) question(s slot) func(context.Context) (any, error) {
	b := m.backend
	switch s {
	case slotRooms:
		return func(ctx context.Context) (any, error) { return b.Rooms(ctx, app.RoomQuery{}) }
	case slotMeeting:
		mt, ok := m.rooms.meeting()
		if !ok {
			return nil
		}
		return func(ctx context.Context) (any, error) { return b.Meeting(ctx, app.MeetingRef{Ref: mt.ID}) }
	case slotRecordings:
		return func(ctx context.Context) (any, error) { return readRecordings(ctx, b) }
	case slotStatus:
		return func(ctx context.Context) (any, error) { return b.Status(ctx, app.StatusQuery{}) }
	case slotDelivery:
		row, ok := m.hooks.feed.Chosen()
		if !ok {
			return nil
		}
		hex := m.hooks.hex
		return func(ctx context.Context) (any, error) {
			d, err := b.Event(ctx, app.EventRef{Seq: row.Seq})
			if err != nil {
				return nil, err
			}
			return newDocument(d, hex), nil
		}
	case slotActivity:
		return func(ctx context.Context) (any, error) {
			kinds := []provider.EventKind{}
			for _, k := range provider.EventKinds() {
				if k != provider.KindUnknown && k != provider.KindTest {
					kinds = append(kinds, k)
				}
			}
			return b.Events(ctx, app.EventQuery{Kinds: kinds, Verdict: provider.Verified, Limit: 50})
		}
	case slotLog:
		if m.opts.Log == nil {
			return nil
		}
		return func(context.Context) (any, error) { return m.opts.Log(), nil }
	case slotChecks:
		return func(ctx context.Context) (any, error) { return b.Diagnose(ctx, app.DiagnosisQuery{}) }
	}
	return nil
}

// readAll reads everything anew.
func (m *Model) readAll() tea.Cmd {
	return tea.Batch(m.want(slotRooms), m.want(slotMeeting), m.want(slotStatus), m.want(slotRecordings),
		m.want(slotActivity), m.want(slotLog), m.hooks.again(m))
}

func (m *Model) woken(w wake) tea.Cmd {
	m.loads[w.slot].waiting = false
	return m.read(w.slot)
}

// answered takes an answer over, unless the question is outdated.
func (m *Model) answered(a answer) tea.Cmd {
	l := &m.loads[a.slot]
	if a.n != l.n {
		return nil
	}
	if a.err != nil && l.err == nil && m.ctx.Err() == nil {
		m.failed("read "+readWords[a.slot]+": "+app.AsError(a.err).Text, a.err)
	}
	l.busy, l.err = false, a.err
	l.next = m.now().Add(readGap)
	if a.err != nil {
		l.next = m.now().Add(retryGap)
		// What is gone stays gone, and checks are made when somebody wants them; everything else is tried again for as
		// long as there is a connection.
		l.dirty = l.dirty || (m.linked && !isNotFound(a.err) && a.slot != slotChecks)
	} else {
		l.ready = true
	}
	var cmd tea.Cmd
	if a.err == nil {
		cmd = m.taken(a)
	}
	if l.dirty {
		l.dirty = false
		return tea.Batch(cmd, m.want(a.slot))
	}
	return cmd
}

func (m *Model) taken(a answer) tea.Cmd {
	switch v := a.value.(type) {
	case []app.RoomView:
		return m.rooms.take(m, v)
	case app.MeetingDetail:
		m.rooms.detail = &v
		m.rooms.keepPerson(rosterRows(v.Participants))
	case recordingsRead:
		m.recs.all, m.recs.total = v.list, v.total
		m.recs.keep()
	case app.Status:
		m.status.take(v)
		return m.warnOfListener()
	case []app.Diagnosis:
		m.status.checks, m.status.checkedAt = v, m.now()
	case *document:
		m.hooks.doc = v
	case app.EventPage:
		if m.gap || !slices.ContainsFunc(m.activity, func(a app.Activity) bool { return a.Kind != failureShown }) {
			m.activity, m.gap = keepFailures(activityOf(v.Events), m.activity), false
		}
	case []string:
		m.status.log = slices.DeleteFunc(slices.Clone(v), func(l string) bool { return strings.TrimSpace(l) == "" })
	}
	return nil
}

// warnOfListener says once, at the start, that the listener is not where it should be.
func (m *Model) warnOfListener() tea.Cmd {
	l := m.status.status.Listener
	if m.warned || l.URL == "" {
		return nil
	}
	if m.warned = true; l.Problem == "" {
		return nil
	}
	return m.warn(l.Problem, m.keys.name(actStatus)+" shows where it listens")
}

func isNotFound(err error) bool {
	return app.AsError(err).Kind == provider.NotFound
}

// after is the command that gives msg after d.
func (m *Model) after(d time.Duration, msg tea.Msg) tea.Cmd {
	ctx, clock := m.ctx, m.clock
	return func() tea.Msg {
		select {
		case <-clock.After(d):
			return msg
		case <-ctx.Done():
			return nil
		}
	}
}
