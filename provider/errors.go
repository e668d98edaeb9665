package provider

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// Kind classifies an error so that callers can act on it. A Kind is an error itself: errors.Is(err, NotFound).
type Kind string

// The kinds.
const (
	NotFound        Kind = "not found"
	Unauthenticated Kind = "unauthenticated"
	Forbidden       Kind = "forbidden"
	Invalid         Kind = "invalid"
	Conflict        Kind = "conflict"
	RateLimited     Kind = "rate limited"
	Unavailable     Kind = "unavailable"
	Unsupported     Kind = "unsupported"
	// NotReady means that it will work in a moment, or once someone is in the meeting.
	NotReady Kind = "not ready"
)

// Error makes a Kind usable as the target of errors.Is.
func (k Kind) Error() string { return string(k) }

// ErrPartial comes with a presence reading that doesn't show who is absent.
var ErrPartial = errors.New("the platform can't list the other participants")

// Error is an answer or failure of a platform, classified for the caller.
type Error struct {
	Kind     Kind
	Platform Platform
	// Account is the name of the account of the call; may be empty.
	Account string
	// Op is the operation: `create room "standup-20251122100000"`.
	Op string
	// Status is the HTTP status, 0 without an answer.
	Status int
	// Code and Text are the platform's own words, redacted: Daily's error and info.
	Code string
	Text string
	// Hint is the remedy for the user; empty if only waiting helps.
	Hint string
	// RetryAfter is the wait that the platform asks for, 0 if unknown.
	RetryAfter time.Duration
	// Err is the cause: a transport or decoding error.
	Err error
}

// Error returns one line: platform, operation, kind, and the platform's own words.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Platform != "" {
		b.WriteString(string(e.Platform) + ": ")
	}
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(string(e.Kind))
	if e.Code != "" && !strings.EqualFold(e.Code, string(e.Kind)) {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	} else if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Plain returns a sentence for people, without the technical chain and the hint: "Daily refused the API key (account acme)".
func (e *Error) Plain() string {
	name := e.Platform.Title()
	if name == "" {
		return e.Error()
	}
	account, detail := "", cmp.Or(e.Text, e.Code)
	if e.Account != "" {
		account = " (account " + e.Account + ")"
	}
	if detail != "" {
		detail = ": " + detail
	}
	switch e.Kind {
	case Unauthenticated:
		return name + " refused the API key" + account
	case RateLimited:
		return name + " is limiting the rate of calls" + account
	case Forbidden:
		return name + " doesn't allow this" + account + detail
	case NotFound:
		return name + " doesn't have it" + account + detail
	case Unavailable:
		return name + " gave no usable response" + account + detail
	}
	return name + " refused the request" + account + detail
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is e's kind, for errors.Is.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of the first [*Error] or Kind in err's chain, or "".
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	k, _ := errors.AsType[Kind](err)
	return k
}

// HintOf returns the hint of the first [*Error] in err's chain.
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// Amend returns a changed copy of the first [*Error] in err's chain, or err if there is none.
func Amend(err error, change func(*Error)) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	amended := *e
	change(&amended)
	return &amended
}

// Says reports whether the text of the first [*Error] in err's chain contains one of the given words. They must be in lower case; the
// text may have any case.
func Says(err error, words ...string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(e.Text), w) })
}

// RetryAfter returns the wait that a platform asks for in err, a minute at most; 0 for none.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return min(e.RetryAfter, time.Minute)
	}
	return 0
}
