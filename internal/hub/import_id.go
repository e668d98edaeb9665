package hub

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"greenroom/internal/app"
)

// importID returns an id of an event of a file, from its number in the file, its time and its request.
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
	for _, n := range slices.Sorted(maps.Keys(d.Headers)) {
		part(n)
		for _, v := range d.Headers[n] {
			part(v)
		}
		part("")
	}
	return [16]byte(h.Sum(nil))
}
