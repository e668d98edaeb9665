package roster

import (
	"slices"
	"time"

	"greenroom/internal/app"
)

// maxTimes bounds how many times of joining and of leaving a stay remembers.
const maxTimes = 64

// entered adds an exact time of joining. The earliest of a visit counts, and any exact one outranks a guessed one.
func (s *Stay) entered(at time.Time) {
	s.Joins, s.Lefts = with(s.joins(), at), s.lefts()
	s.Coarse = false
	s.visits(nil)
}

// guessed adds a time of joining that counts only while no exact one is known.
func (s *Stay) guessed(at time.Time) {
	if s.JoinedAt.IsZero() || s.Coarse && at.Before(s.JoinedAt.Time) {
		s.JoinedAt, s.Coarse = app.At(at), true
	}
}

// leaves adds a reported time of leaving.
func (s *Stay) leaves(at time.Time) {
	s.Joins, s.Lefts = s.joins(), with(s.lefts(), at)
	s.visits(nil)
}

// joins, lefts and knocks return all reported times. A single one is not in the stay's list.
func (s *Stay) joins() []time.Time {
	if s.Coarse {
		return s.Joins
	}
	return listed(s.Joins, s.JoinedAt.Time)
}

func (s *Stay) lefts() []time.Time { return listed(s.Lefts, s.LeftReported) }

func (s *Stay) knocks() []time.Time { return listed(s.Knocks, s.FirstKnock) }

// listed is the inverse of beside.
func listed(list []time.Time, one time.Time) []time.Time {
	if len(list) == 0 && !one.IsZero() {
		return []time.Time{one}
	}
	return list
}

// waitAgain makes the stay a waiting one if they knocked after their last leaving and after they last stopped waiting. The visit
// before becomes an earlier one.
func (s *Stay) waitAgain(m *Meeting) {
	if s.Waiting || s.LeftAt.IsZero() || m.Status == app.Ended {
		return
	}
	over := s.LeftAt.Time
	for _, at := range append(s.lefts(), s.WaitLeft) {
		over = app.Later(over, at)
	}
	since := firstFrom(s.knocks(), over.Add(1))
	if since.IsZero() || !m.emptiedAfter(since, s.SeenAt, time.Time{}).IsZero() {
		return
	}
	if !s.JoinedAt.IsZero() {
		s.Earlier = append(s.Earlier, Visit{Joined: s.JoinedAt.Time, Left: s.LeftAt.Time, Reason: s.Reason})
	}
	s.Waiting, s.WaitingSince, s.LeftAt, s.Reason = true, app.At(since), app.Time{}, ""
}

// with returns the ordered list with one more time.
func with(list []time.Time, at time.Time) []time.Time {
	i, had := slices.BinarySearchFunc(list, at, time.Time.Compare)
	if had || len(list) >= maxTimes {
		return list
	}
	return slices.Insert(slices.Clone(list), i, at.UTC())
}

// firstFrom returns the first time at or after from, zero when there is none.
func firstFrom(list []time.Time, from time.Time) time.Time {
	for _, at := range list {
		if !at.Before(from) {
			return at
		}
	}
	return time.Time{}
}

// visits computes the last visit, which is JoinedAt and LeftReported, and the earlier ones: a joining after the end of a visit
// begins another. Without m only a reported leaving ends a visit.
func (s *Stay) visits(m *Meeting) {
	s.Earlier = nil
	if len(s.Joins) == 0 && len(s.Lefts) == 0 && (s.LeftReported.IsZero() || s.Coarse || !s.LeftReported.Before(s.JoinedAt.Time)) {
		return // one visit at most
	}
	joins, lefts := s.joins(), s.lefts()
	if len(joins) == 0 {
		s.LeftReported = firstFrom(lefts, time.Time{})
	} else {
		from := joins[0]
		for {
			at, why := firstFrom(lefts, from), s.LeftWhy
			if m != nil {
				at, why = s.closing(m, from, m.emptiedAfter(from, s.SeenAt, time.Time{}))
			}
			if at.IsZero() {
				break
			}
			at = app.Later(at, from) // a history's leaving can be inexact, and before the joining
			again := firstFrom(joins, at.Add(1))
			if again.IsZero() {
				break
			}
			s.Earlier = append(s.Earlier, Visit{Joined: from, Left: at, Reason: why})
			from = again
		}
		s.JoinedAt, s.LeftReported = app.At(from), firstFrom(lefts, from)
	}
	s.Joins, s.Lefts = beside(joins, s.JoinedAt.Time), beside(lefts, s.LeftReported)
}

// beside returns the list, nil if it holds only the one time.
func beside(list []time.Time, one time.Time) []time.Time {
	if len(list) == 1 && list[0].Equal(one) {
		return nil
	}
	return list
}
