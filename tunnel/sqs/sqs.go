// Package sqs carries requests through a FIFO queue of Amazon SQS: [Sink] is the relay's end, the driver "sqs" the
// listener's.
//
// A sender gets 2xx only after SQS has the message, and a message is deleted only after [tunnel.Local.Receive] reported it durable
// here. Nothing is lost while either end is away, for as long as the queue retains messages (4 days unless its owner changed that;
// SQS drops older ones without notice). Requests of one hook arrive in their order. A request that arrives twice, because a deletion
// was lost, is recognised by its number.
//
// A message that can't be read, because another program or a newer relay wrote it, is neither deleted nor skipped: it stays in the
// queue, the rest of its group waits behind it, and the status reports it, until it is removed, read by a newer version, or moved by
// the queue's redrive policy.
//
// Two machines that read one queue share its messages between them.
package sqs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
)

// Options are the driver's settings.
type Options struct {
	Queue
	// URL is the public base of the relay's hook, if known. It is shown and probed.
	URL string
	// Window is how many messages may be under way at a time, 10 if zero.
	Window int
	// Clock paces retries; nil means the real one.
	Clock clockwork.Clock

	// pollTime and holdTime replace the constants in tests.
	pollTime, holdTime time.Duration
}

const (
	// batch is the most messages of a call of SQS.
	batch = 10
	// pollTime is how long a poll waits for messages, the longest that SQS allows.
	pollTime = 20 * time.Second
	// holdTime is how long a delivered message is kept from other readers. It is renewed until the message is stored.
	holdTime = 30 * time.Second
	// slack is how long a call may take beyond its wait.
	slack = 10 * time.Second
	// depthTime is how often the number of waiting messages is read.
	depthTime = 30 * time.Second
	// closeTime limits the return of messages when the tunnel closes.
	closeTime = 2 * time.Second
)

// Driver is the driver "sqs".
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver {
	o.Window, o.Clock = cmp.Or(max(o.Window, 0), batch), cmp.Or(o.Clock, clockwork.NewRealClock())
	o.pollTime, o.holdTime = cmp.Or(o.pollTime, pollTime), cmp.Or(o.holdTime, holdTime)
	return Driver{o}
}

// Name implements [tunnel.Driver].
func (Driver) Name() string { return "sqs" }

// StoresAndForwards implements [tunnel.Driver].
func (Driver) StoresAndForwards() bool { return true }

// Open implements [tunnel.Driver]. It fails if a setting is wrong.
func (d Driver) Open(ctx context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	if local.Receive == nil {
		return nil, errors.New("sqs: there is no receiver")
	}
	c, p, err := d.opt.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqs: %w", err)
	}
	url := d.opt.URL
	if url != "" {
		if url, err = tunnel.PublicURL(url); err != nil {
			return nil, err
		}
	}
	r := &reader{
		Running: tunnel.NewRunning(local, tunnel.Status{
			Driver: d.Name(), State: tunnel.Connecting, URL: url, Reason: "asking for the queue " + p.name, StoreAndForward: true,
		}),
		Options: d.opt, client: c, place: p, local: local, trouble: map[string]string{}, unread: map[string]unread{},
		woke: make(chan struct{}),
	}
	r.Start(r.run)
	return r, nil
}

// stream returns the permanent name of a group's messages. It differs for a queue that was deleted and created again, which numbers its
// messages from the start.
func (f facts) stream(group string) string {
	sum := sha256.Sum256([]byte(f.arn + "\n" + f.url + "\n" + f.created))
	return "sqs-" + hex.EncodeToString(sum[:8]) + "/" + group
}
