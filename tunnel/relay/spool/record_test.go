package spool_test

import (
	"bytes"
	"testing"

	"greenroom/tunnel/relay/spool"
)

// A record that is cut off, of another version, or whose metadata would be longer than it is, is refused.
func TestDamagedRecords(t *testing.T) {
	whole := []byte{1, 5, 0, 3, 'a', 'b', 'c'}
	if _, err := spool.ParseRecord(whole); err != nil {
		t.Fatal(err)
	}
	damaged := [][]byte{{2, 5, 0, 3, 'a', 'b', 'c'}, {1, 5, 0, 4, 'a', 'b', 'c'}, {1, 0x80}, bytes.Repeat([]byte{0xff}, 12)}
	for n := range whole {
		damaged = append(damaged, whole[:n])
	}
	for _, raw := range damaged {
		if r, err := spool.ParseRecord(raw); err == nil {
			t.Errorf("%x is read as %+v", raw, r)
		}
	}
}

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
