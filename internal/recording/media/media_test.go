package media

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/provider/sandbox"
)

// checked is the verdict about bytes under a name.
func checked(t testing.TB, name string, b []byte) (Report, error) {
	t.Helper()
	return check(t.Context(), bytes.NewReader(b), int64(len(b)), name)
}

// length is the length in the headers of the files made by hand.
const length = 2 * time.Second

func TestMP4(t *testing.T) {
	audio := mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 2, 2, 1), stco(40, 70))
	sound := Report{Container: mp4, Audio: true, Duration: length}
	inFragments := sound
	inFragments.Fragmented = true
	one := fragmented(1)
	inOne := Report{Container: mp4, Audio: true, Fragmented: true, Duration: length}
	head := fragmented(0)
	tests := []struct {
		what string
		file []byte
		want Report
		// damage is part of the reason; empty for files that are whole.
		damage string
	}{
		{"media first", simple(audio), sound, ""},
		{"index first", faststart(mkbox("free", make([]byte, 300)), mkbox("mdat", make([]byte, 60))), sound, ""},
		{"64-bit size", join(ftyp, mkbig("mdat", make([]byte, 60)), mkbox("moov", mvhd, audio)), sound, ""},
		{"size to the end", faststart(mkopen("mdat", make([]byte, 60))), sound, ""},
		{"unknown boxes", join(mkbox("wide"), ftyp, mkbox("mdat", make([]byte, 60)), mkbox("Xtra", make([]byte, 9)), mkbox("moov", mkbox("\xa9xyz", []byte("?")), mvhd, mkbox("iods"), audio, mkbox("udta", u32(0)))), sound, ""},
		{"offsets of 64 bits", simple(mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 3), co64(40))), sound, ""},
		{"samples of one size", simple(mktrak(1, "soun", stszSame(2, 30), stsc(1, 15), stco(40, 70))), sound, ""},
		{"sizes of 4 bits", simple(mktrak(1, "soun", stz2(4, 3, 0x12, 0x30), stsc(1, 3), stco(40))), sound, ""},
		{"sizes of 8 bits", simple(mktrak(1, "soun", stz2(8, 3, 10, 20, 30), stsc(1, 3), stco(40))), sound, ""},
		{"sizes of 16 bits", simple(mktrak(1, "soun", stz2(16, 2, 0, 20, 0, 40), stsc(1, 3), stco(40))), sound, ""},
		{"no sample index", bytes.Replace(simple(audio), []byte("minf"), []byte("minx"), 1), Report{}, "no index of its samples"},
		{"silent picture", simple(mktrak(1, "vide", stsz(10), stsc(1, 1), stco(40))), Report{Container: mp4, Video: true, Duration: length, Note: "no audio"}, ""},
		{"audio track without samples", simple(mktrak(1, "vide", stsz(10), stsc(1, 1), stco(40)), mktrak(2, "soun", stsz(), stsc(), stco())), Report{Container: mp4, Video: true, Duration: length, Note: "no audio"}, ""},
		{"audio samples without bytes", simple(mktrak(1, "vide", stsz(10), stsc(1, 1), stco(40)), mktrak(2, "soun", stsz(0, 0), stsc(1, 2), stco(40))), Report{Container: mp4, Video: true, Duration: length, Note: "no audio"}, ""},
		{"what follows is no media", join(simple(audio), make([]byte, 100)), Report{Container: mp4, Audio: true, Duration: length, Note: "the data after byte 501 is not media"}, ""},
		{"version 1 of the headers", simple(mkbox("trak", mkbox("tkhd", u32(1<<24, 0, 0, 0, 0, 1, 0, 0, 2000)), mkbox("mdia", mkbox("mdhd", u32(1<<24, 0, 0, 0, 0, 1000, 0, 2000, 0)), mkbox("hdlr", u32(0, 0), []byte("soun")), mkbox("minf", mkbox("stbl", stsz(10), stsc(1, 1), stco(40)))))), sound, ""},
		{"unknown length", join(ftyp, mkbox("mdat", make([]byte, 60)), mkbox("moov", mkbox("mvhd", u32(0, 0, 0, 1000, 0xffffffff)), mkbox("trak", mkbox("mdia", mkbox("hdlr", u32(0, 0), []byte("soun")), mkbox("minf", mkbox("stbl", stsz(10), stsc(1, 1), stco(40))))))), Report{Container: mp4, Audio: true}, ""},

		{"no index", join(ftyp, mkbox("mdat", make([]byte, 60))), Report{Container: mp4}, "no index"},
		{"no track", simple(), Report{Container: mp4, Duration: length}, "has no media"},
		{"no sample", simple(mktrak(1, "soun", stsz(), stsc(), stco())), Report{Container: mp4, Duration: length}, "has no media: none of its 1 tracks"},
		{"chunk beyond the end", simple(mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 1), stco(40, 70, 600))), Report{}, "the audio track according to the index should end at 0.6 kB, the file ends at 0.5 kB"},
		{"offset beyond the end", simple(mktrak(1, "vide", stsz(10), stsc(1, 1), co64(1<<63))), Report{}, "the video track according to the index"},
		{"same size beyond the end", simple(mktrak(1, "soun", stszSame(0xffffffff, 0xffffffff), stsc(1, 0xffffffff), stco(40))), Report{}, "cut short"},
		{"media cut in a size to the end", join(ftyp, mkbox("moov", mvhd, mktrak(1, "soun", stsz(300), stsc(1, 1), stco(400))), mkopen("mdat", make([]byte, 200))), Report{}, "cut short"},
		{"samples in no chunk", simple(mktrak(1, "soun", stsz(1, 2, 3), stsc(1, 1), stco(40, 41))), Report{}, "1 samples of the audio track are in no chunk"},
		{"more samples than room", simple(mktrak(1, "soun", mkbox("stsz", u32(0, 0, 1<<30)), stsc(1, 1), stco(40))), Report{}, "more than fit into it"},
		{"more chunks than room", simple(mktrak(1, "soun", stsz(1), stsc(1, 1), mkbox("co64", u32(0, 1, 40)))), Report{}, "more than fit into it"},
		{"chunks out of order", simple(mktrak(1, "soun", stsz(1, 1), stsc(1, 1, 1, 1), stco(40, 41))), Report{}, "out of order"},
		{"chunks from zero", simple(mktrak(1, "soun", stsz(1), stsc(0, 1), stco(40))), Report{}, "out of order"},
		{"no chunk table", simple(mktrak(1, "soun", stsz(1), stsc(1, 1))), Report{}, "a table of the audio track is missing"},
		{"no run table", simple(mktrak(1, "soun", stsz(1), stco(40))), Report{}, "a table of the audio track is missing"},
		{"sizes of 5 bits", simple(mktrak(1, "soun", stz2(5, 1, 1), stsc(1, 1), stco(40))), Report{}, "5 bits"},
		{"short table", simple(mktrak(1, "soun", mkbox("stsz", u32(0)), stsc(1, 1), stco(40))), Report{}, "too short"},
		{"short header", simple(mkbox("trak", mkbox("tkhd"))), Report{}, "too short"},
		{"box beyond its parent", join(ftyp, mkbox("mdat", make([]byte, 60)), mkbox("moov", u32(4000), []byte("trak")), mkbox("free", make([]byte, 20))), Report{}, "extends beyond its container"},
		{"size below the header's", join(ftyp, u32(4), []byte("moov")), Report{}, "says that it has 4 bytes"},
		{"64-bit size of all ones", join(ftyp, u32(1), []byte("mdat"), u64(1<<64-1)), Report{}, "cut short"},
		{"64-bit size cut", join(ftyp, u32(1), []byte("mdat"), u32(0)), Report{}, "cut short"},
		{"cut in a header", join(simple(audio), u32(100)), Report{}, "ends in the header of a box"},
		{"hole over the media's header", holed(faststart(mkbox("mdat", make([]byte, 60))), 8, 68), Report{}, "no media data at byte"},
		{"hole from the media's header on", holed(faststart(mkbox("mdat", make([]byte, 60))), 68, 68), Report{}, "no media data at byte"},
		{"media data in another box", faststart(mkbox("free", make([]byte, 60))), Report{}, "no media data at byte"},
		{"chunk before the media data", simple(mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 2, 2, 1), stco(39, 70))), Report{}, "no media data at byte 39"},
		{"chunk that ends behind the media data", simple(mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 2, 2, 1), stco(40, 71))), Report{}, "no media data at byte 71"},
		{"media data in two boxes", join(ftyp, mkbox("free"), mkbox("mdat", make([]byte, 30)), mkbox("mdat", make([]byte, 30)), mkbox("moov", mvhd, mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 2, 2, 1), stco(40, 78)))), sound, ""},
		{"hole over a track", join(ftyp, mkbox("free"), mkbox("mdat", make([]byte, 60)), mkbox("moov", mvhd, audio, make([]byte, len(audio)))), Report{}, "garbled: no box begins"},
		{"hole before the index", join(ftyp, make([]byte, 4000), mkbox("moov", mvhd, audio)), Report{}, "no box begins there"},

		{"one fragment", one, inOne, ""},
		{"many fragments", fragmented(9), Report{Container: mp4, Audio: true, Fragmented: true, Duration: 9 * 1500 * time.Millisecond}, ""},
		{"fragment of an unknown track", join(one, moof(7, trunDataOffset|trunSampleSize, 1, 10), mkbox("mdat", make([]byte, 30))), inOne, ""},
		{"the track's data follows the one before", join(head,
			mkbox("moof",
				mkbox("traf", mkbox("tfhd", u32(tfhdSize, 1, 10)), mkbox("trun", u32(trunDataOffset, 3, 100+8))),
				mkbox("traf", mkbox("tfhd", u32(tfhdSize, 1, 10)), mkbox("trun", u32(0, 2)))),
			mkbox("mdat", make([]byte, 50))), Report{Container: mp4, Audio: true, Fragmented: true, Duration: 2500 * time.Millisecond}, ""},
		{"offset from the file's beginning", join(head,
			mkbox("moof", mkbox("traf", mkbox("tfhd", u32(tfhdBaseOffset|tfhdDescription|tfhdDuration|tfhdSize|tfhdFlags, 1, 0, uint32(len(head)+84), 1, 1000, 7, 0)), mkbox("trun", u32(trunFirstFlags, 4, 0)))),
			mkbox("mdat", make([]byte, 28))), Report{Container: mp4, Audio: true, Fragmented: true, Duration: 4 * time.Second}, ""},
		{"every field of a sample", join(head,
			moof(1, trunDataOffset|trunFirstFlags|trunPerSample, 2, 0, 700, 10, 0, 0, 800, 20, 0, 0), mkbox("mdat", make([]byte, 30))), inOne, ""},
		{"fragment's media before the media data", join(head, moof(1, trunDataOffset|trunSampleSize, 1, 10), mkbox("free", make([]byte, 10)), mkbox("mdat", make([]byte, 30))), Report{}, "where the index has a fragment's media data"},
		{"only the index", head, Report{Container: mp4, Fragmented: true, Duration: length}, "has no media"},
		{"fragment without its media", one[:len(one)-38], Report{}, "the media data of a fragment should end"},
		{"fragment's media cut", one[:len(one)-1], Report{}, "cut short"},
		{"hole behind a fragment", join(one, make([]byte, 500)), Report{}, "garbled or incomplete from byte"},
		{"fragment first", join(ftyp, one[len(head):], mkbox("moov", mvhd)), Report{}, "beginning is missing"},
		{"more samples in a run than room", join(head, moof(1, trunSampleSize, 1<<31, 10)), Report{}, "more than fit into it"},
		{"samples of a default size beyond the end", join(head, mkbox("moof", mkbox("traf", mkbox("tfhd", u32(tfhdSize, 1, 1<<31)), mkbox("trun", u32(0, 1<<31))))), Report{}, "cut short"},
		{"data before the file", join(head, mkbox("moof", mkbox("traf", mkbox("tfhd", u32(tfhdSize, 1, 10)), mkbox("trun", u32(trunDataOffset, 1, 1<<31))))), Report{}, "cut short"},
		{"run without a track", join(head, mkbox("moof", mkbox("traf", mkbox("trun", u32(0, 0))))), Report{}, "which track"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) { verdict(t, "x.mp4", tt.file, tt.want, tt.damage) })
	}
}

