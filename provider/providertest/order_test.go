package providertest

import (
	"slices"
	"testing"
)

func TestOrderOfKeys(t *testing.T) {
	want := keys([]byte(`{"id":1,"data":{"id":"x","list":["a",{"b":2}],"c":true},"at":null}`))
	if got := []string{" id", " data", "  id", "  list", "    b", "  c", " at"}; !slices.Equal(want, got) {
		t.Fatalf("%q", want)
	}
	for body, ok := range map[string]bool{
		`{"id":1,"data":{"id":"x","c":true},"at":null}`: true, `{"id":1,"more":2,"data":{"list":[]},"at":0}`: true,
		`{"data":{"id":"x","c":true},"id":1,"at":null}`: false, `{"id":1,"data":{"c":true,"id":"x"},"at":null}`: false, `{"id":1}`: false, `no JSON`: false,
	} {
		if got := inOrder(keys([]byte(body)), want); got != ok {
			t.Errorf("%s: %t", body, got)
		}
	}
}
