package app

import (
	"errors"

	"greenroom/provider"
)

// Error is an error with a kind and a hint that survives the local socket. Commands turn the kind into an exit code,
// screens show the hint.
type Error struct {
	Kind provider.Kind `json:"kind"`
	Text string        `json:"text"`
	// Plain is the text in a sentence for people, without the technical chain; empty where Text is one.
	Plain string `json:"plain,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Platform is set when it was a platform that refused, rather than Greenroom.
	Platform provider.Platform `json:"platform,omitempty"`
	// Err is the cause in-process; it does not cross the socket.
	Err error `json:"-"`
}

// The kinds that the application adds to the platforms' own.
const (
	// NotConfigured means that a setting is missing; the hint says which.
	NotConfigured provider.Kind = "not configured"
	// Busy means that too much is waiting already: try again shortly.
	Busy provider.Kind = "busy"
)

// Error is the text without the hint.
func (e *Error) Error() string { return e.Text }

// Sentence is the error for people, without its hint.
func (e *Error) Sentence() string {
	if e.Plain != "" {
		return e.Plain
	}
	return e.Text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is work on kinds.
func (e *Error) Is(target error) bool {
	k, ok := target.(provider.Kind)
	return ok && k == e.Kind
}

// AsError makes err an [*Error] that keeps its kind and hint. nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Error() == err.Error() {
			return e
		}
		return &Error{Kind: e.Kind, Text: err.Error(), Plain: e.Plain, Hint: e.Hint, Platform: e.Platform, Err: err}
	}
	out := &Error{Kind: provider.KindOf(err), Text: err.Error(), Hint: provider.HintOf(err), Err: err}
	var p *provider.Error
	if errors.As(err, &p) {
		out.Platform = p.Platform
		if p.Platform != "" {
			out.Plain = p.Plain()
		}
	}
	return out
}
