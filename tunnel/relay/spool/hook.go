package spool

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	bolterrors "go.etcd.io/bbolt/errors"

	"greenroom/internal/stable"
)

// Policy is when and how a sender is answered.
type Policy string

// The policies.
const (
	// PolicyAck answers 200 once the request is durable here.
	PolicyAck Policy = "ack"
	// PolicySync waits for the client's answer, up to a deadline.
	PolicySync Policy = "sync"
	// PolicyAuto waits while a client is connected and keeps up.
	PolicyAuto Policy = "auto"
)

// Check refuses an unknown policy. The empty one is the relay's default.
func (p Policy) Check() error {
	switch p {
	case "", PolicyAck, PolicySync, PolicyAuto:
		return nil
	}
	return fmt.Errorf("the policy %q: %w: it is ack, sync or auto", string(p), ErrInvalid)
}

// MaxHooks is the most hooks of a token: WELCOME names them all in one frame.
const MaxHooks = 256

// Hook is an address for requests, and their stream to the token's client.
type Hook struct {
	// ID is the end of the public URL. It has at least 128 random bits: anyone who knows it can send.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Token is the name of the hook's token.
	Token string `json:"token"`
	// Policy is empty for the relay's default.
	Policy Policy `json:"policy"`
	// Own marks the token's first hook.
	Own       bool      `json:"own,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// addHook stores a new hook and reports whether it succeeded.
func (b *batch) addHook(h Hook) bool {
	if !b.put(bucketHooks, h.ID, h) {
		return false
	}
	b.after = append(b.after, func() { b.s.hooks[h.ID] = &hook{Hook: h} })
	return true
}

// CreateHook adds a hook to a token; its id begins with its name. It fails with [ErrExists] if the token has a hook of that name,
// [ErrNotFound] without a valid token, or [ErrInvalid].
func (s *Spool) CreateHook(ctx context.Context, name, token string, policy Policy) (Hook, error) {
	if err := errors.Join(checkName("hook", name), policy.Check()); err != nil {
		return Hook{}, err
	}
	h := Hook{
		ID: name + "-" + strings.ToLower(rand.Text()), Name: name, Token: token, Policy: policy,
		CreatedAt: s.opt.Clock.Now().UTC().Truncate(time.Second),
	}
	err := s.doNoun(ctx, func(b *batch) error {
		s.mu.RLock()
		owner, others := s.tokens[token], s.hooksOf(token)
		s.mu.RUnlock()
		switch {
		case owner == nil || owner.Revoked():
			return fmt.Errorf("the token %s: %w", token, ErrNotFound)
		case slices.ContainsFunc(others, func(o Hook) bool { return o.Name == name }):
			return fmt.Errorf("the hook %s of the token %s %w", name, token, ErrExists)
		case len(others) >= MaxHooks:
			return fmt.Errorf("another hook of the token %s: %w: it has %d", token, ErrInvalid, len(others))
		}
		b.addHook(h)
		return nil
	})
	return h, err
}

// SetPolicy changes a hook's policy.
func (s *Spool) SetPolicy(ctx context.Context, id string, policy Policy) (h Hook, err error) {
	if err := policy.Check(); err != nil {
		return Hook{}, err
	}
	err = s.doNoun(ctx, func(b *batch) error {
		var ok bool
		if h, ok = s.Hook(id); !ok {
			return fmt.Errorf("the hook: %w", ErrNotFound)
		}
		h.Policy = policy
		if b.put(bucketHooks, id, h) {
			changed := h
			b.after = append(b.after, func() { s.hooks[id].Hook = changed })
		}
		return nil
	})
	return h, err
}

// DeleteHook removes a hook with its waiting requests. A token's own hook can't be deleted: [ErrInvalid].
func (s *Spool) DeleteHook(ctx context.Context, id string) (h Hook, err error) {
	err = s.doNoun(ctx, func(b *batch) error {
		var ok bool
		if h, ok = s.Hook(id); !ok {
			return fmt.Errorf("the hook: %w", ErrNotFound)
		}
		if h.Own {
			return fmt.Errorf("delete the hook that the token %s came with: %w", h.Token, ErrInvalid)
		}
		b.dropHook(id)
		return nil
	})
	return h, err
}

func (b *batch) dropHook(id string) {
	key := []byte(id)
	if events := b.tx.Bucket(bucketEvents).Bucket(key); events != nil {
		err := events.ForEach(func(_, v []byte) error {
			r, err := parseRecord(v)
			if err != nil || r.body == 0 {
				return err
			}
			return dropBody(b.tx, r.body)
		})
		if b.fail(err) {
			return
		}
	}
	if err := b.tx.Bucket(bucketEvents).DeleteBucket(key); !errors.Is(err, bolterrors.ErrBucketNotFound) && b.fail(err) {
		return
	}
	for _, bucket := range [][]byte{bucketHooks, bucketStates} {
		if b.fail(b.tx.Bucket(bucket).Delete(key)) {
			return
		}
	}
	gaps := b.tx.Bucket(bucketGaps)
	for _, g := range gapsOf(b.tx, id) {
		if b.fail(gaps.Delete(gapKey(g))) {
			return
		}
	}
	b.states[id] = nil
	b.after = append(b.after, func() { delete(b.s.hooks, id) })
}

// Hook finds a hook by its id.
func (s *Spool) Hook(id string) (Hook, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.hooks[id]
	if h == nil {
		return Hook{}, false
	}
	return h.Hook, true
}

// Open finds a hook that accepts requests: one whose token is valid.
func (s *Spool) Open(id string) (Hook, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.hooks[id]
	if h == nil {
		return Hook{}, false
	}
	t := s.tokens[h.Token]
	return h.Hook, t != nil && !t.Revoked()
}

// Hooks returns all hooks, by token, each token's own first.
func (s *Spool) Hooks() []Hook { return s.HooksOf("") }

// HooksOf returns a token's hooks, its own first. "" means all tokens.
func (s *Spool) HooksOf(token string) []Hook {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.hooksOf(token)
}

func (s *Spool) hooksOf(token string) []Hook {
	var out []Hook
	for _, h := range s.hooks {
		if token == "" || h.Token == token {
			out = append(out, h.Hook)
		}
	}
	stable.Sort(out, func(a, b Hook) int {
		return cmp.Or(strings.Compare(a.Token, b.Token), strings.Compare(a.place(), b.place()))
	})
	return out
}

// place orders the hooks of a token: its own comes before all names.
func (h Hook) place() string {
	if h.Own {
		return ""
	}
	return h.Name
}

// Depth returns the number and bytes of a hook's waiting requests.
func (s *Spool) Depth(id string) (requests int, bytes int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if h := s.hooks[id]; h != nil {
		return h.state.Depth, h.state.Bytes
	}
	return 0, 0
}

// Total returns the same of all hooks.
func (s *Spool) Total() (requests int, bytes int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, h := range s.hooks {
		requests += h.state.Depth
		bytes += h.state.Bytes
	}
	return requests, bytes
}

// CheckHook checks the name and id of a hook of a relay without a spool. The id must be too long to guess.
func CheckHook(name, id string) error {
	err := checkName("hook", name)
	if err == nil && !idForm.MatchString(id) {
		err = fmt.Errorf("the id of the hook %s: %w: it has 26 to 100 of a-z, 0-9 and -", name, ErrInvalid)
	}
	return err
}

var idForm = regexp.MustCompile(`^[a-z0-9-]{26,100}$`)
