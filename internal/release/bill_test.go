package main

import (
	"bytes"
	"testing"
)

// Two runs of the tool differ in the time and in the tool's own checksum; their bills don't.
func TestABillOfMaterialsHasNoTime(t *testing.T) {
	one := `{"metadata": {"timestamp": "2026-11-29T12:32:08Z", "tools": [{"name": "cyclonedx-gomod", "hashes": [{"alg": "MD5", "content": "1"}]}]}, "components": [{"name": "a", "version": "v1.2.3", "size": 12345678901234567890}]}`
	other := `{"metadata": {"timestamp": "2026-11-29T12:32:10Z", "tools": [{"name": "cyclonedx-gomod", "hashes": [{"alg": "MD5", "content": "2"}]}]}, "components": [{"name": "a", "version": "v1.2.3", "size": 12345678901234567890}]}`
	a, err := timeless([]byte(one))
	if err != nil {
		t.Fatal(err)
	}
	b, err := timeless([]byte(other))
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("%v\n%s\n%s", err, a, b)
	}
	for _, kept := range []string{`"cyclonedx-gomod"`, `"v1.2.3"`, "12345678901234567890"} {
		if !bytes.Contains(a, []byte(kept)) {
			t.Errorf("%s is missing:\n%s", kept, a)
		}
	}
	for _, wrong := range []string{"", "[]", "{}", `{"metadata": 1}`} {
		if out, err := timeless([]byte(wrong)); err == nil {
			t.Errorf("%q gave %s", wrong, out)
		}
	}
}
