package boltfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// Snapshot returns the pages of a transaction, which don't change while it lasts.
func (f *File) Snapshot(b *bolt.Tx) (*Pages, error) {
	first := &firstWrite{}
	_, err := b.WriteTo(first) // the first write is the head
	h, ok := readHead(first.b)
	if !ok {
		return nil, fmt.Errorf("%s: check: %w", f.kind.Name, err)
	}
	for range 3 { // a commit may be writing one of them
		p, err := OpenPages(f.OS)
		switch {
		case err != nil:
			return &Pages{r: f.OS, head: h, spoiled: "pages 0 and 1"}, nil
		case p.spoiled == "":
			return &Pages{r: f.OS, head: h}, nil
		}
		first.spoiled = p.spoiled
	}
	return &Pages{r: f.OS, head: h, spoiled: first.spoiled}, nil
}

type firstWrite struct {
	b       []byte
	spoiled string
}

func (f *firstWrite) Write(b []byte) (int, error) {
	f.b = bytes.Clone(b)
	return 0, io.ErrShortWrite
}

// Whole checks every page of a copy of a file.
func (k Kind) Whole(ctx context.Context, f *os.File, of string) error {
	p, err := OpenPages(f)
	if err != nil {
		return k.Damaged(of, err.Error())
	}
	if found := p.Check(ctx); len(found) > 0 {
		return k.Damaged(of, found[0])
	}
	return ctx.Err()
}
