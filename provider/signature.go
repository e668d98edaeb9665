package provider

// SignatureTester compares a request's signature with single keys, to find out why it is wrong. The verdict is that of
// [Provider].ReadWebhook.
type SignatureTester interface {
	// SignatureKey returns the bytes that the platform signs with for a secret. ok is false if the secret isn't in its form.
	SignatureKey(secret string) (key []byte, ok bool)
	// SignedWith reports whether a key makes the request's signature, regardless of its time. It reads the body once.
	SignedWith(r WebhookRequest, key []byte) bool
}