// A file cut between two fragments is damaged when its segment index lists more than there is. The index may be of two versions,
// and stand at the beginning or behind the header.
func TestSegmentsMissingAtTheEnd(t *testing.T) {
	whole := fragmented(3)
	first := len(fragmented(0))
	each := uint32(len(whole)-first) / 3
	for what, file := range map[string][]byte{
		"version 0":         join(whole[:first], sidx(0, 0, each, each, each), whole[first:]),
		"version 1":         join(whole[:first], sidx(1, 0, each, each, each), whole[first:]),
		"first in the file": join(ftyp, sidx(0, uint32(first-len(ftyp)), each, 1<<31|each, each), whole[len(ftyp):]),
	} {
		if got, err := checked(t, "x.mp4", file); err != nil || !got.Fragmented {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		for n := range file {
			if _, err := checked(t, "x.mp4", file[:n]); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s cut at byte %d of %d: %v", what, n, len(file), err)
			}
		}
	}
	for what, index := range map[string][]byte{
		"beyond the end": sidx(0, 1<<31, 0), "too short": mkbox("sidx", u32(0, 1, 1000)), "no room": mkbox("sidx", u32(0, 1, 1000, 0, 0, 7)),
		"no room in version 1": mkbox("sidx", u32(1<<24, 1, 1000, 0, 0)),
	} {
		if _, err := checked(t, "x.mp4", join(whole[:first], index, whole[first:])); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// verdict compares what is found with what is wanted. Reports beside a damage are compared when there is one.
func verdict(t *testing.T, name string, file []byte, want Report, reason string) {
	t.Helper()
	got, err := checked(t, name, file)
	switch {
	case reason == "" && err != nil:
		t.Fatal(err)
	case reason != "" && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), reason)):
		t.Fatalf("%v, not %q; %+v", err, reason, got)
	case reason != "" && want == (Report{}):
		return
	case got != want:
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A small MP4 cut anywhere is damaged, except between two boxes behind the last that matters.
func TestEveryCutOfMP4(t *testing.T) {
	audio := mktrak(1, "soun", stsz(10, 20, 30), stsc(1, 2, 2, 1), stco(40, 70))
	for what, file := range map[string][]byte{"plain": simple(audio), "sandbox's": sandbox.Media(time.Second)} {
		if _, err := checked(t, "x.mp4", file); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for n := range file {
			if _, err := checked(t, "x.mp4", file[:n]); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s cut at byte %d of %d: %v", what, n, len(file), err)
			}
		}
	}
	// Fragments can be missing at the end of a live file. All other cuts are seen.
	file, whole := fragmented(3), map[int]bool{}
	first := len(fragmented(0))
	each := (len(file) - first) / 3
	whole[first+each], whole[first+2*each] = true, true
	for n := range file {
		if _, err := checked(t, "x.mp4", file[:n]); (err == nil) != whole[n] {
			t.Errorf("fragments cut at byte %d of %d: %v", n, len(file), err)
		}
	}
}

