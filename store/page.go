package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
)

// Page is the page of a room. Every room has one.
type Page struct {
	// Token is the secret in its address: 26 characters, 130 random bits.
	Token string `json:"token"`
	Off   bool   `json:"off,omitempty"`
}

// PageTokenLen is the length of a page's token.
const PageTokenLen = 26

// HostToken is a host's one-time way in through a room's page.
type HostToken struct {
	Meeting string    `json:"meeting"`
	Until   time.Time `json:"until"`
}

// hashed returns the key of a secret: comparing keys reveals nothing about the secret.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Page reads a room's page.
func (t *Tx) Page(roomID string) (Page, error) { return decode[Page](t.get(bucketPages, roomID)) }

// PageRoom returns the room with a page of this token, off or not, or [ErrNotFound].
func (t *Tx) PageRoom(token string) (app.Room, error) {
	id := t.get(bucketPageTokens, hashed(token))
	if id == nil {
		return app.Room{}, ErrNotFound
	}
	return t.Room(string(id))
}

// ensurePage makes the page of a room that has none.
func (t *Tx) ensurePage(roomID string) error {
	if t.get(bucketPages, roomID) != nil {
		return nil
	}
	return t.PutPage(roomID, Page{Token: NewPageToken()})
}

// NewPageToken returns a token that can't be guessed.
func NewPageToken() string { return strings.ToLower(rand.Text()[:PageTokenLen]) }

// PutPage writes a room's page. A former token leads nowhere from now on.
func (t *Tx) PutPage(roomID string, p Page) error {
	was, err := t.Page(roomID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case was.Token != p.Token:
		if err := t.del(bucketPageTokens, hashed(was.Token)); err != nil {
			return err
		}
	}
	return errors.Join(t.index(bucketPageTokens, hashed(p.Token), roomID), t.putJSON(bucketPages, roomID, p))
}

// Guest reads a guest of a meeting or, with a room's id, of its next one.
func (t *Tx) Guest(of, id string) (app.Guest, error) {
	return decode[app.Guest](t.get(bucketGuests, of+"\x00"+id))
}

// Guests lists the guests of a meeting or, with a room's id, of its next one, in the order in which they came.
func (t *Tx) Guests(of string) ([]app.Guest, error) {
	out, err := scanAll[app.Guest](t, bucketGuests, of+"\x00")
	stable.Sort(out, func(a, b app.Guest) int { return a.CameAt.Compare(b.CameAt.Time) })
	return out, err
}

// PutGuest writes a guest of a meeting or, with a room's id, of its next one.
func (t *Tx) PutGuest(of string, g app.Guest) error {
	g.Session = "" // found when it is read
	return t.putJSON(bucketGuests, of+"\x00"+g.ID, g)
}

// DropGuest forgets a guest of a meeting or, with a room's id, of its next one.
func (t *Tx) DropGuest(of, id string) error { return t.del(bucketGuests, of+"\x00"+id) }

// adoptGuests makes those who came before the room had a meeting, or while it was overdue, the guests of this one.
func (t *Tx) adoptGuests(m *roster.Meeting) error {
	if m.Status == app.Ended {
		return nil
	}
	waiting, err := t.Guests(m.RoomID)
	if err != nil {
		return err
	}
	for _, g := range waiting {
		if err := errors.Join(t.PutGuest(m.ID, g), t.DropGuest(m.RoomID, g.ID)); err != nil {
			return err
		}
	}
	return nil
}

// PutHostToken stores a host's one-time token, and forgets those that are over.
func (t *Tx) PutHostToken(secret string, h HostToken, now time.Time) error {
	var over []string
	t.scan(bucketHostTokens, "", func(k string, v []byte) bool {
		if had, err := decode[HostToken](v); err != nil || !had.Until.After(now) {
			over = append(over, k)
		}
		return true
	})
	for _, k := range over {
		if err := t.del(bucketHostTokens, k); err != nil {
			return err
		}
	}
	return t.putJSON(bucketHostTokens, hashed(secret), h)
}

// TakeHostToken returns what a host's token is for and makes it invalid, or returns [ErrNotFound].
func (t *Tx) TakeHostToken(secret string) (HostToken, error) {
	h, err := decode[HostToken](t.get(bucketHostTokens, hashed(secret)))
	if err != nil {
		return h, err
	}
	return h, t.del(bucketHostTokens, hashed(secret))
}
