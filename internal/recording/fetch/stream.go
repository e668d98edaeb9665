package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"greenroom/internal/recording"
)

// passesMost limits the attempts to read a file in one stream that come no further than earlier ones.
const passesMost = 5

// stream fetches a file in one stream, and again from the start if that fails.
func (f *fetch) stream(ctx context.Context, id recording.Identity) error {
	again := f.retry()
	var furthest int64
	for passes := 0; ; {
		n, err := f.pass(ctx, id)
		if err == nil {
			return nil
		}
		if errors.Is(err, recording.ErrChanged) {
			return &restart{recording.ErrChanged.Error(), err}
		}
		switch {
		case n > furthest:
			furthest, passes = n, 0
			again.reset()
		case n > 0:
			if passes++; passes >= passesMost && ctx.Err() == nil {
				return fmt.Errorf("tried %d times in one piece: %w", passes+1, err)
			}
		}
		if err := again.after(ctx, err); err != nil {
			return err
		}
		f.meter.forget(n)
	}
}

// pass reads the whole file once. It returns the number of bytes that it read.
func (f *fetch) pass(ctx context.Context, id recording.Identity) (n int64, err error) {
	w := f.watch(ctx)
	defer func() { err = w.end(err) }()
	body, err := f.task.Source.Open(w.ctx, id, 0, -1)
	if err != nil {
		if body != nil {
			body.Close()
		}
		return 0, err
	}
	defer body.Close()
	defer w.cancel(nil) // before the body is closed, which might read the rest
	buf, sum := make([]byte, readMost), sha256.New()
	for {
		w.resume()
		got, rerr := body.Read(buf[:f.d.limit.most()])
		w.pause()
		if id.Size >= 0 && n+int64(got) > id.Size {
			return n, fmt.Errorf("%w: it sent more", recording.ErrOdd)
		}
		if got > 0 {
			if err := f.admitted(ctx); err != nil {
				return n, err
			}
			if err := f.keep(ctx, buf[:got], n); err != nil {
				return n, err
			}
			sum.Write(buf[:got])
			n += int64(got)
			f.meter.add(got)
			if err := f.d.limit.pay(ctx, got); err != nil {
				return n, err
			}
		}
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			return n, rerr
		}
	}
	if id.Size >= 0 && n != id.Size {
		return n, fmt.Errorf("the connection ended early: %w", io.ErrUnexpectedEOF)
	}
	if err := f.part.Truncate(n); err != nil {
		return n, disk("cut the part file", err)
	}
	f.streamed = hex.EncodeToString(sum.Sum(nil))
	return n, nil
}

// keep writes bytes, and waits for space on a full disk: the connection may last until there is some, and a new one would start from the
// beginning.
func (f *fetch) keep(ctx context.Context, b []byte, off int64) error {
	for {
		err := f.part.write(b, off)
		local, _ := errors.AsType[*diskError](err)
		if local == nil || !local.full() {
			return err
		}
		if err := f.space(ctx, local); err != nil {
			return err
		}
		f.meter.state(recording.Running, "")
	}
}
