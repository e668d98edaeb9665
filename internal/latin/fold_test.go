package latin

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	_ "greenroom/internal/cases"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Jose": "jose", "José": "jose", "Jose\u0301": "jose", "ZOË 渡辺": "zoe 渡辺", "Ægir Łukasz Øst": "aegir lukasz ost",
		"Straße": "strasse", "İstanbul ışık": "istanbul isik", "Nguyễn": "nguyen", "Ёлка": "елка", "Άννα": "αννα", "ÄÖÜ": "aou",
		"\xff É": "\xff e", "가": "가", "\u1100\u1161": "가", "ｊｏｓｅ": "jose", "K": "k", "प्रिया": "प्रिया", "🙂": "🙂",
	} {
		if got := Fold(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
	if !Same(" josé ", "JOSE") || Same("jose", "josef") || !HasPrefix("José Ortega", "jose o") || HasPrefix("Jo", "jose") {
		t.Error("names are compared in another way")
	}
}

// What was folded stays as it is, and both cases fold alike.
func TestFoldedStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		f := Fold(s)
		if Fold(f) != f || !utf8.ValidString(f) {
			t.Fatalf("%q becomes %q, and that %q", s, f, Fold(f))
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[ a-zA-ZÀ-ÖØ-öø-žẠ-ỹ-]*`).Draw(t, "name")
		if f := Fold(s); strings.ContainsFunc(f, func(r rune) bool { return r >= utf8.RuneSelf }) || f != Fold(strings.ToLower(s)) {
			t.Fatalf("%q becomes %q", s, f)
		}
	})
}
