package spool_test

import (
	"bytes"
	"testing"

	"greenroom/tunnel/relay/spool"
)

// FuzzRecord: a damaged file is refused, and what is read is what was written.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{1, 5, 0, 3, 'a', 'b', 'c', 'd'})
	f.Add([]byte{1, 255, 255, 255})
	f.Add([]byte{2, 5, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := spool.ParseRecord(raw)
		if err != nil {
			return
		}
		again, err := spool.ParseRecord(spool.AppendRecord(nil, r))
		if err != nil || !bytes.Equal(spool.AppendRecord(nil, again), spool.AppendRecord(nil, r)) {
			t.Fatalf("%x is read as %+v and then as %+v, %v", raw, r, again, err)
		}
	})
}
