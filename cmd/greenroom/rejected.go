package main

import (
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

const (
	// rejectedLines is how many rejected requests `listen` prints within rejectedWithin: anybody can send them, and what a
	// service prints is kept.
	rejectedLines  = 60
	rejectedWithin = time.Minute
)

// rejectedPace bounds the lines about rejected requests.
type rejectedPace struct {
	since func() time.Duration
	from  time.Duration
	lines int
}

// pass reports whether a delivery is printed, and whether it is the first that isn't.
func (p *rejectedPace) pass(d app.Delivery) (printed, first bool) {
	if d.Verdict == provider.Verified || d.Status < 400 {
		return true, false
	}
	now := p.since()
	if p.lines == 0 || now-p.from >= rejectedWithin {
		p.from, p.lines = now, 0
	}
	p.lines++
	return p.lines <= rejectedLines, p.lines == rejectedLines+1
}
