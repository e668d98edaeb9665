package livekit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/provider"
)

// headerSignature holds a webhook's token, without the word Bearer. The token carries the body's hash.
const headerSignature = "Authorization"

// leeway is how far a token's times may be exceeded, as in LiveKit's own receiver.
const leeway = time.Minute

// keyring holds the secrets that verify an account's webhooks.
type keyring struct {
	// issuer is the account's key, which issues the tokens signed with own. Other secrets belong to other keys.
	issuer string
	own    []byte
	others [][]byte
	hint   string
}

func newKeyring(a provider.Account) keyring {
	k := keyring{issuer: a.APIKey, hint: "set " + a.Setting(variableSecret, "api_secret") + " to the secret of the key that signs the server's webhooks"}
	for _, s := range append([]string{a.WebhookSecret}, a.WebhookSecrets...) {
		switch s = strings.TrimSpace(s); s {
		case "":
		case strings.TrimSpace(a.APISecret):
			k.own = []byte(s)
		default:
			k.others = append(k.others, []byte(s))
		}
	}
	return k
}

func (k keyring) empty() bool { return len(k.own) == 0 && len(k.others) == 0 }

// with returns the keys and a request's own secrets.
func (k keyring) with(secrets []string) keyring {
	k.others = slices.Clip(k.others)
	for _, s := range secrets {
		if s = strings.TrimSpace(s); s != "" {
			k.others = append(k.others, []byte(s))
		}
	}
	return k
}

// verify checks a request's token, and the body by the hash in it. reason is for people and empty only if verified.
func (k keyring) verify(r provider.WebhookRequest) (verdict provider.Verdict, missing bool, reason string) {
	token := strings.TrimSpace(r.Header.Get(headerSignature))
	switch {
	case k.empty():
		return provider.Unverified, false, "no secret to check the signature with: " + k.hint
	case token == "":
		return provider.Rejected, true, "no signature: the header " + headerSignature + " is missing"
	case strings.ContainsAny(token, " \t"):
		return provider.Rejected, false, "the signature is not LiveKit's: LiveKit sends the token without a prefix such as Bearer"
	}
	c, why := k.read(token, r.ReceivedAt)
	if why != "" {
		return provider.Rejected, false, why
	}
	switch {
	case c.SHA256 == "":
		return provider.Rejected, false, "the token is not for a webhook: it has no hash of a body"
	case !c.holds(r.Body):
		return provider.Rejected, false, wrongBody
	}
	return provider.Verified, false, ""
}

// hash returns a body's hash as tokens hold it.
func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// holds reports whether a token holds a body's hash.
func (c claims) holds(body []byte) bool {
	return subtle.ConstantTimeCompare([]byte(hash(body)), []byte(c.SHA256)) == 1
}

// The beginnings of the reasons for a signature that no secret makes.
const (
	wrongKey  = "the signature is wrong"
	wrongBody = "the body was changed after signing: its hash differs"
)

func isWrong(reason string) bool { return strings.HasPrefix(reason, wrongKey) || reason == wrongBody }

// SignatureKey returns the key that LiveKit signs with for a secret; see [provider.SignatureTester].
func (p *Provider) SignatureKey(secret string) ([]byte, bool) {
	secret = strings.TrimSpace(secret)
	return []byte(secret), secret != ""
}

// SignedWith reports whether a key makes the request's token and the token holds the body's hash; see [provider.SignatureTester].
func (p *Provider) SignedWith(r provider.WebhookRequest, key []byte) bool {
	var c claims
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation()).ParseWithClaims(
		strings.TrimSpace(r.Header.Get(headerSignature)), &c, func(*jwt.Token) (any, error) { return key, nil })
	return err == nil && c.holds(r.Body)
}

// read checks a token with every secret. Its times are compared with the request's arrival.
func (k keyring) read(token string, at time.Time) (claims, string) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return at }),
	)
	try := func(secret []byte, issuer string) (claims, error) {
		var c claims
		_, err := parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return secret, nil })
		if err == nil && issuer != "" && c.Issuer != issuer {
			err = errIssuer
		}
		return c, err
	}
	var why error
	for i, secret := range append([][]byte{k.own}, k.others...) {
		issuer := ""
		if i == 0 {
			issuer = k.issuer
		}
		if len(secret) == 0 {
			continue
		}
		c, err := try(secret, issuer)
		if err == nil {
			return c, ""
		}
		if why == nil || errors.Is(why, jwt.ErrTokenSignatureInvalid) {
			why = err
		}
	}
	return claims{}, k.explain(why, token, at)
}

var errIssuer = errors.New("the token was signed with another key")

// explain returns why a token is refused, without quoting it.
func (k keyring) explain(err error, token string, at time.Time) string {
	if t, _, e := jwt.NewParser().ParseUnverified(token, &claims{}); e == nil && t.Method.Alg() != jwt.SigningMethodHS256.Alg() {
		if t.Method == jwt.SigningMethodNone {
			return "the token is not signed: its algorithm is none"
		}
		return "the token is signed with " + t.Method.Alg() + ", but LiveKit uses HS256"
	}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "the signature is stale: " + distance(token, at, "expired %s ago", expiry)
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return "the signature is from the future: " + distance(token, at, "valid in %s", start)
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "the token has no expiry"
	case errors.Is(err, errIssuer):
		return "the token was issued by a key other than " + k.issuer
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		var c claims
		if _, _, e := jwt.NewParser().ParseUnverified(token, &c); e == nil && c.Issuer != "" && c.Issuer != k.issuer {
			return "the signature is wrong: it was made with a key other than this account's"
		}
		return "the signature is wrong: the secret differs"
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return "the signature can't be checked: its algorithm isn't HS256"
	}
	return "the signature is not a token"
}

func expiry(c claims) *jwt.NumericDate { return c.ExpiresAt }
func start(c claims) *jwt.NumericDate  { return c.NotBefore }

// distance describes how far one of a token's times is from at.
func distance(token string, at time.Time, format string, of func(claims) *jwt.NumericDate) string {
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil || of(c) == nil {
		return "its time is wrong"
	}
	d := at.Sub(of(c).Time).Abs()
	if d > 100*365*24*time.Hour {
		return fmt.Sprintf(format, "over a century")
	}
	return fmt.Sprintf(format, d.Round(time.Second))
}

// seal returns the headers of a webhook, signed as the server does.
func seal(issuer string, secret, body []byte, at time.Time) (http.Header, error) {
	c := claims{SHA256: hash(body)}
	c.Issuer = issuer
	c.IssuedAt, c.NotBefore, c.ExpiresAt = jwt.NewNumericDate(at), jwt.NewNumericDate(at), jwt.NewNumericDate(at.Add(5*time.Minute))
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
	if err != nil {
		return nil, err
	}
	return http.Header{"Content-Type": {"application/webhook+json"}, headerSignature: {token}}, nil
}
