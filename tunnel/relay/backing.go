package relay

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// backing stores requests: the spool or a sink.
type backing interface {
	// hook returns a hook that accepts requests.
	hook(id string) (spool.Hook, bool)
	// store stores a request, and returns when it is durable.
	store(ctx context.Context, h spool.Hook, e wire.EventBody, body io.Reader, size int64) error
}

// spoolStore stores requests in the relay's own spool.
type spoolStore struct{ s *Server }

func (t *spoolStore) hook(id string) (spool.Hook, bool) { return t.s.spool.Open(id) }

func (t *spoolStore) store(ctx context.Context, _ spool.Hook, e wire.EventBody, body io.Reader, size int64) error {
	_, err := t.s.spool.Put(ctx, e, body, size)
	return err
}

// sinkStore stores requests in a [tunnel.Sink].
type sinkStore struct {
	sink  tunnel.Sink
	hooks map[string]spool.Hook
}

func newSinkStore(o Options) (*sinkStore, error) {
	t := &sinkStore{sink: o.Sink, hooks: map[string]spool.Hook{}}
	for name, id := range o.Hooks {
		if err := spool.CheckHook(name, id); err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
		if other, exists := t.hooks[id]; exists {
			return nil, fmt.Errorf("relay: the hooks %s and %s have the same id: %w", other.Name, name, spool.ErrInvalid)
		}
		t.hooks[id] = spool.Hook{ID: id, Name: name, Policy: spool.PolicyAck}
	}
	if len(t.hooks) == 0 {
		return nil, fmt.Errorf("relay: without a spool there must be hooks: %w", spool.ErrInvalid)
	}
	return t, nil
}

func (t *sinkStore) hook(id string) (spool.Hook, bool) {
	h, ok := t.hooks[id]
	return h, ok
}

func (t *sinkStore) store(ctx context.Context, h spool.Hook, e wire.EventBody, body io.Reader, _ int64) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return t.sink.Put(ctx, tunnel.Envelope{
		ID: e.ID, Position: cursor.Position{Hook: h.Name}, ReceivedAt: e.ReceivedAt, Method: e.Method, Target: e.Target, Remote: e.Remote,
		Header: http.Header(maps.Clone(e.Header)), Body: raw,
	})
}
