package hub

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSlugsAreReadable(t *testing.T) {
	for name, want := range map[string]string{
		"Zürich": "Zurich", "Zu\u0308rich": "Zurich", "café": "cafe", "読書会": "Du-Shu-Hui", "東京 1": "Dong-Jing-1", "Москва": "Moskva",
		"Straße": "Strasse", "Łódź": "Lodz", "Ørsted": "Orsted", "Việt Nam": "Viet-Nam", "한국어": "han-gug-eo", "ａｂｃ": "abc",
		"it's": "its", "Stand up ☕": "Stand-up", "a_b-c": "a_b-c", "  a -- b  ": "a-b", "☕": "room", "": "room", "---": "room",
		strings.Repeat("x", 80): strings.Repeat("x", 64), strings.Repeat("x", 63) + " y": strings.Repeat("x", 63),
	} {
		if got := Slug(name); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
}

func TestSlugsAreLegal(t *testing.T) {
	legal := regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?$`)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		if s := Slug(name); !legal.MatchString(s) || strings.Contains(s, "--") && !strings.Contains(name, "-") {
			t.Errorf("%q is %q", name, s)
		}
	})
}
