package sandbox

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestSpansAreTextsOrSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"5s"`: 5 * time.Second, `5`: 5 * time.Second, `0.25`: 250 * time.Millisecond, `0`: 0, `"1m30s"`: 90 * time.Second,
	} {
		var f Fault
		if err := json.Unmarshal([]byte(`{"kind":"latency","delay":`+text+`}`), &f); err != nil || f.Delay != want {
			t.Errorf("%s: %s, %v", text, f.Delay, err)
		}
		b, err := json.Marshal(f)
		var again Fault
		if err != nil || json.Unmarshal(b, &again) != nil || again.Delay != f.Delay {
			t.Errorf("%s comes back as %+v, %v", b, again, err)
		}
	}
}

// Every input is refused, or is a duration that survives a round trip.
func FuzzSpan(f *testing.F) {
	f.Add(`"1m30s"`)
	f.Add("1e308")
	f.Fuzz(func(t *testing.T, text string) {
		var s span
		if json.Unmarshal([]byte(text), &s) != nil {
			return
		}
		if math.Abs(time.Duration(s).Seconds()) > maxSpan.Seconds()+1 {
			t.Errorf("%s is %s", text, time.Duration(s))
		}
		b, err := json.Marshal(s)
		var again span
		if err != nil || json.Unmarshal(b, &again) != nil || (again-s).abs() > 1000 {
			t.Errorf("%s is written as %s: %v", text, b, err)
		}
	})
}

func (s span) abs() span { return span(time.Duration(s).Abs()) }
