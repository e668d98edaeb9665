package livekit

import (
	"encoding/json"
	"time"

	"greenroom/provider/rest"
)

// lenientMap returns an object's texts; nil for anything else.
func lenientMap(b []byte) map[string]rest.Text {
	var m map[string]rest.Text
	if json.Unmarshal(b, &m) != nil {
		return nil
	}
	return m
}

// nanoseconds returns the time of nanoseconds since 1970 or, on servers that write those, of seconds; zero when unknown.
func nanoseconds(n rest.Number) time.Time {
	switch v := n.Value; {
	case v > 1e15 && v < 253402300800e9:
		return time.Unix(0, n.Int()).UTC()
	case v > 0 && v < 253402300800:
		return time.Unix(n.Int(), 0).UTC()
	}
	return time.Time{}
}
