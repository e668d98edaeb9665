package sqs

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

// A message is "gr1." and the base64 (RFC 4648, unpadded) of: the length of the metadata as an unsigned varint, the metadata
// ([wire.EventBody]), one byte for the encoding of the body, and the body. A reader that doesn't know the prefix or the byte leaves the
// message in the queue.
const (
	prefix = "gr1."

	asItIs   = 0
	deflated = 1
	// deflateFrom is the size of the smallest body that is deflated, in bytes.
	deflateFrom = 1 << 10
	// maxBody is the largest body that is read, in bytes: no listener accepts more.
	maxBody = 25 << 20
)

// errUnreadable is returned for a message in an unknown form.
var errUnreadable = errors.New("sqs: the message was not written by a relay that this version knows")

// encode returns the text of a request's message.
func encode(e tunnel.Envelope) (string, error) {
	meta := wire.EventBody{
		ID: e.ID, Position: cursor.Position{Hook: e.Hook}, ReceivedAt: e.ReceivedAt, Method: e.Method, Target: e.Target, Remote: e.Remote, Header: e.Header,
		Length: int64(len(e.Body)), SHA256: sha256.Sum256(e.Body),
	}.Append(nil)
	how, body := byte(asItIs), e.Body
	if len(body) >= deflateFrom {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestSpeed)
		if err != nil {
			return "", err
		}
		if _, err := w.Write(body); err != nil {
			return "", err
		} else if err := w.Close(); err != nil {
			return "", err
		}
		if b.Len() < len(body) {
			how, body = deflated, b.Bytes()
		}
	}
	raw := slices.Concat(binary.AppendUvarint(nil, uint64(len(meta))), meta, []byte{how}, body)
	return prefix + base64.RawStdEncoding.EncodeToString(raw), nil
}

// decode parses a message. Hook, Epoch and Seq are set by the caller, and Missing if the body is damaged or too large. An error wraps
// errUnreadable.
func decode(text string) (tunnel.Envelope, error) {
	bad := func(format string, a ...any) (tunnel.Envelope, error) {
		return tunnel.Envelope{}, fmt.Errorf("%w: %w", errUnreadable, fmt.Errorf(format, a...))
	}
	coded, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return bad("it doesn't begin with %s", prefix)
	}
	raw, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil {
		return bad("%w", err)
	}
	n, size := binary.Uvarint(raw)
	if size <= 0 || n >= uint64(len(raw)-size) {
		return bad("its metadata are cut short")
	}
	meta, rest := raw[size:size+int(n)], raw[size+int(n):]
	e, err := wire.DecodeEvent(meta)
	if err != nil {
		return bad("%w", err)
	}
	out := tunnel.Envelope{
		ID: e.ID, ReceivedAt: e.ReceivedAt, Method: e.Method, Target: e.Target, Remote: e.Remote, Header: e.Header,
	}
	how, body := rest[0], rest[1:]
	switch {
	case how != asItIs && how != deflated:
		return bad("its body has the unknown encoding %d", how)
	case e.Length > maxBody:
		out.Missing = fmt.Sprintf("its body has %d bytes, more than this machine accepts", e.Length)
		return out, nil
	case how == asItIs:
		body = bytes.Clone(body)
	default:
		// One more byte than expected shows that the body is too long.
		body, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), e.Length+1))
	}
	if err != nil || int64(len(body)) != e.Length || sha256.Sum256(body) != e.SHA256 {
		out.Missing = "its body is damaged"
		return out, nil
	}
	out.Body = body
	return out, nil
}

// position returns the upper and the lower half of the sequence number of a message in a FIFO queue: 128 bits, in decimal, which rise
// within a group.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
func position(sequence string) (epoch, seq uint64, err error) {
	n, ok := new(big.Int).SetString(sequence, 10)
	if !ok || n.Sign() <= 0 || n.BitLen() > 128 {
		return 0, 0, fmt.Errorf("sqs: a message has the sequence number %q", sequence)
	}
	both := n.FillBytes(make([]byte, 16))
	return binary.BigEndian.Uint64(both), binary.BigEndian.Uint64(both[8:]), nil
}
