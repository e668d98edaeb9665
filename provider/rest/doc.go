// Package rest is the one HTTP client that providers of JSON APIs share: what they all must get right about calling
// somebody else's server is here, once.
//
// It promises:
//   - Every call ends: ten seconds an attempt, a bounded number of attempts, and the caller's context at every wait.
//   - A call that may have succeeded is repeated only when repeating it is harmless ([Call.Idempotent]). Otherwise its
//     error satisfies errors.Is(err, [ErrMaybeDone]), and the caller finds out what happened.
//   - Calls are paced within the limits that the platform publishes, and what the platform says about them while we
//     call (Retry-After, X-RateLimit-*) is obeyed by every call of the class, not only by the one that was told.
//   - Every error is a [*provider.Error]: kind, the platform's own words made safe for a terminal and short, a hint.
//   - No secret is in any error: keys are replaced wherever they appear, and so is whatever looks like a token.
//   - No redirect is followed, so that credentials reach no other host.
//   - An answer that isn't JSON, is cut, is too large or is an error in disguise is an error, never an empty value.
//
// It keeps nothing between calls but the limits, and starts no goroutine. A [Client] is safe for concurrent use.
package rest
