package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// Tx is one transaction: a read snapshot in [Store.View], or one effect within a commit in [Store.Update] and [Store.Append]. An
// effect sees its own writes and those of earlier effects. It is valid only while its function runs.
type Tx struct {
	b     *bolt.Tx
	store *Store
	// rec takes the changes down for the redo log; nil where they are committed at once.
	rec *record
	// over holds this effect's writes; nil in a read transaction. Discarding it undoes only this effect.
	over    map[string]map[string][]byte
	changes []app.Change
	// stays are this effect's stays, by meeting, and earlier those of the commit's effects before it. Every meeting in them is
	// settled, and every stay encoded, once before the commit.
	stays, earlier map[string][]*roster.Stay
	// tried are attempts to add to deliveries.
	tried []attempt
	// meetings are the meetings as this effect left them. They are encoded once, when they are settled.
	meetings map[string]*roster.Meeting
}

func (t *Tx) get(bucket []byte, key string) []byte {
	if m, ok := t.over[string(bucket)]; ok {
		if v, ok := m[key]; ok {
			return v
		}
	}
	b := t.b.Bucket(bucket)
	if b == nil {
		return nil
	}
	return b.Get([]byte(key))
}

func (t *Tx) put(bucket []byte, key string, value []byte) error {
	switch {
	case t.over == nil:
		return bolterrors.ErrTxNotWritable
	case key == "" || len(key) > bolt.MaxKeySize:
		return errKey(bucket, len(key))
	}
	m := t.over[string(bucket)]
	if m == nil {
		m = make(map[string][]byte)
		t.over[string(bucket)] = m
	}
	if value == nil {
		value = []byte{}
	}
	m[key] = value
	return nil
}

func errKey(bucket []byte, size int) error {
	return fmt.Errorf("store: a key of %d bytes for %s", size, bucket)
}

func (t *Tx) del(bucket []byte, key string) error {
	if t.over == nil {
		return bolterrors.ErrTxNotWritable
	}
	m := t.over[string(bucket)]
	if m == nil {
		m = make(map[string][]byte)
		t.over[string(bucket)] = m
	}
	m[key] = nil
	return nil
}

// scan visits the keys with a prefix in order, this effect's writes included, until visit returns false. The values
// are valid only during the visit.
func (t *Tx) scan(bucket []byte, prefix string, visit func(key string, value []byte) bool) {
	mine := t.over[string(bucket)]
	var extra []string
	for k, v := range mine {
		if v != nil && strings.HasPrefix(k, prefix) {
			extra = append(extra, k)
		}
	}
	slices.Sort(extra)
	b := t.b.Bucket(bucket)
	if b == nil {
		return
	}
	c := b.Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
		key := string(k)
		for len(extra) > 0 && extra[0] < key {
			if !visit(extra[0], mine[extra[0]]) {
				return
			}
			extra = extra[1:]
		}
		if _, ok := mine[key]; ok {
			if len(extra) > 0 && extra[0] == key {
				extra = extra[1:]
			} else {
				continue // deleted by this effect
			}
			v = mine[key]
		}
		if !visit(key, v) {
			return
		}
	}
	for _, k := range extra {
		if !visit(k, mine[k]) {
			return
		}
	}
}

// scanAll decodes the values of the keys with a prefix.
func scanAll[T any](t *Tx, bucket []byte, prefix string) ([]T, error) {
	return collect(t, bucket, prefix, func(_ string, raw []byte) (T, error) { return decode[T](raw) })
}

// collect returns what read makes of the keys with a prefix, up to the first error.
func collect[T any](t *Tx, bucket []byte, prefix string, read func(key string, raw []byte) (T, error)) (out []T, failed error) {
	t.scan(bucket, prefix, func(key string, raw []byte) bool {
		one, err := read(key, raw)
		if failed = err; err == nil {
			out = append(out, one)
		}
		return err == nil
	})
	return out, failed
}

// flush writes the effect into the commit.
func (t *Tx) flush() error {
	for name, m := range t.over {
		made, err := t.b.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return fmt.Errorf("store: make %s: %w", name, err)
		}
		b := t.rec.in(made, []byte(name))
		for k, v := range m {
			if v == nil {
				err = b.Delete([]byte(k))
			} else {
				err = b.Put([]byte(k), v)
			}
			if err != nil {
				return fmt.Errorf("store: write %s: %w", name, err)
			}
		}
	}
	return nil
}

// Changed adds a change for OnCommit. Put methods of rooms, meetings and recordings add theirs.
func (t *Tx) Changed(c app.Change) { t.changes = append(t.changes, c) }

func decode[T any](raw []byte) (T, error) {
	var v T
	if raw == nil {
		return v, ErrNotFound
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("store: a damaged record: %w", err)
	}
	return v, nil
}

func (t *Tx) putJSON(bucket []byte, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store: encode for %s: %w", bucket, err)
	}
	return t.put(bucket, key, raw)
}

// Value reads a small named value, or nil.
func (t *Tx) Value(name string) []byte { return bytes.Clone(t.get(bucketValues, name)) }

// DeleteValue deletes a small named value.
func (t *Tx) DeleteValue(name string) error { return t.del(bucketValues, name) }

// PutValue sets a small named value.
func (t *Tx) PutValue(name string, value []byte) error { return t.put(bucketValues, name, value) }

// index adds a missing entry to an index: rewriting it would dirty its page in every commit.
func (t *Tx) index(bucket []byte, key, value string) error {
	if had := t.get(bucket, key); had != nil && string(had) == value {
		return nil
	}
	return t.put(bucket, key, []byte(value))
}

func meetingChange(m *roster.Meeting) app.Change {
	view := m.Meeting
	return app.Change{Kind: app.MeetingChange, Meeting: &view}
}
