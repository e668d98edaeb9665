package tui

import (
	"fmt"
	"strconv"
	"time"

	"greenroom/internal/app"
)

func itoa(n int) string { return strconv.Itoa(n) }

// since is how long ago t was, 0 when it is unknown or yet to come.
func since(t app.Time, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t.Time), 0)
}

// span is a length as a clock shows it: 42:10, 1:02:03.
func span(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// ago is an age in one coarse word or two.
func ago(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return itoa(int(d/time.Second)) + " s ago"
	case d < time.Hour:
		return itoa(int(d/time.Minute)) + " min ago"
	case d < 48*time.Hour:
		return itoa(int(d/time.Hour)) + " h ago"
	}
	return itoa(int(d/(24*time.Hour))) + " days ago"
}

// day is a moment for people: the time today, the date before.
func day(t app.Time, now time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	l, n := t.In(zone), now.In(zone)
	if l.YearDay() == n.YearDay() && l.Year() == n.Year() {
		return "today " + l.Format("15:04")
	}
	return l.Format("2006-01-02 15:04")
}

// bytes is a size for people, at most six cells: 812 B, 1.2 kB.
func bytes(n int64) string {
	const unit = 1000
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, i := float64(n), -1
	for f >= unit && i < 4 {
		f /= unit
		i++
	}
	suffix := "kMGTP"[i : i+1]
	if f < 10 {
		return fmt.Sprintf("%.1f %sB", f, suffix)
	}
	return fmt.Sprintf("%.0f %sB", f, suffix)
}
