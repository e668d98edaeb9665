package hub

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"greenroom/internal/app"
)

// importID identifies an event of a file by its number there, its time and everything in the request.
func importID(d app.Delivery) [16]byte {
	h := sha256.New()
	part := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	h.Write(binary.BigEndian.AppendUint64([]byte("import"), d.Seq))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(d.At.UnixNano())))
	for _, s := range []string{d.Account, d.Method, d.Target, string(d.Body)} {
		part(s)
	}
	names := make([]string, 0, len(d.Headers))
	for n := range d.Headers {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		part(n)
		for _, v := range d.Headers[n] {
			part(v)
		}
		part("")
	}
	return [16]byte(h.Sum(nil))
}
