package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// Token is a token without its secret.
type Token struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// RevokedAt is zero while it is valid.
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	Connected bool      `json:"connected"`
}

// NewToken is a new token with its secret, which is shown only once, and its first hook.
type NewToken struct {
	Token
	Secret string `json:"token"`
	Hook   Hook   `json:"hook"`
}

// Hook is a hook with its address and its waiting requests.
type Hook struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Token is the name of the hook's token.
	Token  string       `json:"token"`
	Policy spool.Policy `json:"policy"`
	// Own marks the token's first hook.
	Own bool `json:"own"`
	// URL is its public address without a trailing slash; without a host while no public address is known.
	URL       string    `json:"url"`
	Depth     int       `json:"depth"`
	Bytes     int64     `json:"bytes"`
	CreatedAt time.Time `json:"created_at"`
	// Connected means that a client is receiving it now.
	Connected bool `json:"connected"`
}

// Errors wrapped by the methods of [Book], [Server] and [Remote].
var (
	ErrNotFound = spool.ErrNotFound
	ErrExists   = spool.ErrExists
	ErrInvalid  = spool.ErrInvalid
	// ErrInUse is returned by Open and OpenBook while another process has the file.
	ErrInUse = spool.ErrInUse
)

// Book manages a relay's tokens and hooks. It is part of a [Server]; [OpenBook] opens it without one.
type Book struct {
	spool *spool.Spool
	// server is nil without a running server.
	server *Server
	policy spool.Policy
}

// OpenBook opens the tokens and hooks in the folder of a relay that isn't running. It waits up to timeout for one that is ending, and
// fails with [ErrInUse] if one runs; see [Dial].
func OpenBook(dir string, timeout time.Duration) (*Book, error) {
	s, err := spool.Open(spool.Options{Dir: dir, Timeout: timeout, Plain: true})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return &Book{spool: s, policy: spool.PolicyAuto}, nil
}

// Close closes a book that [OpenBook] returned.
func (b *Book) Close() error { return b.spool.Close() }

// errStateless is returned by a relay with a Sink.
var errStateless = fmt.Errorf("relay: tokens and hooks of a relay without a spool: %w", ErrInvalid)

func (b *Book) check() error {
	if b.spool == nil {
		return errStateless
	}
	return nil
}

// CreateToken creates a token with its first hook. A revoked name is restored with its hooks and requests; with replace, so is a
// valid one, whose old secret becomes void. It fails with [ErrExists] or [ErrInvalid].
func (b *Book) CreateToken(ctx context.Context, name string, replace bool) (NewToken, error) {
	if err := b.check(); err != nil {
		return NewToken{}, err
	}
	secret, t, err := b.spool.CreateToken(ctx, name, replace)
	if err != nil {
		return NewToken{}, fmt.Errorf("relay: create a token: %w", err)
	}
	b.dismiss(name, wire.Revoked)
	hooks := b.spool.HooksOf(name)
	if len(hooks) == 0 {
		return NewToken{}, fmt.Errorf("relay: create a token: its hook: %w", ErrNotFound)
	}
	return NewToken{Token: b.token(t), Secret: secret, Hook: b.hook(hooks[0])}, nil
}

// RevokeToken makes a token void, and ends its connection. Its hooks refuse further requests.
func (b *Book) RevokeToken(ctx context.Context, name string) (Token, error) {
	if err := b.check(); err != nil {
		return Token{}, err
	}
	t, err := b.spool.RevokeToken(ctx, name)
	if err != nil {
		return Token{}, fmt.Errorf("relay: revoke a token: %w", err)
	}
	b.dismiss(name, wire.Revoked)
	return b.token(t), nil
}

// Tokens returns all tokens by name, revoked ones included.
func (b *Book) Tokens(context.Context) ([]Token, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	var out []Token
	for _, t := range b.spool.Tokens() {
		out = append(out, b.token(t))
	}
	return out, nil
}

// CreateHook adds a hook to a token, whose client reconnects to learn of it. It fails with [ErrExists] if the token has a hook of
// that name, [ErrNotFound] without a valid token, or [ErrInvalid].
func (b *Book) CreateHook(ctx context.Context, name, token string, policy spool.Policy) (Hook, error) {
	if err := b.check(); err != nil {
		return Hook{}, err
	}
	h, err := b.spool.CreateHook(ctx, name, token, policy)
	if err != nil {
		return Hook{}, fmt.Errorf("relay: create a hook: %w", err)
	}
	b.dismiss(token, wire.HooksChanged)
	return b.hook(h), nil
}

// SetPolicy changes a hook's policy; an empty policy is the relay's default.
func (b *Book) SetPolicy(ctx context.Context, id string, policy spool.Policy) (Hook, error) {
	if err := b.check(); err != nil {
		return Hook{}, err
	}
	h, err := b.spool.SetPolicy(ctx, id, policy)
	if err != nil {
		return Hook{}, fmt.Errorf("relay: change a hook: %w", err)
	}
	b.dismiss(h.Token, wire.HooksChanged)
	return b.hook(h), nil
}

// DeleteHook removes a hook with its waiting requests, and returns it. A token's own hook can't be deleted: [ErrInvalid].
func (b *Book) DeleteHook(ctx context.Context, id string) (Hook, error) {
	if err := b.check(); err != nil {
		return Hook{}, err
	}
	was, known := b.spool.Hook(id)
	if !known {
		return Hook{}, fmt.Errorf("relay: delete a hook: %w", ErrNotFound)
	}
	hook := b.hook(was)
	if _, err := b.spool.DeleteHook(ctx, id); err != nil {
		return Hook{}, fmt.Errorf("relay: delete a hook: %w", err)
	}
	b.dismiss(was.Token, wire.HooksChanged)
	return hook, nil
}

// Hooks returns all hooks, by token, each token's own first.
func (b *Book) Hooks(context.Context) ([]Hook, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	var out []Hook
	for _, h := range b.spool.Hooks() {
		out = append(out, b.hook(h))
	}
	return out, nil
}

func (b *Book) token(t spool.Token) Token {
	return Token{Name: t.Name, CreatedAt: t.CreatedAt, RevokedAt: t.RevokedAt, Connected: b.connected(t.Name)}
}

func (b *Book) hook(h spool.Hook) Hook {
	n, bytes := b.spool.Depth(h.ID)
	return Hook{
		ID: h.ID, Name: h.Name, Token: h.Token, Policy: b.effective(h), Own: h.Own, URL: b.url() + hookPath + h.ID,
		Depth: n, Bytes: bytes, CreatedAt: h.CreatedAt, Connected: b.connected(h.Token),
	}
}

// effective returns a hook's policy or the default.
func (b *Book) effective(h spool.Hook) spool.Policy {
	if h.Policy == "" {
		return b.policy
	}
	return h.Policy
}

func (b *Book) connected(token string) bool { return b.server != nil && b.server.connOf(token) != nil }

func (b *Book) url() string {
	if b.server != nil {
		return b.server.URL()
	}
	url, err := b.spool.URL()
	if err != nil {
		return ""
	}
	return url
}

// dismiss ends the connections of a token.
func (b *Book) dismiss(token, reason string) {
	s := b.server
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.token.Name == token {
			c.leave(goAway(wire.GoAwayBody{Reason: reason}))
		}
	}
}

// kindOf returns the name of an error's kind, for the control socket.
func kindOf(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.word
		}
	}
	return ""
}

var kinds = []struct {
	word string
	err  error
}{{"not found", ErrNotFound}, {"exists", ErrExists}, {"invalid", ErrInvalid}}
