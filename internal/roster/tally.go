package roster

import (
	"slices"
	"time"

	"greenroom/internal/app"
)

// Tally adds up a meeting's stays. It remembers the sums, so that one more stay in a large meeting costs little; the result
// doesn't depend on that. It is not safe for concurrent use.
type Tally struct {
	stays []*Stay // nil where forgotten
	held  []int   // the indexes of the stays that are not forgotten
	index map[string]int
	// parts are the shares of the stays in the sums.
	parts []part
	// again are the sessions with earlier visits, nil before the first settling.
	again map[string]bool
	// joins and leaves of all who count, Unix nanoseconds, in order.
	joins, leaves []int64
	here, waiting int
	// top is the peak of joins and leaves, unless it is stale.
	top   int
	stale bool
	// recorders is how many recorders are there now.
	recorders int
	// of is the evidence about the meeting from which the parts were computed.
	of evidence
}

// part is the share of one stay. A join of 0 is none, and so is a leave.
type part struct {
	join, leave   int64
	here, waiting bool
	// records is since when a recorder has been there, 0 for anyone else.
	records int64
}

// evidence is the part of a meeting that every stay's leaving depends on.
type evidence struct {
	marks int
	sum   int64
	ended time.Time
}

func evidenceOf(m *Meeting) evidence {
	e := evidence{marks: len(m.Marks), ended: m.EndedAt.Time}
	for _, at := range m.Marks {
		e.sum += at.UnixNano()
	}
	return e
}

// NewTally returns a tally of the given stays, which it keeps and changes.
func NewTally(stays []*Stay) *Tally {
	t := &Tally{index: make(map[string]int, len(stays))}
	for _, s := range stays {
		t.add(s)
	}
	return t
}

// Len is how many stays there are.
func (t *Tally) Len() int { return len(t.stays) }

func (t *Tally) add(s *Stay) {
	t.index[s.Session] = len(t.stays)
	t.held = append(t.held, len(t.stays))
	t.stays, t.parts = append(t.stays, s), append(t.parts, part{})
}

// Put adds a stay, or replaces the one of its session. It keeps and changes s.
func (t *Tally) Put(s *Stay) {
	i, ok := t.index[s.Session]
	if !ok {
		t.add(s)
		return
	}
	if t.stays[i] == nil {
		t.held = append(t.held, i)
	}
	t.stays[i] = s
}

// Forget drops the settled stays of those who have left: their shares in the sums remain. Where a session has earlier visits, it
// keeps all.
func (t *Tally) Forget() {
	if len(t.again) > 0 {
		return
	}
	t.held = slices.DeleteFunc(t.held, func(i int) bool {
		left := t.parts[i].leave != 0
		if left {
			t.stays[i] = nil
		}
		return left
	})
}

// Size is how much memory the stays take, in stays. Of a forgotten one an eighth is left: its session and its share in the sums.
func (t *Tally) Size() int { return len(t.held) + (len(t.stays)-len(t.held))/8 }

// Whole reports whether no stay was forgotten.
func (t *Tally) Whole() bool { return len(t.held) == len(t.stays) }

// Stays returns all stays, in the order in which they came. The tally must be whole.
func (t *Tally) Stays() []*Stay { return t.stays }

// Held returns the stays that were not forgotten.
func (t *Tally) Held() []*Stay {
	out := make([]*Stay, 0, len(t.held))
	for _, i := range t.held {
		out = append(out, t.stays[i])
	}
	return out
}

// Stay returns the stay of a session, nil if there is none. known is false if it was forgotten.
func (t *Tally) Stay(session string) (stay *Stay, known bool) {
	i, ok := t.index[session]
	if !ok {
		return nil, true
	}
	return t.stays[i], t.stays[i] != nil
}

// Settle computes from all evidence what people see: when each participant left, the counts, the peak by the times of the
// events, and whether the meeting is open or live. wrote are stays with new evidence, see [Tally.Put]. It returns the stays whose look
// it changed, and is idempotent.
//
// If that needs stays that were forgotten, it returns false and leaves the meeting as it was. Then settle a new tally of all stays.
func (t *Tally) Settle(m *Meeting, wrote ...*Stay) (changed []*Stay, ok bool) {
	for _, s := range wrote {
		t.Put(s)
	}
	if now := evidenceOf(m); t.again == nil || now != t.of {
		if !t.Whole() {
			return nil, false
		}
		changed = t.all(m)
		t.of = now
	} else {
		for _, s := range wrote {
			i := t.index[s.Session]
			again := t.again[s.Session]
			if t.stays[i].settled(m) {
				changed = append(changed, t.stays[i])
			}
			if again || len(t.stays[i].Earlier) > 0 {
				if !t.Whole() {
					return nil, false
				}
				changed = append(changed, t.all(m)...)
				break
			}
			t.replace(i, partOf(t.stays[i]))
		}
	}
	t.sum(m)
	return changed, true
}

