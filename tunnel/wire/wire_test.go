package wire_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/cursor"
	"greenroom/tunnel/wire"
)

var sample = wire.EventBody{
	ID: "01JD", Position: cursor.Position{Hook: "h1", Epoch: 7, Seq: 300}, ReceivedAt: time.UnixMicro(1750000000123456), Method: "POST",
	Target: "/hooks/daily?a=%00\xff", Remote: "203.0.113.9:1234",
	Header: http.Header{"X-A": {"1", "", "\xff\xfe"}, "Host": {"gr.example"}}, Length: 3, SHA256: sha256.Sum256([]byte("abc")),
}

func TestEventsTravelExactly(t *testing.T) {
	got, err := wire.DecodeEvent(append(sample.Append(nil), "what a later version adds"...))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sample, got); d != "" {
		t.Error(d)
	}
}

func TestEventsCutShortAreRefused(t *testing.T) {
	whole := sample.Append(nil)
	for n := range whole {
		if _, err := wire.DecodeEvent(whole[:n]); !errors.Is(err, wire.ErrShort) {
			t.Fatalf("%d of %d bytes are an event: %v", n, len(whole), err)
		}
	}
	if _, err := wire.DecodeEvent(whole); err != nil {
		t.Errorf("an event without anything behind it: %v", err)
	}
}

// TestTheBoundsOfAnEvent: values at a bound are decoded, larger ones aren't.
func TestTheBoundsOfAnEvent(t *testing.T) {
	lines := func(n int) wire.EventBody { e := sample; e.Header = http.Header{"A": make([]string, n)}; return e }
	length := func(n int64) wire.EventBody { e := sample; e.Length = n; return e }
	for _, test := range []struct {
		name  string
		event wire.EventBody
		want  error
	}{
		{"as many lines as there may be", lines(4096), nil},
		{"a line more", lines(4097), wire.ErrLarge},
		{"no lines", lines(0), nil},
		{"as long a body as there may be", length(1 << 40), nil},
		{"a byte more", length(1<<40 + 1), wire.ErrLarge},
		{"a body of no known length", length(-1), nil},
	} {
		e, err := wire.DecodeEvent(test.event.Append(nil))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if err == nil && e.Length != max(test.event.Length, 0) {
			t.Errorf("%s: a length of %d", test.name, e.Length)
		}
	}
	early := sample
	early.ReceivedAt = time.UnixMicro(0)
	if e, err := wire.DecodeEvent(early.Append(nil)); err != nil || !e.ReceivedAt.Equal(early.ReceivedAt) {
		t.Errorf("received in 1970: %v, %v", e.ReceivedAt, err)
	}
	early.ReceivedAt = time.UnixMicro(-1)
	if e, err := wire.DecodeEvent(early.Append(nil)); err != nil || e.ReceivedAt.UnixMicro() != 0 {
		t.Errorf("received before: %v, %v", e.ReceivedAt, err)
	}
	// A checksum of another length, where the sample's is.
	whole := sample.Append(nil)
	odd := append(whole[:len(whole)-33:len(whole)-33], 31)
	odd = append(odd, whole[len(whole)-31:]...)
	if _, err := wire.DecodeEvent(odd); err == nil || errors.Is(err, wire.ErrShort) {
		t.Errorf("a checksum of 31 bytes: %v", err)
	}
}

func TestFrames(t *testing.T) {
	f := wire.Frame{Type: wire.Data, Stream: 1<<63 + 5, Payload: []byte("body")}
	got, err := wire.Decode(f.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f, got); d != "" {
		t.Error(d)
	}
	for _, test := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"nothing", nil, wire.ErrShort},
		{"half a header", make([]byte, wire.HeaderSize-1), wire.ErrShort},
		{"a header alone", make([]byte, wire.HeaderSize), nil},
		{"the largest frame", make([]byte, wire.MaxFrame), nil},
		{"the largest data", wire.Frame{Type: wire.Data, Payload: make([]byte, wire.MaxData)}.Append(nil), nil},
		{"as much of another type", wire.Frame{Type: wire.Event, Payload: make([]byte, wire.MaxData+1)}.Append(nil), nil},
		{"a known type that matters", wire.Frame{Type: wire.End, Flags: wire.MustUnderstand}.Append(nil), nil},
		{"a large frame", make([]byte, wire.MaxFrame+1), wire.ErrLarge},
		{"large data", wire.Frame{Type: wire.Data, Payload: make([]byte, wire.MaxData+1)}.Append(nil), wire.ErrLarge},
		{"an unknown type", wire.Frame{Type: 200}.Append(nil), nil},
		{"an unknown type that matters", wire.Frame{Type: 200, Flags: wire.MustUnderstand}.Append(nil), wire.ErrUnknown},
	} {
		if _, err := wire.Decode(test.raw); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestBodies(t *testing.T) {
	f, err := wire.JSON(wire.Stored, 0, wire.StoredBody{Hook: "h", Epoch: 1<<64 - 1, Seq: 1<<64 - 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := wire.Body[wire.StoredBody](f)
	if err != nil || got.Epoch != 1<<64-1 || got.Seq != 1<<64-2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := wire.Body[wire.StoredBody](wire.Frame{Type: wire.Stored, Payload: []byte("{")}); err == nil {
		t.Error("half a body is taken")
	}
	largest := strings.Repeat("x", wire.MaxFrame-wire.HeaderSize-2) // with its quotes it fills the frame
	if f, err := wire.JSON(wire.Hello, 0, largest); err != nil || len(f.Append(nil)) != wire.MaxFrame {
		t.Errorf("the largest frame: %v", err)
	}
	if _, err := wire.JSON(wire.Hello, 0, largest+"x"); !errors.Is(err, wire.ErrLarge) {
		t.Errorf("a frame a byte larger: %v", err)
	}
	if _, err := wire.JSON(wire.Hello, 0, string(make([]byte, wire.MaxFrame))); !errors.Is(err, wire.ErrLarge) {
		t.Errorf("a frame beyond the limit is made: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(wire.Frame{Type: wire.Event, Stream: 1, Payload: sample.Append(nil)}.Append(nil))
	f.Add([]byte{byte(wire.Stored), 0, 0, 0, 0, 0, 0, 0, 0, 0, '{', '}'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := wire.Decode(raw)
		if err != nil {
			return
		}
		if again := frame.Append(nil); !bytes.Equal(again, raw) {
			t.Fatalf("%x became %x", raw, again)
		}
		if frame.Type != wire.Event {
			return
		}
		e, err := wire.DecodeEvent(frame.Payload)
		if err != nil {
			return
		}
		back, err := wire.DecodeEvent(e.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, back); d != "" {
			t.Fatal(d)
		}
	})
}

func TestTypes(t *testing.T) {
	for n := range 256 {
		kind := wire.Type(n)
		if known := n >= 1 && n <= 14; kind.Known() != known || strings.HasPrefix(kind.String(), "TYPE-") == known {
			t.Errorf("type %d: %t, %s", n, kind.Known(), kind)
		}
	}
}
