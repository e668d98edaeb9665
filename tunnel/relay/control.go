package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greenroom/internal/bounds"
	"greenroom/internal/private"
	"greenroom/tunnel/relay/spool"
)

// SocketName is the socket for the owner's commands to a running relay, in the spool's folder. Only the process that holds the spool's
// file binds or removes it.
const SocketName = "relay.sock"

// maxSocketPath stays below the limit of a socket's address: 108 bytes on Linux and Windows, 104 on macOS.
const maxSocketPath = 100

// order is a command on the socket.
type order struct {
	Do      string       `json:"do"`
	Name    string       `json:"name,omitempty"`
	ID      string       `json:"id,omitempty"`
	Token   string       `json:"token,omitempty"`
	Policy  spool.Policy `json:"policy,omitempty"`
	Replace bool         `json:"replace,omitempty"`
}

// reply is the answer: the value, or the error.
type reply struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
	Kind  string          `json:"kind,omitempty"`
}

// orders maps names to commands.
var orders = map[string]func(context.Context, *Book, order) (any, error){
	"token create": func(ctx context.Context, b *Book, o order) (any, error) { return b.CreateToken(ctx, o.Name, o.Replace) },
	"token revoke": func(ctx context.Context, b *Book, o order) (any, error) { return b.RevokeToken(ctx, o.Name) },
	"token list":   func(ctx context.Context, b *Book, o order) (any, error) { return b.Tokens(ctx) },
	"hook create": func(ctx context.Context, b *Book, o order) (any, error) {
		return b.CreateHook(ctx, o.Name, o.Token, o.Policy)
	},
	"hook policy": func(ctx context.Context, b *Book, o order) (any, error) { return b.SetPolicy(ctx, o.ID, o.Policy) },
	"hook delete": func(ctx context.Context, b *Book, o order) (any, error) { return b.DeleteHook(ctx, o.ID) },
	"hook list":   func(ctx context.Context, b *Book, o order) (any, error) { return b.Hooks(ctx) },
}

// maxOrders limits the connections of the control socket.
const maxOrders = 64

// ServeControl accepts the owner's commands on the socket until Close, and only connections of the relay's own user. It returns
// once the socket exists.
func (s *Server) ServeControl() error {
	if s.spool == nil {
		return errStateless
	}
	path := filepath.Join(s.opt.Dir, SocketName)
	if len(path) > maxSocketPath {
		return fmt.Errorf("relay: the path of the control socket is too long: %s", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("relay: remove a stale socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("relay: control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("relay: control socket: %w", err), l.Close())
	}
	l = private.Own(l, func(err error) { s.opt.Log.Warn("another user's command was refused", "err", err) })
	h := bounds.Server(http.HandlerFunc(s.control), s.opt.Log, maxOrders)
	if err := s.register(h); err != nil {
		return errors.Join(err, l.Close())
	}
	s.opt.Crash.Go("relay control", func() {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.opt.Log.Error("the control socket has ended", "err", err)
		}
	})
	return nil
}

func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var o order
	var value any
	err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&o)
	if err == nil {
		if do := orders[o.Do]; do != nil {
			value, err = do(r.Context(), s.Book, o)
		} else {
			err = fmt.Errorf("relay: the command %q: %w", o.Do, ErrInvalid)
		}
	}
	var out reply
	if err == nil {
		out.Value, err = json.Marshal(value)
	}
	if err != nil {
		out = reply{Error: err.Error(), Kind: kindOf(err)}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.opt.Log.Debug("a command's answer could not be written", "err", err)
	}
}

// Remote is the [Book] of a relay that runs in another process.
type Remote struct{ client *http.Client }

// controlTime limits one command.
const controlTime = 30 * time.Second

// Dial connects to the relay that runs on a folder. It fails with [ErrNotFound] if none answers, or with a [private.Error] for a process
// of another user, to which nothing is sent.
func Dial(ctx context.Context, dir string) (*Remote, error) {
	path := filepath.Join(dir, SocketName)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err != nil {
			return nil, err
		}
		if err := private.Peer(c); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return c, nil
	}
	c, err := dial(ctx, "", "")
	var other *private.Error
	if errors.As(err, &other) {
		return nil, fmt.Errorf("relay: %s: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("relay: the running relay: %w (%w)", ErrNotFound, err)
	}
	if err := c.Close(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return &Remote{client: &http.Client{
		Timeout: controlTime, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}, nil
}

// RemoteError is a refusal of a running relay.
type RemoteError struct {
	text string
	kind error
}

func (e *RemoteError) Error() string { return e.text }
func (e *RemoteError) Unwrap() error { return e.kind }

func call[T any](ctx context.Context, r *Remote, o order) (v T, err error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return v, fmt.Errorf("relay: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://relay/", strings.NewReader(string(raw)))
	if err != nil {
		return v, fmt.Errorf("relay: %w", err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return v, fmt.Errorf("relay: ask the running relay: %w", err)
	}
	defer resp.Body.Close()
	var a reply
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return v, fmt.Errorf("relay: the running relay's answer: %w", err)
	}
	if a.Error != "" {
		e := &RemoteError{text: a.Error}
		for _, k := range kinds {
			if k.word == a.Kind {
				e.kind = k.err
			}
		}
		return v, e
	}
	if err := json.Unmarshal(a.Value, &v); err != nil {
		return v, fmt.Errorf("relay: the running relay's answer: %w", err)
	}
	return v, nil
}

// Close closes the connections.
func (r *Remote) Close() error { r.client.CloseIdleConnections(); return nil }

// CreateToken calls [Book.CreateToken].
func (r *Remote) CreateToken(ctx context.Context, name string, replace bool) (NewToken, error) {
	return call[NewToken](ctx, r, order{Do: "token create", Name: name, Replace: replace})
}

// RevokeToken calls [Book.RevokeToken].
func (r *Remote) RevokeToken(ctx context.Context, name string) (Token, error) {
	return call[Token](ctx, r, order{Do: "token revoke", Name: name})
}

// Tokens calls [Book.Tokens].
func (r *Remote) Tokens(ctx context.Context) ([]Token, error) {
	return call[[]Token](ctx, r, order{Do: "token list"})
}

// CreateHook calls [Book.CreateHook].
func (r *Remote) CreateHook(ctx context.Context, name, token string, policy spool.Policy) (Hook, error) {
	return call[Hook](ctx, r, order{Do: "hook create", Name: name, Token: token, Policy: policy})
}

// SetPolicy calls [Book.SetPolicy].
func (r *Remote) SetPolicy(ctx context.Context, id string, policy spool.Policy) (Hook, error) {
	return call[Hook](ctx, r, order{Do: "hook policy", ID: id, Policy: policy})
}

// DeleteHook calls [Book.DeleteHook].
func (r *Remote) DeleteHook(ctx context.Context, id string) (Hook, error) {
	return call[Hook](ctx, r, order{Do: "hook delete", ID: id})
}

// Hooks calls [Book.Hooks].
func (r *Remote) Hooks(ctx context.Context) ([]Hook, error) {
	return call[[]Hook](ctx, r, order{Do: "hook list"})
}
