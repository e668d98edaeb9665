package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// signDaily returns X-Webhook-Signature (A9): base64 of the HMAC-SHA256, keyed with the decoded secret, of timestamp, dot and raw
// body.
func signDaily(secret, timestamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("sandbox: the hmac is not base64: %w", err)
	}
	return base64.StdEncoding.EncodeToString(mac(key, timestamp, body)), nil
}

// signWhereby returns Whereby-Signature (B6): the time in seconds and the hexadecimal HMAC-SHA256, keyed with the secret's own
// text, of time, dot and raw body.
func signWhereby(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac([]byte(secret), t, body))
}

func mac(key []byte, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}
