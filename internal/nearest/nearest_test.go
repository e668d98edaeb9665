package nearest

import (
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	known := []string{"all-hands", "office", "design", "resign", "Zürich", "ab"}
	for word, want := range map[string]string{
		"all-hand": "all-hands", "OFFICE": "office", "desing": "design", "esign": "design resign", "zurich": "Zürich",
		"nothing": "", "": "", "x": "", "abc": "ab", strings.Repeat("a", 65): "",
	} {
		if got := strings.Join(Words(word, known), " "); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := Question("esign", known); got != "did you mean design or resign?" {
		t.Errorf("question %q", got)
	}
	if got := Question("nothing", known); got != "" {
		t.Errorf("question %q", got)
	}
}

func FuzzWords(f *testing.F) {
	f.Add("word", "work\x00\xff")
	f.Fuzz(func(t *testing.T, word, other string) {
		known := []string{other, word}
		for _, w := range Words(word, known) {
			if !slices.Contains(known, w) {
				t.Errorf("%q is not known", w)
			}
		}
		if word != "" && len(word) <= longest && len(strings.ToLower(word)) <= longest && len(Words(word, []string{word})) != 1 {
			t.Errorf("%q is not near itself", word)
		}
	})
}
