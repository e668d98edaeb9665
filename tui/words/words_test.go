package words

import (
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
)

func TestTimes(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "00:00", 42*time.Minute + 10*time.Second: "42:10", 3723 * time.Second: "1:02:03", -time.Second: "00:00"} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q", d, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Second: "just now", 12 * time.Second: "12 s ago", 90 * time.Second: "1 min ago", 5 * time.Hour: "5 h ago", 72 * time.Hour: "3 days ago"} {
		if got := Ago(d); got != want {
			t.Errorf("Ago(%v) = %q", d, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1200: "1.2 kB", 55000: "55 kB", 734003200: "734 MB", 5 << 50: "5.6 PB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q", n, got)
		}
	}
	now := time.Date(2026, 11, 22, 15, 4, 0, 0, time.UTC)
	if got := Day(app.At(now.Add(-time.Hour)), now, time.UTC) + Day(app.Time{}, now, time.UTC); got != "today 14:04at an unknown time" {
		t.Error(got)
	}
}

func TestOnlyWebAddressesAreLinks(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://a.example/x?y=z": true, "http://a.example": true, "javascript:alert(1)": false, "file:///etc/passwd": false,
		"https://": false, "https://a.example/\x1b]": false, "https://user@a.example": false, "https://a.example/ü": false, "": false,
		"https://a.example/\"": false,
	} {
		if _, ok := WebURL(raw); ok != want {
			t.Errorf("%q: %v", raw, ok)
		}
	}
	for raw, want := range map[string]string{
		"https://a.example/x?t=secret#f": "a.example/x", "https://a.example/": "a.example", "nonsense?key=secret": "nonsense", "%zz": "%zz",
	} {
		if got := BareLink(raw); got != want {
			t.Errorf("%q is shown as %q", raw, got)
		}
	}
}

func TestSafeText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "\x1b[31m": "␛[31m", "👨‍👩‍👧": "👨👩👧", "❤️": "❤", "👍🏽": "👍", "क्\u200dष": "क्\u200dष",
	} {
		if got := Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Safe(strings.Repeat("渡", 5000)); len(got) > longest+3 || !strings.HasSuffix(got, "渡…") {
		t.Errorf("%d bytes are drawn", len(got))
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 19*time.Minute + 30*time.Second: "19 min", 65 * time.Minute: "1 h 05 min",
	} {
		if got := Length(d); got != want {
			t.Errorf("%s: %q", d, got)
		}
	}
}