// all settles every stay.
func (t *Tally) all(m *Meeting) (changed []*Stay) {
	t.joins, t.leaves, t.here, t.waiting = t.joins[:0], t.leaves[:0], 0, 0
	t.recorders, t.again, t.stale = 0, make(map[string]bool), true
	for i, s := range t.stays {
		if s.settled(m) {
			changed = append(changed, s)
		}
		p := partOf(s)
		t.parts[i] = p
		t.count(p, 1)
		if p.join != 0 {
			t.joins = append(t.joins, p.join)
		}
		if p.leave != 0 {
			t.leaves = append(t.leaves, p.leave)
		}
		for _, v := range s.Earlier {
			t.again[s.Session] = true
			if !s.Bot {
				t.joins, t.leaves = append(t.joins, v.Joined.UnixNano()), append(t.leaves, v.Left.UnixNano())
			}
		}
	}
	slices.Sort(t.joins)
	slices.Sort(t.leaves)
	return changed
}

// settled settles the stay and reports whether it looks different now.
func (s *Stay) settled(m *Meeting) bool {
	was := *s
	s.settle(m)
	return !s.LeftAt.Equal(was.LeftAt.Time) || s.Reason != was.Reason || s.Waiting != was.Waiting || s.WaitingSince != was.WaitingSince || !s.Emptied.Equal(was.Emptied) ||
		!s.JoinedAt.Equal(was.JoinedAt.Time) || !s.LeftReported.Equal(was.LeftReported) || !slices.Equal(s.Earlier, was.Earlier)
}

func partOf(s *Stay) part {
	switch {
	case s.Bot && s.Role == "recorder" && s.Present() && !s.JoinedAt.IsZero():
		return part{records: s.JoinedAt.UnixNano()}
	case s.Bot:
		return part{}
	case s.Waiting:
		return part{waiting: true}
	case s.JoinedAt.IsZero():
		return part{}
	case s.LeftAt.IsZero():
		return part{join: s.JoinedAt.UnixNano(), here: true}
	}
	return part{join: s.JoinedAt.UnixNano(), leave: s.LeftAt.UnixNano()}
}

func (t *Tally) count(p part, by int) {
	if p.here {
		t.here += by
	}
	if p.waiting {
		t.waiting += by
	}
	if p.records != 0 {
		t.recorders += by
	}
}

func (t *Tally) replace(i int, p part) {
	was := t.parts[i]
	if was == p {
		return
	}
	t.count(was, -1)
	t.count(p, 1)
	t.stale = t.stale || was.join != p.join || !t.late(was.leave) || !t.late(p.leave)
	t.joins = exchange(t.joins, was.join, p.join)
	t.leaves = exchange(t.leaves, was.leave, p.leave)
	t.parts[i] = p
}

// late reports whether a leaving is later than every joining, so that it doesn't lower the peak.
func (t *Tally) late(leave int64) bool {
	return leave == 0 || len(t.joins) > 0 && leave > t.joins[len(t.joins)-1]
}

// exchange removes one value from an ordered list and inserts another; 0 stands for none.
func exchange(list []int64, out, in int64) []int64 {
	if out == in {
		return list
	}
	if out != 0 {
		i, _ := slices.BinarySearch(list, out)
		list = slices.Delete(list, i, i+1)
	}
	if in != 0 {
		i, _ := slices.BinarySearch(list, in)
		list = slices.Insert(list, i, in)
	}
	return list
}

// sum writes the sums into the meeting.
func (t *Tally) sum(m *Meeting) {
	m.Here, m.Waiting = t.here, t.waiting
	if t.stale {
		t.top, t.stale = peak(t.joins, t.leaves), false
	}
	m.Peak = max(t.top, m.Here)
	known := false
	if n := len(t.joins); n > 0 {
		first := time.Unix(0, t.joins[0]).UTC()
		if m.StartedAt.IsZero() || first.Before(m.StartedAt.Time) {
			m.StartedAt = app.At(first)
		}
		known = t.joins[n-1] >= m.StartedMark.Add(-time.Minute).UnixNano()
	}
	m.watchRecorder(t.recording())
	if m.Status == app.Ended {
		return
	}
	m.Status = app.Open
	if m.Here > 0 || (m.StartedMark.After(m.EndedMark) && !known) {
		m.Status = app.Live
	}
}

// recording returns since when a recorder has been there, 0 if there is none.
func (t *Tally) recording() (since int64) {
	if t.recorders == 0 {
		return 0
	}
	for _, p := range t.parts {
		if p.records != 0 && (since == 0 || p.records < since) {
			since = p.records
		}
	}
	return since
}

// peak returns the largest number of people at one time. One who leaves at the instant at which another joins doesn't count
// beside them.
func peak(joins, leaves []int64) int {
	now, most := 0, 0
	for _, at := range joins {
		for len(leaves) > 0 && leaves[0] <= at && now > 0 {
			now, leaves = now-1, leaves[1:]
		}
		now++
		most = max(most, now)
	}
	return most
}
