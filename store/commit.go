package store

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// commit is a transaction being written.
type commit struct {
	s         *Store
	b         *bolt.Tx
	effects   bool
	rows      *rows
	positions *positions
	changes   []app.Change
	tried     []attempt
	touched   map[string][]*roster.Stay
	used      *Tx // empty again
}

// tx returns a transaction for one effect.
func (c *commit) tx() *Tx {
	if t := c.used; t != nil {
		c.used = nil
		return t
	}
	return &Tx{b: c.b, store: c.s, rec: &c.s.log.record, earlier: c.touched, over: make(map[string]map[string][]byte)}
}

// keep adds an effect's changes to the commit. The transaction ends with it.
func (c *commit) keep(tx *Tx) error {
	if err := tx.flush(); err != nil {
		return err
	}
	c.changes, c.tried = append(c.changes, tx.changes...), append(c.tried, tx.tried...)
	for id, stays := range tx.stays {
		c.touched[id] = append(c.touched[id], stays...)
	}
	maps.Copy(c.s.dirty, tx.meetings)
	if len(tx.stays) < 8 { // large maps cost more to empty than to make
		clear(tx.over)
		clear(tx.stays)
		clear(tx.meetings)
		tx.changes, tx.tried = tx.changes[:0], tx.tried[:0]
		c.used = tx
	}
	return nil
}

// deliver writes one entry, unless its position was passed before.
func (c *commit) deliver(it *item) error {
	it.got = Appended{}
	if it.Position.Hook != "" {
		ahead, err := c.positions.advance(it.Position)
		if err != nil {
			return err
		}
		if it.got.Known = !ahead; it.got.Known {
			return nil
		}
	}
	if it.Keep == KeepPosition {
		return nil
	}
	if it.Once != ([16]byte{}) && c.rows.seen(it.Once) != 0 {
		it.got.Known = true
		return nil
	}
	d := it.Delivery
	d.Seq = c.rows.next()
	if it.Once != ([16]byte{}) {
		if err := c.rows.see(it.Once, d.Seq); err != nil {
			return err
		}
	}
	if it.Keep != KeepWhole {
		if err := c.s.writeRing(c.b, it.Keep, d, it.blob); err != nil {
			return err
		}
	} else {
		tx, err := c.effect(it, &d)
		if err == nil {
			err = c.rows.add(d, it.blob)
		}
		if err == nil {
			err = c.keep(tx)
		}
		if err != nil {
			return err
		}
	}
	it.got.Delivery = d
	d.Headers, d.Body = nil, nil
	c.changes = append(c.changes, app.Change{Kind: app.DeliveryChange, Delivery: &d})
	return nil
}

// effect applies a delivery's effect, unless it repeats an earlier one. The transaction then holds the changes.
func (c *commit) effect(it *item, d *app.Delivery) (*Tx, error) {
	tx, hash := c.tx(), seenHash(d.Account, d.ProviderID)
	arrived := d.ProviderID != "" && d.ReplayOf == 0 && !d.Imported // replays and imports are neither repeats nor repeated
	if arrived {
		d.DuplicateOf = app.Seq(c.rows.seen(hash))
	}
	if d.DuplicateOf != 0 {
		if first, err := tx.row(uint64(d.DuplicateOf)); err == nil { // retention may have dropped it
			d.Meeting, d.Room = first.Meeting, first.Room
		}
		return tx, nil
	}
	if arrived {
		if err := c.rows.see(hash, d.Seq); err != nil {
			return nil, err
		}
	}
	if it.Effect == nil {
		return tx, nil
	}
	was, err := *d, errUnsettled
	if c.effects {
		err = c.s.apply(func() error { return it.Effect(tx, d) })
	}
	if errors.Is(err, ErrDamaged) {
		return nil, err
	}
	if err != nil {
		tx, *d = c.tx(), was
		d.Unapplied = err.Error()
	}
	return tx, nil
}

// apply converts an effect's panic to an error: one faulty event must not stop the others.
func (s *Store) apply(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return kind.Guard(s.opt.Path, f)
}
