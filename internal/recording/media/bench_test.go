package media

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// large makes a sparse faststart MP4 of about size bytes: an audio track of the given number of samples, one in each chunk, so
// that all three tables have as many entries.
func large(t testing.TB, size int64, samples int) string {
	t.Helper()
	each := uint32(size / int64(samples))
	table := func(kind string, head []byte, width int, entry func(b []byte, i int) []byte) []byte {
		body := make([]byte, 0, len(head)+samples*width)
		body = append(body, head...)
		for i := range samples {
			body = entry(body, i)
		}
		return mkbox(kind, body)
	}
	build := func(first uint64) []byte {
		return mkbox("moov", mvhd, mktrak(1, "soun",
			table("stsz", u32(0, 0, uint32(samples)), 4, func(b []byte, _ int) []byte { return binary.BigEndian.AppendUint32(b, each) }),
			table("stsc", u32(0, uint32(samples)), 12, func(b []byte, i int) []byte { return append(b, u32(uint32(i+1), 1, 1)...) }),
			table("co64", u32(0, uint32(samples)), 8, func(b []byte, i int) []byte {
				return binary.BigEndian.AppendUint64(b, first+uint64(i)*uint64(each))
			})))
	}
	first := uint64(len(ftyp) + len(build(0)) + 16)
	media := uint64(samples) * uint64(each)
	head := join(ftyp, build(first), u32(1), []byte("mdat"), u64(media+16))
	path := filepath.Join(t.TempDir(), "large.mp4")
	if err := os.WriteFile(path, head, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(first+media)); err != nil {
		t.Fatal(err)
	}
	return path
}

// Tables are streamed: a million entries of each take no more memory than a few do.
func TestLargeTablesAreStreamed(t *testing.T) {
	path := large(t, 1<<30, 1_000_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := Checker{}.Check(t.Context(), path)
	runtime.ReadMemStats(&after)
	if err != nil || !got.Audio {
		t.Fatalf("%+v, %v", got, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated for tables of 24 MB", n)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	if got, err := (Checker{}).Check(t.Context(), path); err == nil {
		t.Errorf("one byte less: %+v", got)
	}
}

// BenchmarkCheck is the check of a faststart MP4 of 1 GiB whose tables have a million entries each, which are 24 MB; beside it,
// reading those bytes.
func BenchmarkCheck(b *testing.B) {
	path := large(b, 1<<30, 1_000_000)
	b.Run("check", func(b *testing.B) {
		b.SetBytes(24_000_000)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (Checker{}).Check(context.Background(), path); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		buf := make([]byte, columnSize)
		b.SetBytes(24_000_000)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			for off := int64(0); off < 24_000_000; off += columnSize {
				if _, err := f.ReadAt(buf, off); err != nil {
					b.Fatal(err)
				}
			}
			f.Close()
		}
	})
}