func TestOtherFiles(t *testing.T) {
	const page = "\ufeff\r\n<!DOCTYPE html><title>Sign in</title>"
	wav := join([]byte("RIFF"), u32(0x24), []byte("WAVEfmt "), make([]byte, 40))
	adts := join([]byte{0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc}, make([]byte, 40))
	movie := simple(mktrak(1, "soun", stsz(10), stsc(1, 1), stco(40)))
	m4a := bytes.Replace(movie, []byte("ftypisom"), []byte("ftypM4A "), 1)
	tests := []struct {
		name, ext    string
		file         []byte
		note, damage string
	}{
		{"a.mp4", "", nil, "", "the file is empty"},
		{"a.mp4", "", []byte(page), "", "named .mp4 but isn't one: it begins like a web page"},
		{"a.MP4.part", "", []byte(page), "", "named .mp4 but isn't one"},
		{"a.webm", "", []byte(`<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>`), "", "named .webm but isn't one"},
		{"a.mkv", ".json", []byte(`{"error":"not found"}`), "", "begins like text"},
		{"a.mp4", "", []byte{0}, "", "is not MP4, WebM or Matroska"},
		{"1750000000123-cam-audio", "", []byte(page), "", "the file is not a recording: it begins like a web page"},
		{"a.aac", "", []byte(page), "", "the file is not a recording"},
		{"a.aac", ".aac", adts, "not checked: it begins like .aac", ""},
		{"a.wav", ".wav", wav, "not checked: it begins like .wav", ""},
		{"a.wav.part", ".wav", wav, "not checked: it begins like .wav", ""},
		{"a.ogg", ".ogg", []byte("OggS...."), "not checked", ""},
		{"a.flac", ".flac", []byte("fLaC...."), "not checked", ""},
		{"a.mp3", ".mp3", []byte("ID3....."), "not checked", ""},
		{"x.event.json", ".json", []byte(`{"a":1}`), "not checked: it begins like text", ""},
		{"x.html", "", []byte(page), "not checked: it begins like a web page", ""},
		{"x", "", []byte{1, 2, 3}, "not checked: it is not MP4", ""},
		{"x", ".mp4", movie, "", ""},
		{"x.m4a.part", ".m4a", m4a, "", ""},
		{"x.webm", ".mp4", movie, "named .webm, but the content is mp4", ""},
		{"x.mkv", ".webm", knownFile(t, webm, twoTracks, twoClusters), "", ""},
		{"x.webm", ".mkv", knownFile(t, matroska, twoTracks, twoClusters), "named .webm, but the content is matroska", ""},
	}
	for _, tt := range tests {
		got, err := checked(t, tt.name, tt.file)
		if tt.damage != "" {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.damage) {
				t.Errorf("%s: %v, not %q", tt.name, err, tt.damage)
			}
		} else if err != nil || !strings.Contains(got.Note, tt.note) || (tt.note == "") != (got.Note == "") {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
		if f := Sniff(tt.file); f.Extension != tt.ext {
			t.Errorf("%s %.20q: the extension is %q", tt.name, tt.file, f.Extension)
		}
	}
}

func TestCheckOfWhatIsNoFile(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]error{folder: nil, filepath.Join(folder, "none.mp4"): os.ErrNotExist} {
		_, err := Check(t.Context(), path)
		if err == nil || errors.Is(err, ErrDamaged) || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCheckCanBeStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, b := range [][]byte{
		join(ftyp, bytes.Repeat(mkbox("free"), 10000)),
		join([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x80}, bytes.Repeat([]byte{0xec, 0x80}, 10000)),
	} {
		if _, err := check(ctx, bytes.NewReader(b), int64(len(b)), "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("%.8x: %v", b, err)
		}
	}
}

// What can't be read is not damaged.
func TestReadErrorIsNoDamage(t *testing.T) {
	b := simple(mktrak(1, "soun", stsz(10), stsc(1, 1), stco(40)))
	_, err := check(t.Context(), bytes.NewReader(b), int64(len(b))+100000, "x.mp4") // it has shrunk meanwhile
	if err == nil || errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}
