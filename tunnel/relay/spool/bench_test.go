package spool_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greenroom/tunnel/relay/spool"
)

// BenchmarkLargeBody is how fast one body of 64 MiB becomes durable, beside a bare file that is synced as often.
func BenchmarkLargeBody(b *testing.B) {
	raw := random(64 << 20)
	b.SetBytes(int64(len(raw)))
	dir := b.TempDir()
	s, err := spool.Open(spool.Options{Dir: dir, Quota: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.CreateToken(context.Background(), "laptop", false); err != nil {
		b.Fatal(err)
	}
	hook := s.HooksOf("laptop")[0].ID
	var spooled, bare time.Duration
	for b.Loop() {
		began := time.Now()
		p, err := s.Put(context.Background(), event(hook), bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			b.Fatal(err)
		}
		spooled += time.Since(began)
		if err := s.Stored(p); err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		f, err := os.Create(filepath.Join(dir, "bare"))
		if err != nil {
			b.Fatal(err)
		}
		for rest := raw; len(rest) > 0; rest = rest[spool.PieceSize:] {
			if _, err := f.Write(rest[:spool.PieceSize]); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		bare += time.Since(began)
	}
	b.ReportMetric(bare.Seconds()/spooled.Seconds(), "of-bare-file")
}
