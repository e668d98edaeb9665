package jsonedit

import (
	"encoding/json"
	"testing"
)

func TestSetChangesOneValueOnly(t *testing.T) {
	const body = "{ \"b\":1.50, \"a\" : {\"x\":\"\\u00e9<&>\",\"l\":[1,2]} }\n"
	for assignment, want := range map[string]string{
		"b=2":              "{ \"b\":2, \"a\" : {\"x\":\"\\u00e9<&>\",\"l\":[1,2]} }\n",
		"a.x=Zoë & <Bo>":   "{ \"b\":1.50, \"a\" : {\"x\":\"Zoë & <Bo>\",\"l\":[1,2]} }\n",
		"a.x=\"q\"":        "{ \"b\":1.50, \"a\" : {\"x\":\"q\",\"l\":[1,2]} }\n",
		"a.l.1= {\"k\":1}": "{ \"b\":1.50, \"a\" : {\"x\":\"\\u00e9<&>\",\"l\":[1,{\"k\":1}]} }\n",
		"b=null":           "{ \"b\":null, \"a\" : {\"x\":\"\\u00e9<&>\",\"l\":[1,2]} }\n",
		"b=":               "{ \"b\":\"\", \"a\" : {\"x\":\"\\u00e9<&>\",\"l\":[1,2]} }\n",
		"a.y=a=b":          "{ \"b\":1.50, \"a\" : {\"x\":\"\\u00e9<&>\",\"l\":[1,2],\"y\":\"a=b\"} }\n",
	} {
		a, err := Parse(assignment)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Set([]byte(body), a)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", assignment, got, err)
		}
	}
	a, _ := Parse("new.deep.path=true")
	got, err := Set([]byte(body), a)
	if err != nil || !json.Valid(got) {
		t.Fatalf("%q, %v", got, err)
	}
	var v struct {
		New struct{ Deep struct{ Path bool } }
	}
	if err := json.Unmarshal(got, &v); err != nil || !v.New.Deep.Path {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWhatCantBeSet(t *testing.T) {
	for _, s := range []string{"", "=1", "path"} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
	a, _ := Parse("a.b=1")
	for _, body := range []string{"", "no json", `"text"`, "17", "{"} {
		if got, err := Set([]byte(body), a); err == nil {
			t.Errorf("%q became %q", body, got)
		}
	}
	for _, path := range []string{"a.#.b=1", "a*=1", "a.@reverse=1"} {
		a, err := Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Set([]byte(`{"a":[1]}`), a); err == nil && !json.Valid(got) {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func FuzzSet(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c"}]}`, "a.1.b=2")
	f.Add(`[]`, "-1=x")
	f.Fuzz(func(t *testing.T, body, assignment string) {
		a, err := Parse(assignment)
		if err != nil || len(assignment) > 1000 {
			return
		}
		before := body
		got, err := Set([]byte(body), a)
		if err == nil && !json.Valid(got) {
			t.Errorf("%q with %q is %q", body, assignment, got)
		}
		if before != body {
			t.Error("the body was changed in place")
		}
	})
}
