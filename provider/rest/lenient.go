package rest

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The types of this file read what platforms really send rather than what their schemas say: times as fractional seconds,
// milliseconds or text; numbers in quotes; null and missing alike. None of them ever fails: what cannot be parsed is the zero
// value, so one odd field doesn't invalidate the answer.

// Text is a JSON string. Numbers and booleans are kept as written, anything else is empty.
type Text string

// UnmarshalJSON never fails.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) == 0 || b[0] == 'n' || b[0] == '{' || b[0] == '[':
	case b[0] == '"':
		// Most texts have no escapes and need no second parser.
		if in := b[1 : len(b)-1]; bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
			*t = Text(in)
			return nil
		}
		var s string
		if json.Unmarshal(b, &s) == nil {
			*t = Text(s)
		}
	default:
		*t = Text(b)
	}
	return nil
}

// Clip returns the text without surrounding white space and at most limit bytes long, cut between runes, so that one name can't
// bloat a store.
func (t Text) Clip(limit int) string {
	s := strings.TrimSpace(string(t))
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// NameLimit limits people's names and the paths of files, in bytes. IDLimit limits ids.
const (
	NameLimit = 1024
	IDLimit   = 256
)

// Name returns Clip(NameLimit).
func (t Text) Name() string { return t.Clip(NameLimit) }

// ID returns Clip(IDLimit).
func (t Text) ID() string { return t.Clip(IDLimit) }

// Room returns the name of a room in its canonical form, without a leading slash.
func (t Text) Room() string { return strings.TrimPrefix(t.Name(), "/") }

// Number is a JSON number, or one in quotes. Given reports whether there was one.
type Number struct {
	Value float64
	Given bool
}

// UnmarshalJSON never fails.
func (n *Number) UnmarshalJSON(b []byte) error {
	*n = Number{}
	v, err := strconv.ParseFloat(string(bytes.Trim(b, `" `)), 64)
	if err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*n = Number{Value: v, Given: true}
	}
	return nil
}

// Int returns the number without its fraction, or 0 if there is none or it is beyond an int64.
func (n Number) Int() int64 {
	if math.Abs(n.Value) >= 1<<62 {
		return 0
	}
	return int64(n.Value)
}

// Seconds returns the number as a duration, or 0 if it is negative or beyond a century.
func (n Number) Seconds() time.Duration {
	if !(n.Value > 0) || n.Value > 100*365*24*3600 {
		return 0
	}
	return time.Duration(math.Round(n.Value*1e6)) * time.Microsecond
}

// Flag is a JSON boolean, or one in quotes or as 0 and 1.
type Flag bool

// UnmarshalJSON never fails.
func (f *Flag) UnmarshalJSON(b []byte) error {
	if string(b) == "true" {
		*f = true
		return nil
	}
	switch strings.ToLower(string(bytes.Trim(b, `" `))) {
	case "true", "1", "yes":
		*f = true
	default:
		*f = false
	}
	return nil
}

// List is a JSON list; anything else is an empty list.
type List[T any] []T

// UnmarshalJSON never fails.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	var out []T
	if json.Unmarshal(b, &out) != nil {
		out = nil
	}
	*l = out
	return nil
}

// Time is an instant: an ISO text, or a number of seconds or (above 1e11) milliseconds since 1970, possibly with a fraction or in
// quotes. Null, missing and nonsense are the zero time. It is always UTC.
type Time struct{ time.Time }

// UnmarshalJSON never fails.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = ParseTime(string(bytes.Trim(b, `"`)))
	return nil
}

// ParseTime parses an instant like [Time].
func ParseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	// A hyphen after the year means that it is no number; parsing to find out would cost more than the rest.
	if len(s) < 5 || s[4] != '-' {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return time.Time{}
		}
		return Instant(v)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			if t = t.UTC(); t.Year() < 1970 || t.Year() > 9999 {
				return time.Time{}
			}
			return t
		}
	}
	return time.Time{}
}

// Instant returns the time of a number of seconds or, above 1e11, milliseconds since 1970, to the microsecond, the precision of a
// float64. Anything before 1970 or after the year 9999 is the zero time.
func Instant(v float64) time.Time {
	if v > 1e11 {
		v /= 1e3
	}
	if !(v > 0) || v >= 253402300800 {
		return time.Time{}
	}
	return time.UnixMicro(int64(math.Round(v * 1e6))).UTC()
}
