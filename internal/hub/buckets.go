package hub

import (
	"context"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Buckets finds recordings in buckets of the user's. It is safe for concurrent use.
type Buckets interface {
	// Watch tells of recordings that appear until ctx ends, and returns soon then. Each account's readers report, by their
	// names, each time that they have read something or could not; nil is success.
	Watch(ctx context.Context, tell TellFound, report ReportReader)
	// Sweep looks through all of them once. What goes wrong is reported; the error is ctx's alone.
	Sweep(ctx context.Context, tell TellFound, report ReportReader) error
	// Check says whether an account's bucket, and what tells of it, can be read; nothing where it has none.
	Check(ctx context.Context, account string) []provider.Check
}

// TellFound is [Hub.ObserveObjects].
type TellFound = func(ctx context.Context, accounts []string, found []Found) error

// ReportReader notes how a reader does.
type ReportReader = func(account, reader string, err error)

// watchBuckets is the background reader of all buckets.
func (h *Hub) watchBuckets() { h.opt.Buckets.Watch(h.ctx, h.ObserveObjects, h.noteReader) }

func (h *Hub) noteReader(account, reader string, err error) {
	if a := h.accounts[account]; a != nil && h.ctx.Err() == nil {
		h.notePoller(reader, a, err)
	}
}

// sweepBuckets looks through the buckets because somebody asks for it.
func (h *Hub) sweepBuckets(ctx context.Context) error {
	if h.opt.Buckets == nil {
		return &app.Error{
			Kind: app.NotConfigured, Text: "no account has a bucket to look through",
			Hint: "set bucket under [accounts.NAME.recording] in the configuration",
		}
	}
	return h.opt.Buckets.Sweep(ctx, h.ObserveObjects, h.noteReader)
}
