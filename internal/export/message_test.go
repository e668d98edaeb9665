package export

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnEditedRequest(t *testing.T) {
	first := Request{Method: "POST", Target: "/hooks/a?x=1 2", Header: http.Header{"B": {"1", "", " two "}, "A": {"caf\xe9"}}, Body: []byte(`{"a":1}`)}
	want := "POST /hooks/a?x=1 2\nA: caf\xe9\nB: 1\nB: \nB:  two \n\n{\"a\":1}"
	if got := string(first.Text()); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	for name, edit := range map[string]struct {
		text string
		want func(*Request)
	}{
		"unchanged":        {want, func(*Request) {}},
		"a newline added":  {want + "\n", func(*Request) {}},
		"body":             {strings.Replace(want, ":1}", ":2}", 1), func(r *Request) { r.Body = []byte(`{"a":2}`) }},
		"version":          {strings.Replace(want, "1 2\n", "1 2 HTTP/1.1\n", 1), func(*Request) {}},
		"method":           {strings.Replace(want, "POST", "PUT", 1), func(r *Request) { r.Method = "PUT" }},
		"a header less":    {strings.Replace(want, "A: caf\xe9\n", "", 1), func(r *Request) { delete(r.Header, "A") }},
		"no body":          {strings.TrimSuffix(want, `{"a":1}`), func(r *Request) { r.Body = []byte{} }},
		"carriage returns": {strings.ReplaceAll(want, "\n", "\r\n") + "\r\n", func(*Request) {}},
	} {
		t.Run(name, func(t *testing.T) {
			expected := Request{Method: first.Method, Target: first.Target, Header: first.Header.Clone(), Body: first.Body}
			edit.want(&expected)
			got, err := first.ParseRequest([]byte(edit.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, text := range []string{"", "POST", "\n\n", "P@ST /x\n\n", "POST /x\nno header\n\nbody", "POST \n\n"} {
		if _, err := first.ParseRequest([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// What is written is read back, whatever the body, and reading never panics.
func FuzzRequestText(f *testing.F) {
	f.Add("POST", "/a", "X-A", "value", []byte("body\n"))
	f.Add("GET", "/\xff", "A", "", []byte("\n\n\r\n\r\n"))
	f.Fuzz(func(t *testing.T, method, target, name, value string, body []byte) {
		r := Request{Method: method, Target: target, Header: http.Header{name: {value, value}}, Body: body}
		if _, err := r.ParseRequest(body); err != nil {
			_ = err.Error()
		}
		if !token(method) || !token(name) || strings.ContainsAny(value+target, "\r\n\x00") || target == "" ||
			strings.HasSuffix(target, " HTTP/1.1") || strings.HasSuffix(target, " HTTP/1.0") {
			return
		}
		got, err := r.ParseRequest(r.Text())
		if err != nil || got.Method != method || got.Target != target || string(got.Body) != string(body) || cmp.Diff(got.Header, r.Header) != "" {
			t.Errorf("%+v became %+v, %v", r, got, err)
		}
	})
}
