package latin

import (
	"strings"
	"testing"
	"unicode"

	"github.com/mozillazg/go-unidecode"
)

// Every character has the letters that the library gives it.
func TestTheTableIsTheLibrarys(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue // halves of characters
		}
		want := unidecode.Unidecode(string(r))
		if strings.TrimLeft(want, "\n") == "" && want != "" && r >= first {
			want = " "
		}
		if got := Of(string(r)); got != want {
			t.Fatalf("U+%04X: %q, not %q", r, got, want)
		}
	}
	if got := Of("Žluťoučký кůň 東京"); got != "Zlutoucky kun Dong Jing " {
		t.Errorf("%q", got)
	}
}
