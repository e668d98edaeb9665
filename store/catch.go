package store

import (
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
)

// CatchJob is a catch with its secrets.
type CatchJob struct {
	Name   string `json:"name"`
	Token  string `json:"token"`
	Scheme string `json:"scheme"`
	Secret string `json:"secret,omitempty"`
	// Status and Answer are what an accepted request is answered.
	Status    int      `json:"status"`
	Answer    string   `json:"answer"`
	CreatedAt app.Time `json:"created_at"`
}

// catchPrefix begins the names of the values that are catches.
const catchPrefix = "catch/"

// Catch reads a catch by its name.
func (t *Tx) Catch(name string) (CatchJob, error) {
	return decode[CatchJob](t.get(bucketValues, catchPrefix+name))
}

// PutCatch writes a catch.
func (t *Tx) PutCatch(c CatchJob) error { return t.putJSON(bucketValues, catchPrefix+c.Name, c) }

// Catches reads all catches by name. Those with a damaged record are left out, and named in damaged.
func (t *Tx) Catches() (all []CatchJob, damaged []string) {
	t.scan(bucketValues, catchPrefix, func(key string, raw []byte) bool {
		c, err := decode[CatchJob](raw)
		if err != nil {
			damaged = append(damaged, strings.TrimPrefix(key, catchPrefix))
		} else {
			all = append(all, c)
		}
		return true
	})
	return all, damaged
}

// HideCatch deletes a catch. Nothing reads the events in its rings any more, until [Tx.PutCatch] brings it back or [Tx.DeleteCatch] deletes
// them too.
func (t *Tx) HideCatch(name string) error { return t.del(bucketValues, catchPrefix+name) }

// HiddenCatches names the catches that were hidden and have events.
func (t *Tx) HiddenCatches() (names []string) {
	for _, word := range catchWords {
		prefix := word + "-rows/"
		c := t.b.Bucket(bucketRing).Cursor()
		for k, _ := c.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, _ = c.Next() {
			name := strings.TrimPrefix(string(k), prefix)
			if t.get(bucketValues, catchPrefix+name) == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func isCatch(b *bolt.Tx, name string) bool {
	return b.Bucket(bucketValues).Get([]byte(catchPrefix+name)) != nil
}

// DeleteCatch deletes a catch and the events in its rings.
func (t *Tx) DeleteCatch(name string) error {
	all, meta := t.rec.in(t.b.Bucket(bucketRing), bucketRing), t.rec.in(t.b.Bucket(bucketMeta), bucketMeta)
	for _, r := range catchRings(name) {
		for _, bucket := range [][]byte{r.rows, r.bodies} {
			if all.Bucket.Bucket(bucket) == nil {
				continue
			}
			if err := all.DeleteBucket(bucket); err != nil {
				return err
			}
		}
		for _, count := range [][]byte{r.countOfRows, r.countOfB} {
			if err := meta.Delete(count); err != nil {
				return err
			}
		}
	}
	return t.del(bucketValues, catchPrefix+name)
}

// CaughtEvents counts the events in a catch's rings: those that were accepted, and those that were rejected.
func (t *Tx) CaughtEvents(name string) (accepted, rejected int) {
	r := catchRings(name)
	meta := t.b.Bucket(bucketMeta)
	return int(un64(meta.Get(r[0].countOfRows))), int(un64(meta.Get(r[1].countOfRows)))
}

// The names of a catch's rings begin like this: of accepted events, and of rejected ones.
var catchWords = [...]string{"catch", "uncaught"}

// catchRings returns the rings of a catch: of accepted events, and of rejected ones. Neither displaces the other.
func catchRings(name string) (out [len(catchWords)]ring) {
	for i, word := range catchWords {
		out[i] = ring{
			rows: []byte(word + "-rows/" + name), bodies: []byte(word + "-bodies/" + name),
			countOfRows: []byte(word + "-rows/" + name), countOfB: []byte(word + "-bytes/" + name),
		}
	}
	return out
}

// allCatchRings returns the rings of all catches that caught something.
func allCatchRings(b *bolt.Tx) (out []ring) {
	for i, word := range catchWords {
		prefix := word + "-rows/"
		c := b.Bucket(bucketRing).Cursor()
		for k, v := c.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, v = c.Next() {
			if name := strings.TrimPrefix(string(k), prefix); v == nil && isCatch(b, name) {
				out = append(out, catchRings(name)[i])
			}
		}
	}
	return out
}
