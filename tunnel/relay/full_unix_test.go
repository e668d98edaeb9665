//go:build unix

package relay_test

import (
	"os"
	"path/filepath"
	"testing"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/tunneltest"
)

// TestTheDiskIsFull: senders get 503 with Retry-After, clients get what is stored, and once there is room everything continues. A
// limit on the size of files makes writes fail as on a full disk.
func TestTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, relay.Options{Dir: dir, Policy: spool.PolicyAck})
	b.fill(t, b.hook.ID, "before")
	info, err := os.Stat(filepath.Join(dir, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	free := tunneltest.FullDisk(t, uint64(max(info.Size(), 1<<20)))
	accepted := 1
	for range 30 {
		status, _, h := b.post(t, b.hook.ID, "", long(1<<20))
		if status == 200 {
			accepted++
			continue
		}
		if status != 503 || h.Get("Retry-After") == "" {
			t.Fatalf("a sender hears %d, again in %q", status, h.Get("Retry-After"))
		}
		break
	}
	if accepted == 31 {
		t.Fatal("the disk isn't full")
	}
	free()
	b.fill(t, b.hook.ID, "after")
	p, _ := b.join(t)
	var last request
	seen := map[string]int{}
	for range accepted + 1 {
		r := p.request()
		if r.Seq > last.Seq {
			last = r
		}
		seen[string(r.body[:min(len(r.body), 6)])]++
	}
	if seen["before"] != 1 || seen["after"] != 1 || string(last.body) != "after" {
		t.Errorf("%v come", seen)
	}
	p.stored(last)
	eventually(t, "nothing waits", func() bool { return b.depth(t) == 0 })
}
