package livekit

import (
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// grant is the permissions in a token (https://docs.livekit.io/home/get-started/authentication).
type grant struct {
	RoomCreate bool `json:"roomCreate,omitempty"`
	RoomList   bool `json:"roomList,omitempty"`
	RoomRecord bool `json:"roomRecord,omitempty"`
	RoomAdmin  bool `json:"roomAdmin,omitempty"`
	RoomJoin   bool `json:"roomJoin,omitempty"`
	// Room limits administration and joining to one room.
	Room string `json:"room,omitempty"`
}

// grantOf returns the least permissions for a call.
func grantOf(c call) grant {
	switch c.method {
	case "RoomService/CreateRoom", "RoomService/DeleteRoom":
		return grant{RoomCreate: true}
	case "RoomService/ListRooms":
		return grant{RoomList: true}
	}
	if c.room != "" {
		return grant{RoomAdmin: true, Room: c.room}
	}
	return grant{RoomRecord: true}
}

// claims are the content of a token.
type claims struct {
	jwt.RegisteredClaims
	Name       string            `json:"name,omitempty"`
	Video      *grant            `json:"video,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	SHA256     string            `json:"sha256,omitempty"`
}

const (
	// callToken is the validity of a call's token. It is used for half of that time.
	callToken = 10 * time.Minute
	// maxSkew is the largest difference between clocks: tokens are valid that long in advance. LiveKit allows a minute.
	maxSkew = time.Minute
	// tokensKept limits the number of cached tokens.
	tokensKept = 256
)

// signer signs tokens with an account's key, and caches those of calls.
type signer struct {
	key    string
	secret []byte
	mu     *sync.Mutex
	kept   map[grant]keptToken
}

type keptToken struct {
	text string
	at   time.Time
}

func newSigner(key, secret string) signer {
	return signer{key: key, secret: []byte(secret), mu: new(sync.Mutex), kept: map[grant]keptToken{}}
}

// forCall returns a token for calls, valid for some minutes.
func (s signer) forCall(g grant, now time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.kept[g]; ok && now.Sub(k.at).Abs() < callToken/2 {
		return k.text, nil
	}
	text, err := s.sign(claims{Video: &g}, now, now.Add(callToken))
	if err != nil {
		return "", err
	}
	if len(s.kept) >= tokensKept {
		clear(s.kept)
	}
	s.kept[g] = keptToken{text, now}
	return text, nil
}

// sign returns a token that is valid until the given time.
func (s signer) sign(c claims, now, until time.Time) (string, error) {
	c.Issuer = s.key
	c.NotBefore, c.ExpiresAt = jwt.NewNumericDate(now.Add(-maxSkew)), jwt.NewNumericDate(until)
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(s.secret)
}
