// Package rest is the HTTP client shared by the providers of JSON APIs.
//
// It promises:
//   - Every call ends: ten seconds an attempt, a bounded number of attempts, and the caller's context at every wait.
//   - A call that may have succeeded is repeated only if that is harmless ([Call.Idempotent]). Otherwise its error
//     satisfies errors.Is(err, [ErrMaybeDone]), and the caller finds out what happened.
//   - Calls are paced within the limits that the platform publishes. What the platform reports about them meanwhile
//     (Retry-After, X-RateLimit-*) applies to every call of the class.
//   - Every error is a [*provider.Error]: kind, the platform's own words, shortened and safe for a terminal, a hint.
//   - No error contains a secret: keys are replaced wherever they appear, and so is anything that looks like a token.
//   - No redirect is followed, so credentials reach no other host.
//   - An answer that isn't JSON, is cut, is too large or is an error in disguise is an error, never an empty value.
//
// Only the limits are kept between calls, and no goroutine is started. A [Client] is safe for concurrent use.
package rest
