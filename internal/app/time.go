package app

import (
	"encoding/json"
	"time"
)

// Time is a moment whose zero value is null in JSON: a field that is always there, as scripts expect, and says plainly
// when something has not happened. Otherwise it is RFC 3339 in UTC.
type Time struct{ time.Time }

// At makes a Time in UTC.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC()}
}

// MarshalJSON writes null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().MarshalJSON()
}

// UnmarshalJSON reads RFC 3339 and null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	return json.Unmarshal(b, &t.Time)
}
