package downloads

import (
	"context"
	"errors"
	"time"

	"greenroom/store"
)

// chunkJournal is a [recording.Journal] in the store.
type chunkJournal struct {
	store             *store.Store
	account, id, file string
}

// Load implements [recording.Journal], as do the methods below.
func (j chunkJournal) Load(ctx context.Context) ([]byte, error) {
	return store.Read(ctx, j.store, func(tx *store.Tx) ([]byte, error) { return tx.Chunks(j.account, j.id, j.file), nil })
}

// Save waits while the store's queue is full, so that other work fails no download.
func (j chunkJournal) Save(ctx context.Context, progress []byte) error {
	for {
		err := j.store.Update(ctx, func(tx *store.Tx) error { return tx.PutChunks(j.account, j.id, j.file, progress) })
		if !errors.Is(err, store.ErrBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond): // real time: the queue doesn't depend on the clock
		}
	}
}

// Clear removes the progress.
func (j chunkJournal) Clear(ctx context.Context) error {
	return j.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteChunks(j.account, j.id, j.file) })
}
