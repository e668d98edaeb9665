// Package wire is the relay's protocol, greenroom-relay.v1, on the WebSocket between a relay and its client.
//
// A message is one binary frame: type (1 byte), flags (1 byte), stream (8 bytes, big-endian), payload. A request travels as one
// EVENT with its metadata, DATA frames of at most [MaxData] bytes of its body, and END, all under one stream number that the
// relay chooses. Frames of several streams may be interleaved, so that a large request doesn't block a small one. Requests of one
// hook begin and are answered in the order of their (epoch, seq).
//
// The client confirms durable requests with STORED, cumulatively for each hook; only then may the relay delete them. RESP comes
// before the STORED that covers it. A request that is STORED without a RESP (the client had it already, from an earlier
// connection) is answered as spooled.
//
// Both sides skip frames of unknown types, unless [MustUnderstand] is set. Decoding ignores unknown fields, so that fields can be
// added.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Subprotocol is offered and required in the WebSocket handshake.
const Subprotocol = "greenroom-relay.v1"

// Path is the relay's path for clients.
const Path = "/v1/connect"

// Sizes in bytes.
const (
	// HeaderSize is the size before the payload.
	HeaderSize = 10
	// MaxData is the largest payload of DATA.
	MaxData = 64 << 10
	// MaxFrame limits every frame: EVENT carries up to 64 KiB of headers, HELLO and WELCOME a few hundred hooks.
	MaxFrame = 256 << 10
)

// Type is the type of a frame.
type Type uint8

// The types. Their numbers are the protocol's and never change.
const (
	// Hello opens the conversation, from the client: [HelloBody].
	Hello Type = 1
	// Welcome answers it: [WelcomeBody].
	Welcome Type = 2
	// Event begins a request: [EventBody] in its own encoding.
	Event Type = 3
	// Data is a piece of the body of the stream's request, in order.
	Data Type = 4
	// End completes the stream's request; it has no payload.
	End Type = 5
	// Stored confirms that the client has stored a hook's requests: [StoredBody].
	Stored Type = 6
	// Resp is the answer of the client's listener to the stream's request: [RespBody].
	Resp Type = 7
	// Credit lets the relay send more: [CreditBody].
	Credit Type = 8
	// Ping asks for a Pong with the same payload of 8 bytes. Either side sends it.
	Ping Type = 9
	Pong Type = 10
	// GoAway ends the connection with a reason: [GoAwayBody].
	GoAway Type = 11
	// Gap reports requests that the relay has dropped: [GapBody].
	Gap Type = 12
	// Err is a refusal: [ErrBody]. On stream 0 the connection ends with it.
	Err Type = 13
	// Depth reports how much waits at the relay, when that has changed: [DepthBody].
	Depth Type = 14
)

var names = map[Type]string{
	Hello: "HELLO", Welcome: "WELCOME", Event: "EVENT", Data: "DATA", End: "END", Stored: "STORED", Resp: "RESP",
	Credit: "CREDIT", Ping: "PING", Pong: "PONG", GoAway: "GOAWAY", Gap: "GAP", Err: "ERR", Depth: "DEPTH",
}

// String returns the type's name in the documentation.
func (t Type) String() string {
	if n, ok := names[t]; ok {
		return n
	}
	return fmt.Sprintf("TYPE-%d", uint8(t))
}

// Known reports whether this version knows the type.
func (t Type) Known() bool { _, ok := names[t]; return ok }

// MustUnderstand is the flag of a frame that a peer must not skip: if it doesn't know the type the connection ends.
const MustUnderstand uint8 = 1

// Frame is one message. Payload shares memory with the decoded bytes.
type Frame struct {
	Type    Type
	Flags   uint8
	Stream  uint64
	Payload []byte
}

// Errors of decoding. They mean that the peer speaks another protocol: the connection ends.
var (
	// ErrShort is returned for a frame that is cut short.
	ErrShort = errors.New("wire: a frame is cut short")
	// ErrLarge is returned for a frame larger than MaxFrame, or a field beyond its bound.
	ErrLarge = errors.New("wire: a frame is too large")
	// ErrUnknown is returned by Known for an unknown type with [MustUnderstand].
	ErrUnknown = errors.New("wire: a frame of an unknown type must be understood")
)

// Append appends the encoded frame to b.
func (f Frame) Append(b []byte) []byte {
	b = append(b, byte(f.Type), f.Flags)
	b = binary.BigEndian.AppendUint64(b, f.Stream)
	return append(b, f.Payload...)
}

// Decode decodes one message. A frame of an unknown type is returned for the caller to skip, or with [ErrUnknown] if it must be
// understood.
func Decode(b []byte) (Frame, error) {
	switch {
	case len(b) < HeaderSize:
		return Frame{}, ErrShort
	case len(b) > MaxFrame:
		return Frame{}, ErrLarge
	}
	f := Frame{Type: Type(b[0]), Flags: b[1], Stream: binary.BigEndian.Uint64(b[2:]), Payload: b[HeaderSize:]}
	switch {
	case f.Type == Data && len(f.Payload) > MaxData:
		return f, ErrLarge
	case !f.Type.Known() && f.Flags&MustUnderstand != 0:
		return f, fmt.Errorf("%w: %d", ErrUnknown, uint8(f.Type))
	}
	return f, nil
}

// JSON returns a frame whose payload is body as JSON. It is for every type but EVENT, DATA, END, PING and PONG.
func JSON(t Type, stream uint64, body any) (Frame, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return Frame{}, fmt.Errorf("wire: encode %s: %w", t, err)
	}
	if len(raw) > MaxFrame-HeaderSize {
		return Frame{}, fmt.Errorf("wire: encode %s: %w", t, ErrLarge)
	}
	return Frame{Type: t, Stream: stream, Payload: raw}, nil
}

// Body decodes the payload of a JSON frame.
func Body[T any](f Frame) (T, error) {
	var v T
	if err := json.Unmarshal(f.Payload, &v); err != nil {
		return v, fmt.Errorf("wire: decode %s: %w", f.Type, err)
	}
	return v, nil
}
