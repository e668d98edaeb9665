package provider_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"greenroom/provider"
)

var kinds = []provider.Kind{
	provider.NotFound, provider.Unauthenticated, provider.Forbidden, provider.Invalid, provider.Conflict,
	provider.RateLimited, provider.Unavailable, provider.Unsupported,
	provider.NotReady,
}

func TestErrorsIsWorksOnKinds(t *testing.T) {
	for _, k := range kinds {
		err := fmt.Errorf("hub: start meeting: %w", &provider.Error{Kind: k, Hint: "try", Err: context.Canceled})
		for _, other := range kinds {
			if errors.Is(err, other) != (other == k) {
				t.Errorf("a %q is a %q", k, other)
			}
		}
		if provider.KindOf(err) != k || provider.HintOf(err) != "try" || !errors.Is(err, context.Canceled) {
			t.Errorf("%q: kind %q, hint %q", k, provider.KindOf(err), provider.HintOf(err))
		}
		if wrapped := fmt.Errorf("x: %w", k); provider.KindOf(wrapped) != k || provider.HintOf(wrapped) != "" {
			t.Errorf("a bare %q is %q", k, provider.KindOf(wrapped))
		}
	}
	if other := errors.New("x"); provider.KindOf(other) != "" || provider.HintOf(other) != "" || provider.KindOf(nil) != "" {
		t.Error("an error without a kind has one")
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("connection reset")
	for want, e := range map[string]provider.Error{
		"not found": {Kind: provider.NotFound},
		"daily: create room: conflict: taken": {
			Kind: provider.Conflict, Platform: provider.Daily, Op: "create room", Text: "taken", Err: cause,
		},
		"daily: invalid (invalid-request-error): no": {
			Kind: provider.Invalid, Platform: provider.Daily, Code: "invalid-request-error", Text: "no",
		},
		"not found: gone":               {Kind: provider.NotFound, Code: "Not Found", Text: "gone"},
		"unavailable: connection reset": {Kind: provider.Unavailable, Err: cause},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEventKindsAreDistinct(t *testing.T) {
	seen := map[provider.EventKind]bool{}
	for _, k := range provider.EventKinds() {
		if k == "" || seen[k] {
			t.Errorf("kind %q is there twice", k)
		}
		seen[k] = true
	}
	if len(seen) != 14 {
		t.Errorf("%d kinds", len(seen))
	}
}

func TestPlainError(t *testing.T) {
	for want, e := range map[string]provider.Error{
		"Daily refused the API key (account acme)":                         {Kind: provider.Unauthenticated, Platform: provider.Daily, Account: "acme", Op: "create room", Code: "authentication-error", Text: "no"},
		"Whereby is limiting the rate of calls (account whereby)":          {Kind: provider.RateLimited, Platform: provider.Whereby, Account: "whereby", Text: "throttle key"},
		"Daily doesn't allow this (account acme): no card on file":         {Kind: provider.Forbidden, Platform: provider.Daily, Account: "acme", Text: "no card on file"},
		"LiveKit gave no usable response: no response within 10s":          {Kind: provider.Unavailable, Platform: provider.LiveKit, Text: "no response within 10s"},
		"Daily doesn't have it (account acme): not-found":                  {Kind: provider.NotFound, Platform: provider.Daily, Account: "acme", Code: "not-found"},
		"Daily refused the request (account acme): exp is in the past":     {Kind: provider.Invalid, Platform: provider.Daily, Account: "acme", Text: "exp is in the past"},
		"read the list: unavailable: it is not there, and no one asked it": {Kind: provider.Unavailable, Op: "read the list", Text: "it is not there, and no one asked it"},
	} {
		if got := e.Plain(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// After a rate limit the result is unknown; after any other failure the check fails.
func TestFailedCheck(t *testing.T) {
	for _, kind := range kinds {
		err := fmt.Errorf("check: %w", &provider.Error{Kind: kind, Platform: provider.Daily, Hint: "wait 5s"})
		c := provider.FailedCheck("API key", err)
		if limited := kind == provider.RateLimited; c.OK || c.Unknown != limited || c.Optional != limited || c.Hint != "wait 5s" {
			t.Errorf("%s: %+v", kind, c)
		}
	}
}

func TestAmend(t *testing.T) {
	first := &provider.Error{Kind: provider.Invalid, Text: "Room DEMO Already exists"}
	wrapped := fmt.Errorf("create: %w", first)
	if !provider.Says(wrapped, "never", "already exists") || provider.Says(wrapped, "never") || provider.Says(errors.New("already exists"), "already exists") {
		t.Error("Says reads another text")
	}
	err := provider.Amend(wrapped, func(e *provider.Error) { e.Kind = provider.Conflict })
	if !errors.Is(err, provider.Conflict) || first.Kind != provider.Invalid {
		t.Errorf("%v; the first one is %v", err, first.Kind)
	}
	plain := errors.New("plain")
	if got := provider.Amend(plain, func(*provider.Error) { t.Error("called") }); got != plain {
		t.Errorf("%v", got)
	}
	if got := provider.Amend(nil, func(*provider.Error) { t.Error("called") }); got != nil {
		t.Errorf("%v", got)
	}
}
