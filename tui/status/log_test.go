package status

import (
	"testing"
	"time"
)

func TestTheLogIsReadOnOneLine(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for _, test := range []struct{ line, want string }{
		{`time=2026-11-25T16:41:21.619Z level=INFO msg="relay: connected" session=abc`, "17:41:21 relay: connected  session=abc"},
		{`time=2026-11-25T16:41:21.619Z level=WARN msg="a \"b\" \\ c"`, `17:41:21 WARN a "b" \ c`},
		{`time=2026-11-25T16:41:21.619Z level=ERROR msg=panic in=x stack="a\nb"`, `17:41:21 ERROR panic  in=x stack="a\nb"`},
		{"time=never level=INFO msg=x", "time=never level=INFO msg=x"},
		{"something else", "something else"},
		{"", ""},
	} {
		if got := logLine(test.line, zone); got != test.want {
			t.Errorf("%q is shown as %q, want %q", test.line, got, test.want)
		}
	}
}
