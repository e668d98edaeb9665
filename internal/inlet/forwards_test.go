package inlet

import (
	"testing"

	"greenroom/internal/app"
)

func TestAttemptLines(t *testing.T) {
	for want, a := range map[string]app.Attempt{
		"event 7 forwarded: 204 in 3 ms":                                              {Seq: 7, Status: 204, Ms: 3, Final: true},
		"event 7 forwarded: 404 in 3 ms":                                              {Seq: 7, Status: 404, Ms: 3, Final: true},
		"event 7 was not forwarded: connection refused; trying again":                 {Seq: 7, Error: "connection refused"},
		"event 7 was not forwarded: 503 in 3 ms; trying again":                        {Seq: 7, Status: 503, Ms: 3},
		"event 7 was not forwarded and is parked: 503 in 3 ms":                        {Seq: 7, Status: 503, Ms: 3, Final: true},
		"event 7 was not forwarded and is parked: its method or target can't be sent": {Seq: 7, Error: "its method or target can't be sent", Final: true},
	} {
		if got := attemptLine(a, false); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := attemptLine(app.Attempt{Name: "dev", Seq: 7, Status: 200, Final: true}, true); got != "event 7 forwarded to dev: 200 in 0 ms" {
		t.Errorf("%q", got)
	}
}
