package app

import (
	"cmp"
	"errors"
	"fmt"

	"greenroom/provider"
)

// Error is an error with a kind and a hint, which survive the local socket. Commands turn the kind into an exit status; screens
// show the hint.
type Error struct {
	Kind provider.Kind `json:"kind"`
	Text string        `json:"text"`
	// Plain is a sentence for people, without the technical chain; empty if Text is one.
	Plain string `json:"plain,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Platform is set if the platform refused, rather than Greenroom.
	Platform provider.Platform `json:"platform,omitempty"`
	// Err is the cause in-process; it does not cross the socket.
	Err error `json:"-"`
}

// The kinds that the application adds to the platforms' own.
const (
	// NotConfigured means that a setting is missing, which the hint names.
	NotConfigured provider.Kind = "not configured"
	// Busy means that too many requests wait: try again shortly.
	Busy provider.Kind = "busy"
)

// Errorf returns an [*Error] of a kind with a formatted text. The hint may be empty. It isn't inlined, which would add 20 kB to the
// program.
//
//go:noinline
func Errorf(kind provider.Kind, hint, format string, args ...any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// Error returns the text without the hint.
func (e *Error) Error() string { return e.Text }

// Sentence returns the error for people, without its hint.
func (e *Error) Sentence() string { return cmp.Or(e.Plain, e.Text) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is work on kinds.
func (e *Error) Is(target error) bool {
	k, ok := target.(provider.Kind)
	return ok && k == e.Kind
}

// AsError returns err as an [*Error] with its kind and hint, nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Error() == err.Error() {
			return e
		}
		return &Error{Kind: e.Kind, Text: err.Error(), Plain: e.Plain, Hint: e.Hint, Platform: e.Platform, Err: err}
	}
	out := &Error{Kind: provider.KindOf(err), Text: err.Error(), Hint: provider.HintOf(err), Err: err}
	if p, ok := errors.AsType[*provider.Error](err); ok && p.Platform != "" {
		out.Platform, out.Plain = p.Platform, p.Plain()
	}
	return out
}
