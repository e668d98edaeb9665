package hub

import (
	"context"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/provider"
)

// Buckets finds recordings in the user's buckets. It is safe for concurrent use.
type Buckets interface {
	// Watch delivers new recordings until ctx ends, and returns soon afterwards. Each account's readers report by name after every
	// reading.
	Watch(ctx context.Context, found recording.FoundHandler, report recording.ReaderReport)
	// Sweep lists all buckets once. Failures are reported; the error is ctx's alone.
	Sweep(ctx context.Context, found recording.FoundHandler, report recording.ReaderReport) error
	// Check checks that an account's bucket and queue can be read. It returns nil if it has none.
	Check(ctx context.Context, account string) []provider.Check
}

func (h *Hub) noteReader(account, reader string, err error) {
	if a := h.accounts[account]; a != nil && h.ctx.Err() == nil {
		h.notePoller(reader, a, err)
	}
}

// sweepBuckets lists the buckets on request.
func (h *Hub) sweepBuckets(ctx context.Context) error {
	if h.opt.Buckets == nil {
		return app.Errorf(app.NotConfigured, "set bucket under [accounts.NAME.recording] in the configuration", "no account has a bucket to search")
	}
	return h.opt.Buckets.Sweep(ctx, h.ObserveObjects, h.noteReader)
}
