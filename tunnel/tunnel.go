// Package tunnel makes the local listener reachable from outside: the contract of a tunnel, and what its drivers share.
//
// There are two families of drivers. Those that carry connections (ssh, exec, manual) hand TCP or HTTP on to the
// listener's address; what arrives while this machine sleeps is lost to them, and they say so ([Status].StoreAndForward).
// Those that carry records (relay, sqs) read requests that were stored elsewhere first, and hand them to [Local].Receive,
// whose return means that they are durable here.
//
// The package and its drivers know bytes and HTTP, and nothing of meetings. They promise that nothing which was
// acknowledged to a sender is dropped silently, and that what they hand over is what was sent, byte for byte. They promise
// no order between hooks.
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

// State is how a tunnel is.
type State string

// The states. A tunnel is Live only after a request to its public URL came back through it; see package probe.
const (
	Connecting State = "connecting"
	Live       State = "live"
	Degraded   State = "degraded"
	Closed     State = "closed"
)

// Status is how a tunnel does. It is a snapshot: a later one replaces it whole.
type Status struct {
	// Driver is the driver's name as it is configured: "relay", "ssh", "ngrok", "exec", "manual", "sqs".
	Driver string
	State  State
	// URL is the public base, without a trailing slash: a request to URL+"/x" arrives with the target "/x". Empty while it
	// isn't known.
	URL string
	// RTT is the round trip to the far end, 0 while unknown.
	RTT time.Duration
	// Spool is how many requests wait at the far end. Only drivers that store and forward have one.
	Spool int
	// Gap describes requests that are known to be lost, for people; empty when there are none.
	Gap string
	// Reason says why it isn't live, or what to know although it is.
	Reason string
	// RetryAt is when the next attempt is made, zero while one is under way or nothing has failed.
	RetryAt time.Time
	// More are the further addresses that lead to this end, beside URL.
	More []Address
	// StoreAndForward says that what is sent while this machine is away arrives later.
	StoreAndForward bool
}

// Address is a public base that leads to this end.
type Address struct {
	// Name is the address's for people.
	Name, URL string
}

// Envelope is one request as the first machine of ours received it.
type Envelope struct {
	// ID is unique to the request, made by who received it.
	ID string
	// Position is its place in the stream of its hook. Within a hook positions rise strictly, though not by one.
	cursor.Position
	// ReceivedAt is when the first machine of ours received it, by its clock. Signatures are judged by it.
	ReceivedAt time.Time
	Method     string
	// Target is the raw path and query behind the hook's public URL, beginning with a slash.
	Target string
	// Header holds duplicates in their order, and Host. Names and values are bytes as they came.
	Header http.Header
	Body   []byte
	// Missing says why Body is empty although the sender's was not: it is larger than this end takes, or arrived damaged
	// again and again. Such a request is stored with its position as any other, so that those behind it can follow, but as
	// one that was refused (413): nothing in it is acted upon. Empty for a request that is whole.
	Missing string
	// Remote is the sender's address as far as it is known.
	Remote string
}

// Answer is the result of an envelope.
type Answer struct {
	// Stored says that it is durable here, or was already: it must not be sent again. When it is false this envelope, and
	// all later ones of the same hook in the same call, were not stored and must be handed over again.
	Stored bool
	// Status is the answer to a sender who still waits; Text is the body of that answer.
	Status     int
	RetryAfter time.Duration
	Text       string
	// ContentType is that of Text, which is then sent exactly; empty for a line of plain text.
	ContentType string
}

// Local is this end: what a driver makes public.
type Local struct {
	// Addr is where the listener is bound, for drivers that carry connections.
	Addr net.Addr
	// Receive stores envelopes durably, in order for each hook, and says what became of each. It is for drivers that carry
	// records. An error means that none is known to be stored; the caller hands them over again, and what was stored after
	// all is recognised by its position.
	Receive func(ctx context.Context, batch []Envelope) ([]Answer, error)
	// Positions returns how far each hook was stored. Hooks that never delivered anything are missing.
	Positions func(ctx context.Context) ([]cursor.Position, error)
	// Device names this store to the far end. It never changes.
	Device string
	// Log and Crash may be nil.
	Log   *slog.Logger
	Crash *crash.Group
}

// A Driver opens tunnels. What it needs to know is in its own options.
type Driver interface {
	// Name is the word in the configuration.
	Name() string
	// StoresAndForwards says that nothing is lost while this machine is away.
	StoresAndForwards() bool
	// Open begins. It returns an error only for what waiting can't mend (a setting, a missing program); a network that is
	// down shows in the status, and is tried again for as long as the tunnel is open. ctx bounds Open alone.
	Open(ctx context.Context, local Local) (Tunnel, error)
}

// SenderHeader is implemented by drivers whose far end writes the sender's address into a header of each request, in place of what
// the sender wrote there.
type SenderHeader interface {
	// SenderHeader returns the header's name, or "".
	SenderHeader() string
}

// A Tunnel is an open one.
type Tunnel interface {
	// Status yields the state whenever it changes, beginning with the present one. A reader that is slow gets the latest,
	// not each. The channel is closed when the tunnel has ended; a last status says why. There is one reader.
	Status() <-chan Status
	// Close ends it, and returns when nothing of it runs any more.
	Close() error
}
