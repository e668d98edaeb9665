package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"greenroom/internal/crash"
	"greenroom/tunnel/relay"
)

// demoRelayClose is how long the demo waits for its relay to stop.
const demoRelayClose = 500 * time.Millisecond

// demoRelay is a relay on this machine with a token for the demo's screen, so that the sandbox's webhooks take the real way.
type demoRelay struct {
	server *relay.Server
	url    string
	token  string
	// hook is the public URL of the token.
	hook string
}

// openDemoRelay opens a relay whose spool is in the folder. It calls fail if the relay ends unexpectedly.
func openDemoRelay(ctx context.Context, dir string, group *crash.Group, fail func(error)) (*demoRelay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the demo's relay: %w", err)
	}
	r := &demoRelay{url: "http://" + l.Addr().String()}
	if r.server, err = relay.Open(relay.Options{Dir: filepath.Join(dir, relayFolder), URL: r.url, Crash: group}); err != nil {
		_ = l.Close()
		return nil, err
	}
	group.Go("relay", func() {
		if err := r.server.Serve(l); err != nil {
			fail(err)
		}
	})
	made, err := r.server.CreateToken(ctx, "demo", false)
	if err != nil {
		return nil, fmt.Errorf("make a token for the demo: %w", errors.Join(err, r.close()))
	}
	r.token, r.hook = made.Secret, made.Hook.URL
	return r, nil
}

func (r *demoRelay) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), demoRelayClose)
	defer cancel()
	return r.server.Close(ctx)
}
