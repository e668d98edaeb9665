// Package sqs carries requests through a FIFO queue of Amazon SQS: [Sink] is the relay's end, the driver "sqs" the
// listener's.
//
// A sender hears 2xx only after SQS has the message, and a message is deleted only after [tunnel.Local.Receive] said that it
// is durable here, so that nothing is lost while either end is away, for as long as the queue retains messages (4 days unless
// its owner set otherwise; SQS drops later ones without notice). Requests of one hook arrive in their order. One that
// arrives again, because a deletion was lost, is known by its number.
//
// A message that can't be read, because another program or a newer relay wrote it, is neither deleted nor passed over: it
// stays in the queue, the rest of its group waits behind it, and the status says so, until it is removed, read by a newer
// version, or moved away by the queue's redrive policy.
//
// Two machines that read one queue share its messages between them.
package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
)

// Options are the driver's settings.
type Options struct {
	Queue
	// URL is the public base of the relay's hook, if it is known here: then it is shown and can be probed.
	URL string
	// Window is how many messages may be on their way, 10 when zero: so many are asked for at a time.
	Window int
	// Clock paces what is tried again; nil means the real one.
	Clock clockwork.Clock

	// pollTime and holdTime replace the constants in tests.
	pollTime, holdTime time.Duration
}

const (
	// batch is the most that SQS hands out, or takes, at a time.
	batch = 10
	// pollTime is how long a poll waits for messages, the longest that SQS allows.
	pollTime = 20 * time.Second
	// holdTime is how long a message that was handed out is kept from others. It is renewed while it is being stored.
	holdTime = 30 * time.Second
	// slack is the time that a call may use beyond its wait.
	slack = 10 * time.Second
	// depthTime is how often the queue is asked how much waits.
	depthTime = 30 * time.Second
	// farewellTime bounds giving back what was not stored.
	farewellTime = 2 * time.Second
)

// Driver is the driver "sqs".
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver {
	if o.Window <= 0 {
		o.Window = batch
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.pollTime <= 0 {
		o.pollTime = pollTime
	}
	if o.holdTime <= 0 {
		o.holdTime = holdTime
	}
	return Driver{o}
}

// Name implements [tunnel.Driver].
func (Driver) Name() string { return "sqs" }

// StoresAndForwards implements [tunnel.Driver].
func (Driver) StoresAndForwards() bool { return true }

// Open implements [tunnel.Driver]. It fails when a setting is wrong.
func (d Driver) Open(ctx context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	if local.Receive == nil {
		return nil, fmt.Errorf("sqs: there is no receiver")
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
	log := local.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	life, cancel := context.WithCancel(context.Background())
	r := &reader{
		Options: d.opt, client: c, place: p, local: local, log: log.With("tunnel", "sqs"), cancel: cancel, done: make(chan struct{}),
		trouble: map[string]string{}, unread: map[string]unread{},
		board: tunnel.NewBoard(tunnel.Status{
			Driver: d.Name(), State: tunnel.Connecting, URL: url, Reason: "asking for the queue " + p.name, StoreAndForward: true,
		}),
	}
	local.Crash.Go("tunnel sqs", func() { r.run(life) })
	return r, nil
}

// stream names a queue's messages of one group, permanently: a queue that was created again under an old name numbers its messages
// from the start, and must not be mistaken for the old one.
func (f facts) stream(group string) string {
	sum := sha256.Sum256([]byte(f.arn + "\n" + f.url + "\n" + f.created))
	return "sqs-" + hex.EncodeToString(sum[:8]) + "/" + group
}
