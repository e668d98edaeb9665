package rest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider/rest"
)

type fields struct {
	Name  rest.Text            `json:"name"`
	Sick  rest.Flag            `json:"sick_kind"`
	At    rest.Time            `json:"at"`
	Took  rest.Number          `json:"took"`
	Items rest.List[rest.Text] `json:"items"`
	Raw   json.RawMessage      `json:"raw"`
}

// FuzzFields: a struct is read as encoding/json reads it: names in any case, the last of several, and nothing else.
func FuzzFields(f *testing.F) {
	for _, s := range []string{
		`{"name":"Zo\u00eb","sick_kind":1,"at":"2026-11-29T12:00:00Z","took":"1.5","items":["a",2],"raw":{"a":[1, 2]},"else":{}}`,
		` { "NAME" : "a" , "name":null, "n\u0061me" : "b\\" , "ſicK_Kind": true, "sick_Kind":"yes" } `,
		`{"name":"\ud800","raw":"\"","at":-1e300,"took":1e999,"items":{}}`, "{\"name\":\"\xff\",\"\xff\":1,\"\":2}",
		`null`, ` null `, `[]`, `"x"`, `1`, `true`, `{}`, `{"name"}`, `{"name":"a"} {}`, ``,
		`{"at":-}`, `{"at":01}`, `{"at":1.}`, `{"at":1e+}`, `{"at":-0.0E-1}`, `{"name":"\u12g4"}`, `{"name":"\x"}`, "{\"name\":\"\x01\"}", "\ufeff{}",
		`{"name":tru}`, `{"name":1,}`, `[1,]`, "{\"name\"\v:1}", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), strings.Repeat("[", 1e6),
		strings.Repeat(`{"raw":`, 1500) + "1" + strings.Repeat("}", 1500), strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
	} {
		f.Add([]byte(s))
	}
	of := rest.FieldsOf[fields]()
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want, got fields
		v, valid := rest.Parse(raw)
		if valid != json.Valid(raw) {
			t.Fatalf("%q is valid: %t", raw, valid)
		}
		read := json.Unmarshal(raw, &want)
		if ok := valid && of.Read(v, &got); !valid {
			return
		} else if ok != (read == nil) {
			t.Fatalf("%q was read: %t, but encoding/json: %v", raw, ok, read)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", raw, d)
		}
	})
}
