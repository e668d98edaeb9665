package wire_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/tunnel/wire"
)

var sample = wire.EventBody{
	ID: "01JD", Hook: "h1", Epoch: 7, Seq: 300, ReceivedAt: time.UnixMicro(1750000000123456), Method: "POST",
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
		if _, err := wire.DecodeEvent(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for an event", n, len(whole))
		}
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
	if _, err := wire.JSON(wire.Hello, 0, string(make([]byte, wire.MaxFrame))); !errors.Is(err, wire.ErrLarge) {
		t.Errorf("a frame that nobody would take is made: %v", err)
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
