package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// uuid returns a version 4 UUID from the world's own randomness, so that a seed repeats it. It is no secret.
func (w *World) uuid() string {
	hi, lo := w.rng.Uint64(), w.rng.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(0xc000<<48) | 0x8000<<48
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}

// word returns n random letters and digits of the alphabet.
func (w *World) word(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[w.rng.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	lowerHex     = "0123456789abcdef"
	digits       = "0123456789"
)

var uuidShape = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// iso is the time format of both platforms: UTC with milliseconds.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// seconds is Daily's fractional unix time of webhooks, to the millisecond.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// unlessZero returns a time in a format, or null for the zero time.
func unlessZero[T any](t time.Time, format func(time.Time) T) any {
	if t.IsZero() {
		return nil
	}
	return format(t)
}

// orNull returns a text, or null for an empty one.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// first returns the first element that fits.
func first[T any](all []T, fits func(T) bool) (t T, found bool) {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], true
	}
	return t, false
}
