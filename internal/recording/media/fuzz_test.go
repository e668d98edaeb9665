package media

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// fuzzed checks what holds of every file: the check ends without a panic, an error is a verdict (a file in memory can always
// be read), and the same bytes get the same verdict.
func fuzzed(t *testing.T, b []byte) {
	got, err := check(context.Background(), bytes.NewReader(b), int64(len(b)), "x")
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Fatalf("not a verdict: %v", err)
	}
	again, err2 := check(context.Background(), bytes.NewReader(b), int64(len(b)), "x")
	if again != got || (err == nil) != (err2 == nil) {
		t.Fatalf("%+v, %v and then %+v, %v", got, err, again, err2)
	}
	if got.Duration < 0 {
		t.Fatalf("a length of %s", got.Duration)
	}
}

func FuzzMP4(f *testing.F) {
	audio := mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 2, 2, 1), stco(40, 70))
	f.Add(simple(audio))
	f.Add(fragmented(3))
	f.Add(simple(mktrak(1, "soun", stz2(4, 3, 0x12, 0x30), stsc(1, 3), co64(40))))
	f.Add(join(ftyp, mkbig("mdat", make([]byte, 60)), mkbox("moov", mvhd, audio)))
	f.Add(join(ftyp, mkbox("moov", mvhd, mktrak(1, "soun", stszSame(9, 9), stsc(1, 9), stco(400))), mkopen("mdat", make([]byte, 200))))
	f.Fuzz(func(t *testing.T, b []byte) { fuzzed(t, b) })
}

func FuzzMatroska(f *testing.F) {
	f.Add(knownFile(f, webm, twoTracks, twoClusters[1:]))
	f.Add(liveFile(f, twoTracks, twoClusters[1:]))
	f.Add(join(ebmlHeader, elOpen(rawSegment, oneTrack, elOpen(rawCluster, rawTime, simpleBlock), elOpen(rawCluster, simpleBlock), el(rawTags, []byte{}))))
	f.Add(join(ebmlHeader, el(rawSegment, el([]byte{0xec}, make([]byte, 30)), oneTrack, el(rawCluster, rawTime, simpleBlock))))
	f.Fuzz(func(t *testing.T, b []byte) { fuzzed(t, b) })
}

func FuzzSniff(f *testing.F) {
	f.Add(ftyp)
	f.Add([]byte("<html>"))
	f.Add([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x84, 0x42, 0x82, 0x84, 'w', 'e', 'b', 'm'})
	f.Fuzz(func(t *testing.T, b []byte) {
		switch got := Sniff(b); {
		case got.Container != mp4 && got.Container != webm && got.Container != matroska && got.Container != other:
			t.Errorf("%+v", got)
		case got.Container != other && got.Extension == "":
			t.Errorf("%+v", got)
		}
	})
}
