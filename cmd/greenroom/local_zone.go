package main

import (
	"os"
	"strings"
	"time"

	"greenroom/internal/calendar"
)

// localZone returns the IANA name of this machine's time zone. Go only knows its rules.
func localZone(getenv func(string) string, now time.Time) (string, bool) {
	candidates := []string{now.Location().String(), getenv("TZ")}
	if to, err := os.Readlink("/etc/localtime"); err == nil {
		candidates = append(candidates, to)
	}
	if raw, err := os.ReadFile("/etc/timezone"); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(raw)))
	}
	for _, name := range candidates {
		name = strings.TrimPrefix(name, ":")
		if _, after, ok := strings.Cut(name, "zoneinfo/"); ok {
			name = after
		}
		if loc := calendar.Zone(name); loc != nil && sameClock(loc, now) {
			return loc.String(), true
		}
	}
	if sameClock(time.UTC, now) {
		return "UTC", true
	}
	return "", false
}

// sameClock reports whether a zone has the times of now's zone through the year.
func sameClock(loc *time.Location, now time.Time) bool {
	for month := range 12 {
		t := now.AddDate(0, month, 0)
		if !calendar.Wall(t).Equal(calendar.Wall(t.In(loc))) {
			return false
		}
	}
	return true
}

// zoneOr returns the zone of a flag, else this machine's.
func (p *program) zoneOr(flag string) (string, error) {
	if flag != "" {
		if calendar.Zone(flag) == nil {
			return "", usagef("--time-zone can't be %q: write it like Europe/Berlin or America/New_York", flag)
		}
		return flag, nil
	}
	name, ok := localZone(p.getenv, p.now())
	if !ok {
		return "", usagef("this machine's time zone is unknown: set it, for example with --time-zone Europe/Berlin")
	}
	return name, nil
}
