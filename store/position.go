package store

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/cursor"
)

// positions are the positions of the hooks' streams during one commit. Each hook is read and written once a commit, however many
// requests it brings.
type positions struct {
	s     *Store
	b     *bolt.Tx
	at    map[string]cursor.Position
	moved bool
}

func openPositions(s *Store, b *bolt.Tx) *positions {
	return &positions{s: s, b: b, at: make(map[string]cursor.Position)}
}

// advance moves a hook's position forward to p. It returns false, and changes nothing, if p was reached before.
func (s *positions) advance(p cursor.Position) (bool, error) {
	at, ok := s.at[p.Hook]
	if !ok {
		var err error
		at, err = (&Tx{b: s.b}).Position(p.Hook)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		ok = err == nil
	}
	if ok && !at.Before(p) {
		s.at[p.Hook] = at
		return false, nil
	}
	s.at[p.Hook], s.moved = p, true
	return true, nil
}

func (s *positions) flush() error {
	if !s.moved {
		return nil
	}
	tx := &Tx{b: s.b, rec: &s.s.log.record, over: make(map[string]map[string][]byte)}
	for hook, p := range s.at {
		if err := tx.putJSON(bucketPositions, hook, p); err != nil {
			return err
		}
	}
	return tx.flush()
}

// Position reads the stored position of a tunnel's hook.
func (t *Tx) Position(hook string) (cursor.Position, error) {
	return decode[cursor.Position](t.get(bucketPositions, hook))
}

// Positions reads the stored positions of all hooks, by name.
func (t *Tx) Positions() ([]cursor.Position, error) {
	out, err := collect(t, bucketPositions, "", func(hook string, raw []byte) (p cursor.Position, err error) {
		if err = json.Unmarshal(raw, &p); err != nil {
			err = fmt.Errorf("store: the position of hook %q: %w", hook, err)
		}
		return p, err
	})
	return append([]cursor.Position{}, out...), err
}
