package words

import (
	"fmt"
	"strconv"
	"time"

	"greenroom/internal/app"
)

// Since returns the time from t to now, 0 if t is unknown or in the future.
func Since(t app.Time, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t.Time), 0)
}

// Span returns a duration as a clock shows it: 42:10, 1:02:03.
func Span(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// Length returns a duration in words: 19 min, 1 h 05 min.
func Length(d time.Duration) string {
	switch minutes := int(d / time.Minute); {
	case minutes < 1:
		return strconv.Itoa(int(max(d, 0)/time.Second)) + " s"
	case minutes < 60:
		return strconv.Itoa(minutes) + " min"
	default:
		return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
	}
}

// Ago returns an age in coarse words: 12 s ago.
func Ago(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h ago"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " days ago"
}

// Day returns the time of day if t is today, and the date otherwise.
func Day(t app.Time, now time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	l, n := t.In(zone), now.In(zone)
	if l.YearDay() == n.YearDay() && l.Year() == n.Year() {
		return "today " + l.Format("15:04")
	}
	return l.Format("2006-01-02 15:04")
}

// Bytes returns a size in at most six cells: 812 B, 1.2 kB.
func Bytes(n int64) string {
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

// Plural returns a count with its noun.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
