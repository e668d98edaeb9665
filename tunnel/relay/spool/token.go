package spool

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"greenroom/internal/stable"
)

// Token allows its holder to fetch the requests of its hooks. Of the secret, which has 256 random bits, only the SHA-256 is stored.
type Token struct {
	Name      string    `json:"name"`
	Hash      []byte    `json:"hash"`
	CreatedAt time.Time `json:"created_at"`
	// RevokedAt is zero while it is valid.
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// Revoked reports whether it is no longer valid.
func (t Token) Revoked() bool { return !t.RevokedAt.IsZero() }

// tokenPrefix lets people and scanners recognise a secret.
const tokenPrefix = "grt_"

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func checkName(what, name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("the %s name %q: %w: use up to 32 of a-z, 0-9 and -, beginning with a letter or digit", what, name, ErrInvalid)
	}
	return nil
}

// remember adds a token to memory. The lock is held, or not needed yet.
func (s *Spool) remember(t *Token) {
	if old := s.tokens[t.Name]; old != nil {
		delete(s.hashes, [32]byte(old.Hash))
	}
	s.tokens[t.Name] = t
	if len(t.Hash) == sha256.Size {
		s.hashes[[32]byte(t.Hash)] = t
	}
}

// CreateToken creates a token with its own hook, and returns its secret, which can't be read later. A revoked name is restored
// with its hooks and requests; with replace, so is a valid one, whose old secret becomes void. It fails with [ErrExists] or
// [ErrInvalid].
func (s *Spool) CreateToken(ctx context.Context, name string, replace bool) (secret string, t Token, err error) {
	if err := checkName("token", name); err != nil {
		return "", Token{}, err
	}
	secret = tokenPrefix + strings.ToLower(rand.Text()+rand.Text())
	sum := sha256.Sum256([]byte(secret))
	t = Token{Name: name, Hash: sum[:], CreatedAt: s.opt.Clock.Now().UTC().Truncate(time.Second)}
	own := Hook{ID: strings.ToLower(rand.Text()), Name: name, Token: name, Own: true, CreatedAt: t.CreatedAt}
	err = s.doNoun(ctx, func(b *batch) error {
		s.mu.RLock()
		old := s.tokens[name]
		hooked := slices.ContainsFunc(s.hooksOf(name), func(h Hook) bool { return h.Own })
		s.mu.RUnlock()
		if old != nil && !old.Revoked() && !replace {
			return fmt.Errorf("the token %s %w", name, ErrExists)
		}
		if !b.put(bucketTokens, name, t) {
			return nil
		}
		kept := t
		b.after = append(b.after, func() { s.remember(&kept) })
		if !hooked {
			b.addHook(own)
		}
		return nil
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// doNoun is do for changes of tokens and hooks. They run one at a time, because each depends on the state in memory.
func (s *Spool) doNoun(ctx context.Context, apply func(*batch) error) error {
	s.nouns.Lock()
	defer s.nouns.Unlock()
	return s.do(ctx, &op{apply: apply})
}

// put writes a value as JSON and reports whether it succeeded.
func (b *batch) put(bucket []byte, key string, v any) bool {
	raw, err := json.Marshal(v)
	return !b.fail(err) && !b.fail(b.tx.Bucket(bucket).Put([]byte(key), raw))
}

// RevokeToken makes a token void. Its hooks refuse requests until a token of that name is created again.
func (s *Spool) RevokeToken(ctx context.Context, name string) (t Token, err error) {
	err = s.doNoun(ctx, func(b *batch) error {
		s.mu.RLock()
		old := s.tokens[name]
		s.mu.RUnlock()
		if old == nil {
			return fmt.Errorf("the token %s: %w", name, ErrNotFound)
		}
		t = *old
		if t.Revoked() {
			return nil
		}
		t.RevokedAt = s.opt.Clock.Now().UTC().Truncate(time.Second)
		if b.put(bucketTokens, name, t) {
			kept := t
			b.after = append(b.after, func() { s.remember(&kept) })
		}
		return nil
	})
	return t, err
}

// Tokens returns all tokens, by name.
func (s *Spool) Tokens() []Token {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Token, 0, len(s.tokens))
	for _, t := range s.tokens {
		out = append(out, *t)
	}
	stable.Sort(out, func(a, b Token) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Authenticate returns the valid token with a secret.
func (s *Spool) Authenticate(secret string) (Token, bool) {
	sum := sha256.Sum256([]byte(secret))
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.hashes[sum]
	if t == nil || t.Revoked() || subtle.ConstantTimeCompare(t.Hash, sum[:]) != 1 {
		return Token{}, false
	}
	return *t, true
}

// Valid reports whether a token that was authenticated before is still valid: neither revoked nor replaced.
func (s *Spool) Valid(t Token) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now := s.tokens[t.Name]
	return now != nil && !now.Revoked() && subtle.ConstantTimeCompare(now.Hash, t.Hash) == 1
}
