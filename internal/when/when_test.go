package when

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "2w": 336 * time.Hour, "1w1d": 192 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "0s": 0,
		"": -1, "d": -1, "-1d": -1, "+1h": -1, "1d1d": -1, "9999999d": -1, "200000w": -1, "1dx": -1, "5": -1,
	} {
		if d, ok := Age(text); ok != (want >= 0) || ok && d != want {
			t.Errorf("age %q: %s, %t", text, d, ok)
		}
	}
}

func TestMoment(t *testing.T) {
	zone := time.FixedZone("test", 2*3600)
	now := time.Date(2026, 11, 22, 16, 30, 0, 0, zone)
	for _, test := range []struct {
		text  string
		ahead bool
		want  string
	}{
		{"17:00", true, "2026-11-22T17:00:00+02:00"},
		{"16:30", true, "2026-11-23T16:30:00+02:00"},
		{"09:15", true, "2026-11-23T09:15:00+02:00"},
		{"09:15", false, "2026-11-22T09:15:00+02:00"},
		{"23:00:01", false, "2026-11-21T23:00:01+02:00"},
		{"2026-12-01T10:00:00Z", true, "2026-12-01T10:00:00Z"},
		{"2026-12-01 10:00", true, "2026-12-01T10:00:00+02:00"},
		{"2026-12-01", false, "2026-12-01T00:00:00+02:00"},
		{"25:00", true, ""}, {"", true, ""}, {"tomorrow", true, ""}, {"1730", true, ""},
	} {
		got, ok := Moment(test.text, now, test.ahead)
		if ok != (test.want != "") || ok && got.Format(time.RFC3339) != test.want {
			t.Errorf("%q: %s, %t", test.text, got.Format(time.RFC3339), ok)
		}
	}
}
