package spool_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// A request is durable when Put returns, and is removed once its client has stored it.
func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := spool.Open(spool.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	ctx := context.Background()
	if _, _, err = s.CreateToken(ctx, "laptop", false); err != nil {
		fmt.Println(err)
		return
	}
	hook := s.HooksOf("laptop")[0]
	body := `{"type":"meeting.started"}`
	event := wire.EventBody{Position: cursor.Position{Hook: hook.ID}, Method: "POST", Target: "/hooks/daily"}
	if _, err = s.Put(ctx, event, strings.NewReader(body), int64(len(body))); err != nil {
		fmt.Println(err)
		return
	}

	next, ok, err := s.Next(cursor.Position{Hook: hook.ID})
	if err != nil || !ok {
		fmt.Println(ok, err)
		return
	}
	read, err := s.Read(next, 0, nil, spool.PieceSize)
	fmt.Println(string(read), err)
	fmt.Println(s.Stored(next.Position))
	_, ok, err = s.Next(next.Position)
	fmt.Println(ok, err)
	// Output:
	// {"type":"meeting.started"} <nil>
	// <nil>
	// false <nil>
}
