package wire

import "greenroom/internal/cursor"

// HelloBody is the client's introduction. The handshake's bearer token has already authenticated it.
type HelloBody struct {
	// Device is the store's permanent name. A new connection of the same device replaces the old one.
	Device string `json:"device"`
	// Client is the program and its version, for the relay's log.
	Client string `json:"client"`
	// Yield means that the client was replaced: it is refused while another connection of the device lives.
	Yield bool `json:"yield,omitempty"`
	// Hooks are the positions of hooks with stored requests.
	Hooks []cursor.Position `json:"hooks"`
}

// HookInfo is one hook of the token.
type HookInfo struct {
	// Hook is its permanent id; Name is for people.
	Hook string `json:"hook"`
	Name string `json:"name"`
	// URL is its public address without a trailing slash.
	URL string `json:"url"`
	// Policy is "ack", "sync" or "auto".
	Policy string `json:"policy"`
	// Depth and Bytes are the requests waiting for the client.
	Depth int   `json:"depth"`
	Bytes int64 `json:"bytes"`
	// Restored means that the relay was restored from a backup older than the client's position: requests that it accepted since
	// the backup and had not delivered are lost.
	Restored bool `json:"restored,omitempty"`
}

// Limits are the relay's limits.
type Limits struct {
	// Body is the largest body of a request in bytes.
	Body int64 `json:"body"`
	// Spool is how many bytes may wait for each hook.
	Spool int64 `json:"spool"`
}

// WelcomeBody is the relay's answer to HELLO. The first hook is the token's own. Epoch is at least that of every position in
// HELLO whose hook is listed: new requests are later than those that the client has stored.
type WelcomeBody struct {
	Session string     `json:"session"`
	Epoch   uint64     `json:"epoch"`
	Hooks   []HookInfo `json:"hooks"`
	Limits  Limits     `json:"limits"`
	// Server is the relay's version.
	Server string `json:"server"`
}

// StoredBody confirms that this request, and all before it in the hook, are durable at the client. It may be repeated, and an
// older one may follow a newer one, without effect.
type StoredBody = cursor.Position

// RespBody is the listener's answer for a sender that may still be waiting.
type RespBody struct {
	Status int `json:"status"`
	// RetryAfter is in whole seconds, 0 for none.
	RetryAfter int    `json:"retry_after,omitempty"`
	Text       string `json:"text,omitempty"`
	// ContentType is the type of Text, which is then sent exactly. Relays of earlier versions send a line of plain text.
	ContentType string `json:"content_type,omitempty"`
}

// CreditBody adds to what the relay may send: one event of credit for each EVENT, one byte for each byte of DATA. A client begins
// with none.
//
// With EVENT, the relay reserves the bytes of the whole body, so that a request can be completed however the streams are
// interleaved. A body larger than all the credit (if a client's window is smaller than the relay's limit) begins when no other
// request is under way, and its DATA waits for credit as needed: the client immediately returns the credit for bytes that it
// doesn't keep.
type CreditBody struct {
	Events int   `json:"events"`
	Bytes  int64 `json:"bytes"`
}

// Reasons of GOAWAY.
const (
	// TakenOver: another connection of the same device replaced this one.
	TakenOver = "taken over"
	// Restarting: the relay restarts; dial again soon.
	Restarting = "restarting"
	// Revoked: the token is no longer valid.
	Revoked = "revoked"
	// HooksChanged: hooks of the token were created or deleted; dial again immediately for a new WELCOME.
	HooksChanged = "hooks changed"
)

// GoAwayBody ends a connection.
type GoAwayBody struct {
	Reason string `json:"reason"`
	// AfterMs is how long to wait before dialing again.
	AfterMs int `json:"after_ms,omitempty"`
}

// GapBody reports that the relay dropped requests of a hook before they could be delivered, with the reason. Count may be 0 if
// unknown. It is sent until the client has stored a request later than To.
type GapBody struct {
	Hook  string `json:"hook"`
	Epoch uint64 `json:"epoch"`
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Count int    `json:"count"`
	// At is when they were dropped, RFC 3339.
	At     string `json:"at"`
	Reason string `json:"reason"`
}

// Codes of ERR.
const (
	// CodeInUse: another device is receiving this token's hooks.
	CodeInUse = "in use"
	// CodeYield: the device has another connection, and this one offered to yield.
	CodeYield = "yield"
	// CodeProtocol: the peer broke the protocol.
	CodeProtocol = "protocol"
	// CodeGone, on a request's stream: the relay no longer has the rest, since it was STORED (through an earlier connection) or
	// dropped meanwhile. Discard what has arrived; nothing more follows on the stream.
	CodeGone = "gone"
)

// ErrBody is a refusal.
type ErrBody struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// DepthBody is the number of requests and bytes waiting for a hook.
type DepthBody struct {
	Hook  string `json:"hook"`
	Depth int    `json:"depth"`
	Bytes int64  `json:"bytes"`
}
