// Package tunnel makes the local listener reachable from outside. It has the contract of a tunnel and the code that drivers share.
//
// There are two families of drivers. Those that carry connections (ssh, exec, manual) pass TCP or HTTP to the listener's address;
// requests sent while this machine sleeps are lost ([Status].StoreAndForward is false). Those that carry records (relay, sqs) read
// requests that were stored elsewhere first, and pass them to [Local].Receive, which returns when they are durable here.
//
// The package and its drivers know bytes and HTTP, and nothing of meetings. They promise that no request acknowledged to its sender
// is dropped silently, and that requests arrive byte for byte. They promise no order between hooks.
package tunnel

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"greenroom/internal/crash"
	"greenroom/internal/cursor"
)

// State is the state of a tunnel.
type State string

// The states. A tunnel is Live only after a request to its public URL has come back through it; see package probe.
const (
	Connecting State = "connecting"
	Live       State = "live"
	Degraded   State = "degraded"
	Closed     State = "closed"
)

// Status is a snapshot of a tunnel. A later one replaces all of it.
type Status struct {
	// Driver is the driver's name in the configuration: "relay", "ssh", "ngrok", "exec", "manual", "sqs".
	Driver string
	State  State
	// URL is the public base without a trailing slash: a request to URL+"/x" arrives with the target "/x". Empty while unknown.
	URL string
	// RTT is the round trip to the far end, 0 while unknown.
	RTT time.Duration
	// Spool is the number of requests that wait at the far end, for drivers that store and forward.
	Spool int
	// Gap describes requests that are known to be lost; empty if there are none.
	Gap string
	// Reason explains why the tunnel isn't live, or what to know although it is.
	Reason string
	// RetryAt is the time of the next attempt, zero while one is under way or nothing has failed.
	RetryAt time.Time
	// More are further addresses of this end, besides URL.
	More []Address
	// StoreAndForward means that requests sent while this machine is away arrive later.
	StoreAndForward bool
}

// Address is a public base URL with a name for people.
type Address struct{ Name, URL string }

// Envelope is one request as it was received by the listener or a relay, whichever was first.
type Envelope struct {
	// ID is unique to the request; the receiver made it.
	ID string
	// Position is its place in its hook's stream. Positions of a hook rise strictly, though not by one.
	cursor.Position
	// ReceivedAt is the receiver's time, by which signatures are judged.
	ReceivedAt time.Time
	Method     string
	// Target is the raw path and query after the hook's public URL, beginning with a slash.
	Target string
	// Header includes Host, and duplicates in their order. Names and values are the raw bytes.
	Header http.Header
	Body   []byte
	// Missing explains why Body is empty although the sender's was not: it is larger than the limit here, or arrived damaged
	// repeatedly. Such a request is stored with its position, so that later ones can follow, but as refused (413): it has no
	// effect. Empty for a complete request.
	Missing string
	// Remote is the sender's address, if known.
	Remote string
}

// Answer is the result of an envelope.
type Answer struct {
	// Stored means that the request is durable here, or was already, and must not be sent again. If it is false, this envelope and
	// all later ones of the same hook in the same call were not stored and must be passed again.
	Stored bool
	// Status is the answer to a sender who still waits, with the body Text.
	Status     int
	RetryAfter time.Duration
	Text       string
	// ContentType is that of Text, which is then sent exactly; empty for a line of plain text.
	ContentType string
}

// Local is this end of a tunnel.
type Local struct {
	// Addr is the listener's address, for drivers that carry connections.
	Addr net.Addr
	// Receive stores envelopes durably, in order for each hook, and returns the result of each. It is for drivers that carry records.
	// After an error nothing is known to be stored: the caller passes them again, and Receive recognises stored ones by position.
	Receive func(ctx context.Context, batch []Envelope) ([]Answer, error)
	// Positions returns how far each hook is stored. Hooks that never delivered anything are missing.
	Positions func(ctx context.Context) ([]cursor.Position, error)
	// Device identifies this store to the far end. It never changes.
	Device string
	// Log and Crash may be nil.
	Log   *slog.Logger
	Crash *crash.Group
}

// A Driver opens tunnels. Its settings are in its own options.
type Driver interface {
	// Name returns the driver's name in the configuration.
	Name() string
	// StoresAndForwards reports whether requests sent while this machine is away arrive later.
	StoresAndForwards() bool
	// Open begins to connect. It fails only for problems that don't pass (a setting, a missing program). A network that is down
	// shows in the status, and is retried while the tunnel is open. ctx limits Open alone.
	Open(ctx context.Context, local Local) (Tunnel, error)
}

// SenderHeader is implemented by drivers whose far end writes the sender's address into a header of each request, replacing the
// sender's own.
type SenderHeader interface {
	// SenderHeader returns the header's name, or "".
	SenderHeader() string
}

// A Tunnel is an open tunnel.
type Tunnel interface {
	// Status yields the status, and every change. A slow reader gets only the latest. The channel is closed when the tunnel has
	// ended, after a last status with the reason. It has one reader.
	Status() <-chan Status
	// Close ends the tunnel, and returns when nothing of it runs any more.
	Close() error
}
