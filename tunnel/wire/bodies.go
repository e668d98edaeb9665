package wire

// HookPosition is how far a client has stored a hook.
type HookPosition struct {
	Hook  string `json:"hook"`
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// HelloBody is the client's introduction. It has authenticated already, by the bearer token of the handshake.
type HelloBody struct {
	// Device is the store's name, for ever the same. A new connection of the same device takes over from the old one.
	Device string `json:"device"`
	// Client is the program and its version, for the relay's log.
	Client string `json:"client"`
	// Yield says that the client has been taken over from: it is refused while another connection of the device lives.
	Yield bool `json:"yield,omitempty"`
	// Hooks are the positions of the hooks that delivered something before.
	Hooks []HookPosition `json:"hooks"`
}

// HookInfo is one hook of the token.
type HookInfo struct {
	// Hook is its id, for ever the same; Name is for people.
	Hook string `json:"hook"`
	Name string `json:"name"`
	// URL is its public address without a trailing slash.
	URL string `json:"url"`
	// Policy is "ack", "sync" or "auto".
	Policy string `json:"policy"`
	// Depth and Bytes are what waits for the client.
	Depth int   `json:"depth"`
	Bytes int64 `json:"bytes"`
	// Restored says that the relay knows less than the client has stored: it was restored from a backup, and what it had
	// taken since then and not delivered is lost.
	Restored bool `json:"restored,omitempty"`
}

// Limits are what the relay holds to.
type Limits struct {
	// Body is the largest body of a request in bytes.
	Body int64 `json:"body"`
	// Spool is how many bytes may wait for each hook.
	Spool int64 `json:"spool"`
}

// WelcomeBody is the relay's answer to HELLO. The first hook is the token's own. Epoch is at least that of every position
// in HELLO whose hook is listed: requests that this relay takes from now on are later than what the client has stored.
type WelcomeBody struct {
	Session string     `json:"session"`
	Epoch   uint64     `json:"epoch"`
	Hooks   []HookInfo `json:"hooks"`
	Limits  Limits     `json:"limits"`
	// Server is the relay's version.
	Server string `json:"server"`
}

// StoredBody says that the request with these numbers, and all before it in the hook, are durable at the client. It may be
// repeated, and an older one may come after a newer one: neither changes anything.
type StoredBody = HookPosition

// RespBody is the listener's answer for a sender who may still be waiting.
type RespBody struct {
	Status int `json:"status"`
	// RetryAfter is in whole seconds, 0 for none.
	RetryAfter int    `json:"retry_after,omitempty"`
	Text       string `json:"text,omitempty"`
}

// CreditBody adds to what the relay may send: one event of credit for each EVENT, one byte for each byte of DATA. A client
// begins with none.
//
// The relay sets the bytes of a whole body aside when it sends the EVENT, so that what was begun can be completed however
// the streams are interleaved. A body larger than all the bytes that it has (a client whose window is smaller than the
// relay's limit) begins when no other request is under way, and its DATA waits for credit as it needs it: the client
// returns the credit for what it doesn't keep at once.
type CreditBody struct {
	Events int   `json:"events"`
	Bytes  int64 `json:"bytes"`
}

// Reasons of GOAWAY.
const (
	// TakenOver: another connection of the same device has come.
	TakenOver = "taken over"
	// Restarting: the relay restarts; dial again soon.
	Restarting = "restarting"
	// Revoked: the token is no longer valid.
	Revoked = "revoked"
	// HooksChanged: hooks of the token were made or deleted; dial again at once, and WELCOME tells them.
	HooksChanged = "hooks changed"
)

// GoAwayBody ends a connection.
type GoAwayBody struct {
	Reason string `json:"reason"`
	// AfterMs is how long to wait before dialing again.
	AfterMs int `json:"after_ms,omitempty"`
}

// GapBody tells that requests of a hook were dropped by the relay before they could be delivered, and why. Count may be 0
// when it isn't known. It is sent until the client has stored something later than To.
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
	// CodeInUse: another device receives this token's hooks now.
	CodeInUse = "in use"
	// CodeYield: the device has another connection, and this one offered to yield.
	CodeYield = "yield"
	// CodeProtocol: the peer broke the protocol.
	CodeProtocol = "protocol"
	// CodeGone, on a request's stream: the relay doesn't have the rest of it any more, since it was STORED (by way of an
	// earlier connection) or dropped meanwhile. What has come of it is to be forgotten; nothing more comes on the stream.
	CodeGone = "gone"
)

// ErrBody is a refusal.
type ErrBody struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// DepthBody is how much waits for a hook.
type DepthBody struct {
	Hook  string `json:"hook"`
	Depth int    `json:"depth"`
	Bytes int64  `json:"bytes"`
}
