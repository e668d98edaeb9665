package media

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/internal/peers"
)

func TestSecondOpinion(t *testing.T) {
	program := peers.Find(t, "ffprobe")
	path := filepath.Join(t.TempDir(), "-odd: name.mp4")
	tests := []struct {
		what, program string
		file          []byte
		note          string
	}{
		{"refused", program, join(el([]byte{0x1a, 0x45, 0xdf, 0xa3}, el([]byte{0x42, 0xf3}, []byte{9})), el(rawSegment, oneTrack, el(rawCluster, simpleBlock))), "ffprobe cannot read it: "},
		{"empty track", program, simple(mktrak(1, "soun", stsz(0), stsc(1, 1), stco(40)), mktrak(2, "vide", stsz(10), stsc(1, 1), stco(40))), "ffprobe sees an audio track, but it is empty"},
		{"no codec is given", program, simple(mktrak(1, "soun", stsz(10), stsc(1, 1), stco(40))), ""},
		{"program is missing", filepath.Join(t.TempDir(), "none"), simple(mktrak(1, "soun", stsz(10), stsc(1, 1), stco(40))), ""},
		{"agreed", program, knownFile(t, matroska, twoTracks, twoClusters), "named .mp4"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Checker{FFprobe: tt.program}.Check(t.Context(), path)
			t.Logf("%+v", got)
			if strings.Contains(got.Note, path) || (tt.note == "") != (got.Note == "") {
				t.Errorf("the note is %q", got.Note)
			}
			if err != nil || !strings.Contains(got.Note, tt.note) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Report{}
	Checker{FFprobe: program}.secondOpinion(ctx, path, &r)
	if r.Note != "" {
		t.Errorf("a stopped probe says %q", r.Note)
	}
}
