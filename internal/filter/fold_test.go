package filter

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"greenroom/internal/latin"
)

// Words are found as in the whole folded text, wherever letters beyond ASCII are.
func TestWordsAreFoundAsInTheFoldedText(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"a", "e", "Z", "o", " ", "\u0301", "\u0308", "ë", "Ø", "Æ", "ß", "ﬁ", "İ", "\u212a", "渡", "\xff", "1", "\"", "ǆ", "が", "=", "\u0338", "-", strings.Repeat("oz-a: ", 9)})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(pieces, 0, 30).Draw(t, "text"), "")
		folded := latin.Fold(text)
		from := rapid.IntRange(0, len(folded)).Draw(t, "from")
		word := folded[from:min(from+rapid.IntRange(0, 6).Draw(t, "length"), len(folded))]
		if !ascii(word) {
			t.Skip()
		}
		if !ContainsFold([]byte(text), word) {
			t.Fatalf("%q is not found in %q", word, text)
		}
		word = rapid.StringMatching(`[aeoz1:= -]{1,4}`).Draw(t, "word")
		if got, want := ContainsFold([]byte(text), word), ContainsCase([]byte(text), word) || strings.Contains(folded, word); got != want {
			t.Fatalf("%q in %q: %t", word, text, got)
		}
	})
}

// BenchmarkContainsFold looks for a word that isn't there in a body with a few names in other letters.
func BenchmarkContainsFold(b *testing.B) {
	body := []byte(strings.Repeat(`{"user_name":"Zoë 渡辺","session_id":"8f14e45f-ceea-467f-a8d2-8d1e8a5c3c11","joined_at":1700000000.25},`, 10))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if ContainsFold(body, "nowhere") {
			b.Fatal("found")
		}
	}
}
