package calendar

import (
	"strconv"
	"strings"
	"time"
)

// readZones reads the definitions of time zones (VTIMEZONE).
func (r *reader) readZones(data []byte) {
	var id string
	var at *custom
	var part *observance
	for l := range lines(data) {
		switch {
		case l.name == "BEGIN" && strings.EqualFold(l.value, "VTIMEZONE"):
			at, id, part = &custom{}, "", nil
		case at == nil:
		case l.name == "END" && strings.EqualFold(l.value, "VTIMEZONE"):
			if id != "" && len(r.zones.defined) < maxZones {
				r.zones.defined[id] = at
			}
			at = nil
		case l.name == "BEGIN":
			part = &observance{}
		case l.name == "END" && part != nil:
			if !part.start.IsZero() && len(at.observances) < maxTransition {
				at.observances = append(at.observances, *part)
			}
			part = nil
		case l.name == "TZID":
			id = strings.TrimSpace(unescaper.Replace(l.value))
		case l.name == "X-LIC-LOCATION" && id != "" && len(r.zones.aliases) < maxZones:
			r.zones.aliases[id] = l.value
		case part != nil:
			part.set(l)
		}
	}
}

func (o *observance) set(l line) {
	switch l.name {
	case "DTSTART":
		if m, ok := parseMoment(l.value, nil); ok {
			o.start = m.wall
		} else if strings.HasPrefix(l.value, "0001") || strings.HasPrefix(l.value, "00010101") {
			o.start = date(1970, 1, 1)
		}
	case "TZOFFSETFROM":
		o.from = parseOffset(l.value)
	case "TZOFFSETTO":
		o.to = parseOffset(l.value)
	case "RRULE":
		o.rule, _ = parseRule(l.value, location{time.UTC}) // without its repetition, a definition is still useful
	case "RDATE":
		for text := range strings.SplitSeq(l.value, ",") {
			if m, ok := parseMoment(text, nil); ok && len(o.dates) < maxTransition {
				o.dates = append(o.dates, m.wall)
			}
		}
	}
}

// parseOffset parses +0100 or -033015, and returns seconds, 0 for an invalid offset.
func parseOffset(s string) int {
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "+-")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || len(s) > 7 {
		return 0
	}
	if len(digits) <= 4 {
		n *= 100
	}
	n = n/10000*3600 + n/100%100*60 + n%100
	if n > 15*3600 {
		return 0
	}
	if strings.HasPrefix(s, "-") {
		return -n
	}
	return n
}
