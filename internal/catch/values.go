package catch

import (
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// fresh adds to a verdict whether the signature's time is near the arrival. The time is in seconds or milliseconds.
func fresh(v Verdict, stamp string, received time.Time) Verdict {
	if !v.OK {
		return v
	}
	n, err := strconv.ParseInt(strings.TrimSpace(stamp), 10, 64)
	if err != nil || n < 0 || n > 1e15 {
		return Verdict{Reason: "the signature's time is not a time"}
	}
	at := time.Unix(n, 0)
	if n > 1e11 {
		at = time.UnixMilli(n)
	}
	switch age := received.Sub(at); {
	case age > window:
		return Verdict{Reason: fmt.Sprintf("the signature is stale: %s old", span(age))}
	case age < -window:
		return Verdict{Reason: fmt.Sprintf("the signature is from the future: %s ahead", span(-age))}
	}
	return v
}

// span is a duration in words; a long one in days.
func span(d time.Duration) string {
	if days := d / (24 * time.Hour); days >= 2 {
		return strconv.Itoa(int(days)) + " days"
	}
	return d.Round(time.Second).String()
}

// equal reports whether a sum is one of those given, in constant time.
func equal(sum []byte, given ...[]byte) bool {
	right := false
	for _, g := range given {
		right = hmac.Equal(sum, g) || right
	}
	return right
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s != ""
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// maxText is the longest text that is kept of an event, in bytes.
const maxText = 200

// textAt returns the first text that a body has at one of the paths, "" if it isn't JSON.
func textAt(body []byte, paths ...string) string {
	for _, path := range paths {
		if v := gjson.GetBytes(body, path); v.Type == gjson.String && gjson.ValidBytes(body) {
			return clip(v.Str)
		}
	}
	return ""
}

// clip shortens a text to maxText bytes, at the end of a character.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "") // without a part of a character
}
