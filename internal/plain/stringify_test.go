package plain_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"greenroom/internal/plain"
)

func TestStringify(t *testing.T) {
	for in, want := range map[string]string{
		"<a href='x'>&amp;":      `"<a href='x'>&amp;"`,
		"Zoë 渡辺 \U0001f600":      `"Zoë 渡辺 😀"`,
		"\u2028 \u2029 \\u2028":  "\"\u2028 \u2029 \\\\u2028\"",
		"\\\u2028\"\\\\\u2029":   "\"\\\\\u2028\\\"\\\\\\\\\u2029\"",
		"\b\f\n\r\t\x00\x1f\x7f": "\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"",
		"/":                      `"/"`,
	} {
		if got, err := plain.Stringify(in); err != nil || string(got) != want {
			t.Errorf("%q: %s, %v, want %s", in, got, err, want)
		}
	}
	if got, err := plain.Stringify(struct {
		B float64 `json:"b"`
		A []any   `json:"a"`
	}{1750000000.5, []any{nil, 1.0, true}}); err != nil || string(got) != `{"b":1750000000.5,"a":[null,1,true]}` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := plain.Stringify(func() {}); err == nil {
		t.Error("a function has JSON")
	}
}

// Every text is read back as written, and has only the escapes that JSON needs.
func FuzzStringify(f *testing.F) {
	f.Add("a\u2028\\u2028<>&\x00\xff")
	f.Fuzz(func(t *testing.T, in string) {
		b, err := plain.Stringify(map[string]string{in: in})
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]string
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if utf8.ValidString(in) && out[in] != in {
			t.Errorf("%q came back as %q", in, out)
		}
	})
}
