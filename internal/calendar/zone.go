package calendar

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/internal/stable"
)

// A wall time is the reading of a clock on a wall, without a zone: a time.Time in UTC whose fields are meant literally.
// Recurrence is computed in wall times, and each is then placed in its zone.

// Wall returns the wall time of t in its own location.
func Wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// Place returns the moment at which a clock in loc shows wall. A wall time that is skipped when clocks go forward moves forward
// with them; one that occurs twice is the first.
func Place(wall time.Time, loc *time.Location) time.Time { return place(wall, location{loc}).In(loc) }

// zone is a time zone: the offset from UTC, in seconds, at a moment.
type zone interface{ offset(time.Time) int }

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

type location struct{ *time.Location }

func (l location) offset(t time.Time) int {
	_, offset := t.In(l.Location).Zone()
	return offset
}

// Offsets are between -12 and +14 hours, so these are surely before and after the moment of a wall time.
const (
	surelyBefore = -15 * time.Hour
	surelyAfter  = 13 * time.Hour
)

func place(wall time.Time, z zone) time.Time {
	before, after := z.offset(wall.Add(surelyBefore)), z.offset(wall.Add(surelyAfter))
	first, second := wall.Add(-seconds(before)), wall.Add(-seconds(after))
	if z.offset(first) != before && z.offset(second) == after {
		return second
	}
	return first
}

// observance is a part of a VTIMEZONE: from start on, and whenever rule and dates repeat it, clocks show the offset to.
type observance struct {
	start    time.Time // a wall time by the offset before
	from, to int
	rule     *Rule
	dates    []time.Time
}

// custom is a zone that a calendar defines itself.
type custom struct {
	observances []observance
	once        sync.Once
	transitions []transition // in order, once they were computed
}

type transition struct {
	at       time.Time
	from, to int
}

// lastTransition is the end of the transitions that are computed.
var lastTransition = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *custom) offset(t time.Time) int {
	c.once.Do(c.compute)
	i, found := slices.BinarySearchFunc(c.transitions, t, func(tr transition, t time.Time) int { return tr.at.Compare(t) })
	switch {
	case found:
		return c.transitions[i].to
	case i > 0:
		return c.transitions[i-1].to
	}
	return c.transitions[0].from
}

func (c *custom) compute() {
	left := ruleBudget
	for _, o := range c.observances {
		add := func(wall time.Time) bool {
			c.transitions = append(c.transitions, transition{wall.Add(-seconds(o.from)), o.from, o.to})
			return len(c.transitions) < maxTransition
		}
		if !add(o.start) {
			break
		}
		for _, d := range o.dates {
			if !add(d) {
				break
			}
		}
		if o.rule == nil {
			continue
		}
		for wall := range o.rule.walls(o.start, o.start, lastTransition, &left) {
			if !o.rule.Until.IsZero() && wall.Add(-seconds(o.from)).After(o.rule.Until) {
				break
			}
			if !wall.Equal(o.start) && !add(wall) {
				break
			}
		}
	}
	stable.Sort(c.transitions, func(a, b transition) int { return a.at.Compare(b.at) })
}

// zones finds the time zones of a calendar by their TZID.
type zones struct {
	defined map[string]*custom
	aliases map[string]string // TZID -> X-LIC-LOCATION
	found   map[string]zone   // nil for unknown ones
}

// find returns the zone of a TZID, or nil. This machine's database comes first: definitions in calendars often cover one year only.
func (z *zones) find(id string) zone {
	if had, ok := z.found[id]; ok {
		return had
	}
	var out zone
	if loc := cmp.Or(Zone(id), Zone(z.aliases[id])); loc != nil {
		out = location{loc}
	} else if c := z.defined[id]; c != nil && len(c.observances) > 0 {
		out = c
	}
	if len(z.found) < maxZones {
		z.found[id] = out
	}
	return out
}

// maxZoneName is the longest name of a zone that is looked up, in bytes.
const maxZoneName = 200

// Zone returns the location of an IANA name, also with a prefix as in "/example.org/Europe/Berlin", or of a Windows name. It returns
// nil for an unknown name.
func Zone(id string) *time.Location {
	id = strings.Trim(strings.TrimSpace(id), `"`)
	if len(id) > maxZoneName {
		return nil
	}
	switch strings.ToUpper(id) {
	case "":
		return nil
	case "UTC", "Z", "GMT", "ETC/UTC", "TZONE://MICROSOFT/UTC", "UTC+00:00", "COORDINATED UNIVERSAL TIME":
		return time.UTC
	}
	for name, more := id, true; more; _, name, more = strings.Cut(name, "/") {
		if loc := load(name); loc != nil {
			return loc
		}
	}
	for known, name := range windowsZones {
		if strings.EqualFold(known, id) {
			return load(name)
		}
	}
	return nil
}

// load loads an IANA zone. "Local" isn't one. EST, MST and HST are, but without the changes of clocks that people expect.
func load(name string) *time.Location {
	switch name {
	case "", "Local", "EST", "MST", "HST":
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return loc
}

// formatOffset writes an offset as calendars do: +0100, -0330.
func formatOffset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	out := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if s := seconds % 60; s != 0 {
		out += fmt.Sprintf("%02d", s)
	}
	return out
}
