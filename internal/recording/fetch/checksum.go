package fetch

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strings"
)

// nvme is the polynomial of CRC-64/NVME with its bits reversed, as hash/crc64 expects it.
const nvme = 0x9a6c9329ac4bc9b5

// newHash returns the hash of an [recording.Identity]'s algorithm, nil if it is unknown.
func newHash(algorithm string) hash.Hash {
	switch strings.ToLower(algorithm) {
	case "sha256":
		return sha256.New()
	case "sha1":
		return sha1.New()
	case "md5":
		return md5.New()
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(nvme))
	}
	return nil
}

// sums are the checksums of a file.
type sums struct {
	// sha256 is in hexadecimal. own is the checksum by the source's algorithm, in base64; empty if that is unknown.
	sha256, own string
	size        int64
	// chunks has sumSize bytes of the SHA-256 of each chunk.
	chunks []byte
}

// sumOf reads r to its end. Unless the chunk size is zero, it also computes the chunks' digests.
func sumOf(ctx context.Context, r io.Reader, algorithm string, chunk int64) (sums, error) {
	main, own, part := sha256.New(), newHash(algorithm), sha256.New()
	buf := make([]byte, 1<<20)
	var s sums
	for {
		if err := ctx.Err(); err != nil {
			return sums{}, context.Cause(ctx)
		}
		n, err := r.Read(buf)
		main.Write(buf[:n])
		if own != nil {
			own.Write(buf[:n])
		}
		for rest := buf[:n]; chunk > 0 && len(rest) > 0; {
			fits := min(int64(len(rest)), chunk-s.size%chunk)
			part.Write(rest[:fits])
			rest, s.size = rest[fits:], s.size+fits
			if s.size%chunk == 0 {
				s.chunks = append(s.chunks, digest(part)...)
				part.Reset()
			}
		}
		if chunk <= 0 {
			s.size += int64(n)
		}
		if err == io.EOF {
			if chunk > 0 && s.size%chunk > 0 {
				s.chunks = append(s.chunks, digest(part)...)
			}
			break
		}
		if err != nil {
			return sums{}, err
		}
	}
	s.sha256 = hex.EncodeToString(main.Sum(nil))
	if own != nil {
		s.own = base64.StdEncoding.EncodeToString(own.Sum(nil))
	}
	return s, nil
}
