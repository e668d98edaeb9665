package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"greenroom/internal/recording"
)

// Early versions, which kept no digests, could complete a file although one of its chunks had never arrived. The whole chunk is then
// zeros. The size of chunks follows from the file's size and the number of workers.

const (
	// workersMost is the largest number of workers that can be configured.
	workersMost = 16
	// holeLeast is the shortest run of zeros that counts over a whole chunk: the last chunk of a file can be short. longRun counts
	// anywhere: a part of a chunk may have arrived, and compressed media has no such runs.
	holeLeast = 32
	longRun   = 1 << 20
)

// Scan reads a file of the given size to its end. A hole is only a suspicion: the file may have the same zeros at its source, see
// [Filled].
func Scan(ctx context.Context, r io.Reader, size int64) (recording.Scanned, error) {
	zeros := &zeroRuns{size: size}
	got, err := sumOf(ctx, io.TeeReader(r, zeros), "", 0)
	zeros.end()
	return recording.Scanned{Size: got.size, SHA256: got.sha256, Holes: zeros.holes}, err
}

// zeroRuns finds the runs of zeros in the bytes written to it.
type zeroRuns struct {
	size  int64
	off   int64 // of the next byte
	run   int64 // the number of zeros before it
	holes []recording.Hole
}

// zeroBlock is compared with each block.
var zeroBlock [4 << 10]byte

func (z *zeroRuns) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		block := rest[:min(len(rest), len(zeroBlock))]
		rest = rest[len(block):]
		if bytes.Equal(block, zeroBlock[:len(block)]) {
			z.run, z.off = z.run+int64(len(block)), z.off+int64(len(block))
			continue
		}
		for _, c := range block {
			if c != 0 {
				z.end()
			} else {
				z.run++
			}
			z.off++
		}
	}
	return len(b), nil
}

// end ends the present run, and keeps it if it may be a hole.
func (z *zeroRuns) end() {
	if z.run >= holeLeast && missed(z.off-z.run, z.off, z.size) {
		z.holes = append(z.holes, recording.Hole{Off: z.off - z.run, Len: z.run})
	}
	z.run = 0
}

// missed reports whether the zeros of a file from off to end may be a chunk that never arrived.
func missed(off, end, size int64) bool {
	if end-off >= longRun {
		return true
	}
	for workers := 1; workers <= workersMost; workers++ {
		chunk := chunkSize(size, DefaultChunk, workers)
		first := (off + chunk - 1) / chunk * chunk
		if first < size && min(first+chunk, size) <= end && min(chunk, size-first) >= holeLeast {
			return true
		}
	}
	return false
}

// Filled reports whether the source has non-zero bytes in one of the holes. The error is [recording.ErrChanged] if its file doesn't
// have the given size.
func Filled(ctx context.Context, s recording.Source, size int64, holes []recording.Hole) (bool, error) {
	id, err := s.Identify(ctx)
	if err != nil {
		return false, err
	}
	if id.Size != size {
		return false, fmt.Errorf("%w: it has %d bytes there", recording.ErrChanged, id.Size)
	}
	for _, h := range holes {
		if full, err := filled(ctx, s, id, h); full || err != nil {
			return full, err
		}
	}
	return false, nil
}

func filled(ctx context.Context, s recording.Source, id recording.Identity, h recording.Hole) (bool, error) {
	body, err := s.Open(ctx, id, h.Off, h.Len)
	if err != nil {
		if body != nil {
			body.Close()
		}
		return false, err
	}
	defer body.Close()
	buf, n := make([]byte, len(zeroBlock)), int64(0)
	for n < h.Len {
		got, err := body.Read(buf)
		if !bytes.Equal(buf[:got], zeroBlock[:got]) {
			return true, nil
		}
		n += int64(got)
		if err != nil && (err != io.EOF || n < h.Len) {
			return false, fmt.Errorf("the connection ended early: %w", err)
		}
	}
	return false, nil
}
