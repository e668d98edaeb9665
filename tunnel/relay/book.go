package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// Token is a token as people are told of it, without its secret.
type Token struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// RevokedAt is zero while it is valid.
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	Connected bool      `json:"connected"`
}

// NewToken is a token that was just made, with its secret, which is told this once, and the hook that it came with.
type NewToken struct {
	Token
	Secret string `json:"token"`
	Hook   Hook   `json:"hook"`
}

// Hook is a hook with its address and what waits in it.
type Hook struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Token is the name of whose it is.
	Token  string       `json:"token"`
	Policy spool.Policy `json:"policy"`
	// Own marks the one that the token came with.
	Own bool `json:"own"`
	// URL is its public address without a trailing slash; without a host while no public address is known.
	URL       string    `json:"url"`
	Depth     int       `json:"depth"`
	Bytes     int64     `json:"bytes"`
	CreatedAt time.Time `json:"created_at"`
	// Connected says that a client receives it now.
	Connected bool `json:"connected"`
}

// Errors that the methods of [Book], [Server] and [Remote] wrap.
var (
	ErrNotFound = spool.ErrNotFound
	ErrExists   = spool.ErrExists
	ErrInvalid  = spool.ErrInvalid
	// ErrInUse is returned by Open and OpenBook while another process has the file.
	ErrInUse = spool.ErrInUse
)

// Book is a relay's tokens and hooks. It is the part of a [Server] that its owner works with; [OpenBook] opens it alone.
type Book struct {
	spool *spool.Spool
	// server is nil where none runs.
	server *Server
	policy spool.Policy
}

// OpenBook opens the tokens and hooks of a folder whose relay isn't running; see [ErrInUse] and [Dial]. It waits up to
// timeout for one that just ends.
func OpenBook(dir string, timeout time.Duration) (*Book, error) {
	s, err := spool.Open(spool.Options{Dir: dir, Timeout: timeout, Plain: true})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return &Book{spool: s, policy: spool.PolicyAuto}, nil
}

// Close closes a book that was opened alone.
func (b *Book) Close() error { return b.spool.Close() }

// errStateless is why there are no tokens.
var errStateless = fmt.Errorf("relay: tokens and hooks of a relay without a spool: %w", ErrInvalid)

func (b *Book) check() error {
	if b.spool == nil {
		return errStateless
	}
	return nil
}

// CreateToken makes a token, whose hook is made with it. A name that was revoked comes back with the hooks and requests
// that it had; replace does that to a valid one, whose old secret is void then. It fails with [ErrExists] or [ErrInvalid].
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

// RevokeToken makes a token void, and ends its connection. Its hooks take no more requests.
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

// Tokens are all tokens by name, revoked ones included.
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

// CreateHook makes another hook for a token. Its client connects anew to learn of it. It fails with [ErrExists] when the
// token has a hook of that name, [ErrNotFound] without a valid token, or [ErrInvalid].
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

// SetPolicy changes when the senders of a hook are answered; an empty policy is whatever the relay is run with.
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

// DeleteHook removes a hook with what waits in it, and tells what that was. A token keeps the one that it came with:
// [ErrInvalid].
func (b *Book) DeleteHook(ctx context.Context, id string) (Hook, error) {
	if err := b.check(); err != nil {
		return Hook{}, err
	}
	was, known := b.spool.Hook(id)
	if !known {
		return Hook{}, fmt.Errorf("relay: delete a hook: %w", ErrNotFound)
	}
	told := b.hook(was)
	if _, err := b.spool.DeleteHook(ctx, id); err != nil {
		return Hook{}, fmt.Errorf("relay: delete a hook: %w", err)
	}
	b.dismiss(was.Token, wire.HooksChanged)
	return told, nil
}

// Hooks are all hooks, by token, each token's own first.
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

// effective is the policy that a hook has.
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

// kindOf names what an error is, for those who hear of it elsewhere.
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
