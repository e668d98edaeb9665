package relay

import (
	"context"
	"fmt"

	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// TokenInfo is a token as people are told of it, without its secret.
type TokenInfo = spool.Token

// HookInfo is a hook with its address and what waits in it.
type HookInfo struct {
	spool.Hook
	URL   string
	Depth int
	Bytes int64
	// Connected says that a client receives it now.
	Connected bool
}

// errStateless is why there are no tokens.
var errStateless = fmt.Errorf("relay: tokens and hooks of a relay without a spool: %w", spool.ErrInvalid)

// CreateToken makes a token with a hook of its own; see [spool.Spool.CreateToken]. The secret is told this once.
func (s *Server) CreateToken(ctx context.Context, name string, replace bool) (secret string, hook HookInfo, err error) {
	if s.spool == nil {
		return "", HookInfo{}, errStateless
	}
	secret, _, err = s.spool.CreateToken(ctx, name, replace)
	if err != nil {
		return "", HookInfo{}, fmt.Errorf("relay: create a token: %w", err)
	}
	s.dismiss(name, wire.Revoked)
	return secret, s.info(s.spool.HooksOf(name)[0]), nil
}

// RevokeToken makes a token void, and ends its connection.
func (s *Server) RevokeToken(ctx context.Context, name string) (spool.Token, error) {
	if s.spool == nil {
		return spool.Token{}, errStateless
	}
	t, err := s.spool.RevokeToken(ctx, name)
	if err != nil {
		return t, fmt.Errorf("relay: revoke a token: %w", err)
	}
	s.dismiss(name, wire.Revoked)
	return t, nil
}

// Tokens are all tokens, revoked ones included.
func (s *Server) Tokens(context.Context) ([]spool.Token, error) {
	if s.spool == nil {
		return nil, errStateless
	}
	return s.spool.Tokens(), nil
}

// CreateHook makes another hook for a token; see [spool.Spool.CreateHook]. Its client connects anew to learn of it.
func (s *Server) CreateHook(ctx context.Context, name, token string, policy spool.Policy) (HookInfo, error) {
	if s.spool == nil {
		return HookInfo{}, errStateless
	}
	h, err := s.spool.CreateHook(ctx, name, token, policy)
	if err != nil {
		return HookInfo{}, fmt.Errorf("relay: create a hook: %w", err)
	}
	s.dismiss(token, wire.HooksChanged)
	return s.info(h), nil
}

// SetPolicy changes when the senders of a hook are answered.
func (s *Server) SetPolicy(ctx context.Context, id string, policy spool.Policy) (HookInfo, error) {
	if s.spool == nil {
		return HookInfo{}, errStateless
	}
	h, err := s.spool.SetPolicy(ctx, id, policy)
	if err != nil {
		return HookInfo{}, fmt.Errorf("relay: change a hook: %w", err)
	}
	s.dismiss(h.Token, wire.HooksChanged)
	return s.info(h), nil
}

// DeleteHook removes a hook with what waits in it.
func (s *Server) DeleteHook(ctx context.Context, id string) (HookInfo, error) {
	if s.spool == nil {
		return HookInfo{}, errStateless
	}
	was, known := s.spool.Hook(id)
	if !known {
		return HookInfo{}, fmt.Errorf("relay: delete a hook: %w", spool.ErrNotFound)
	}
	info := s.info(was)
	if _, err := s.spool.DeleteHook(ctx, id); err != nil {
		return HookInfo{}, fmt.Errorf("relay: delete a hook: %w", err)
	}
	s.dismiss(was.Token, wire.HooksChanged)
	return info, nil
}

// Hooks are all hooks, by token, each token's own first.
func (s *Server) Hooks(context.Context) ([]HookInfo, error) {
	if s.spool == nil {
		return nil, errStateless
	}
	var out []HookInfo
	for _, h := range s.spool.Hooks() {
		out = append(out, s.info(h))
	}
	return out, nil
}

func (s *Server) info(h spool.Hook) HookInfo {
	n, bytes := s.spool.Depth(h.ID)
	return HookInfo{Hook: h, URL: s.hookURL(h.ID), Depth: n, Bytes: bytes, Connected: s.connOf(h.Token) != nil}
}

// dismiss ends the connection of a token, if there is one.
func (s *Server) dismiss(token, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.token.Name == token {
			c.leave(goAway(wire.GoAwayBody{Reason: reason}))
		}
	}
}
