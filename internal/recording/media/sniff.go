package media

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// The containers of a [Report].
const (
	mp4      = "mp4"
	webm     = "webm"
	matroska = "matroska"
	other    = "other"
)

// sniffed is the number of bytes that [Sniff] reads.
const sniffed = 512

// Format is the format that the first bytes of a file announce.
type Format struct {
	// Container is as in [Report].
	Container string
	// Extension has a dot; it is empty if the bytes don't show it.
	Extension string
	// Markup means that it is HTML or XML: a web page or a bucket's refusal instead of a recording.
	Markup bool
	// Text means that it looks like text.
	Text bool
}

// boxesAtStart are the boxes that can begin an MP4 file.
var boxesAtStart = []string{"ftyp", "styp", "moov", "moof", "mdat", "sidx", "free", "skip", "wide", "pnot"}

// Sniff returns a file's format by its first 512 bytes.
func Sniff(head []byte) Format {
	head = head[:min(len(head), sniffed)]
	switch {
	case len(head) >= 8 && slices.Contains(boxesAtStart, string(head[4:8])):
		if len(head) >= 12 && string(head[4:12]) == "ftypM4A " {
			return Format{Container: mp4, Extension: ".m4a"}
		}
		return Format{Container: mp4, Extension: ".mp4"}
	case bytes.HasPrefix(head, []byte{0x1a, 0x45, 0xdf, 0xa3}):
		if docType(head) == webm {
			return Format{Container: webm, Extension: ".webm"}
		}
		return Format{Container: matroska, Extension: ".mkv"}
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE":
		return Format{Container: other, Extension: ".wav"}
	case bytes.HasPrefix(head, []byte("OggS")):
		return Format{Container: other, Extension: ".ogg"}
	case bytes.HasPrefix(head, []byte("fLaC")):
		return Format{Container: other, Extension: ".flac"}
	case bytes.HasPrefix(head, []byte("ID3")):
		return Format{Container: other, Extension: ".mp3"}
	case len(head) >= 7 && binary.BigEndian.Uint16(head)&0xfff6 == 0xfff0: // ADTS: twelve ones, layer 0
		return Format{Container: other, Extension: ".aac"}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	f := Format{Container: other, Text: len(text) > 0 && !bytes.ContainsFunc(text, func(r rune) bool { return r < 0x20 && !strings.ContainsRune("\t\r\n\f", r) })}
	switch {
	case f.Text && text[0] == '<':
		f.Markup = true
	case f.Text && (text[0] == '{' || text[0] == '['):
		f.Extension = ".json"
	}
	return f
}

// looks returns the format as the end of a sentence about a file that can't be checked.
func (f Format) looks() string {
	switch {
	case f.Markup:
		return "begins like a web page or an XML document"
	case f.Text:
		return "begins like text"
	case f.Extension != "":
		return "begins like " + f.Extension + ", which doesn't show whether it is complete"
	}
	return "is not MP4, WebM or Matroska"
}

// containerOf returns the container of an extension, empty for those of other formats.
func containerOf(ext string) string {
	switch ext {
	case ".mp4", ".m4a", ".m4v", ".mov":
		return mp4
	case ".webm", ".weba":
		return webm
	case ".mkv", ".mka":
		return matroska
	}
	return ""
}

// fits reports whether an extension suits a container. WebM is a kind of Matroska.
func fits(ext, container string) bool {
	promised := containerOf(ext)
	return promised == "" || promised == container || promised == matroska && container == webm
}
