// Package bucket finds recordings that platforms write into a bucket of the user's: by a queue that tells of new objects, and
// by listing the bucket for what the queue missed.
//
// What it promises:
//   - A message leaves the queue only after the handler has returned nil, which means that what it tells is durable. A process
//     killed in between hears the same again: handlers must be idempotent by bucket and key.
//   - A message that isn't about one of the configured buckets, or that can't be read, is never deleted: it may be somebody
//     else's, or worth a look. It is hidden for a while and then goes back, and [Status] says so. It holds up no other message.
//   - One object that the handler refuses holds up no other.
//
// What it does not promise: order, and that each object is told once. Queues have neither.
package bucket

import "time"

// Object is one object of a bucket, as a message or a listing tells of it. Bucket and key are always there.
type Object struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Size in bytes, 0 when it wasn't told.
	Size int64 `json:"size"`
	// ETag without quotes, Version where the bucket keeps versions, and Sequencer, by which events about one key can be put in
	// order; empty when not told.
	ETag      string `json:"etag,omitempty"`
	Version   string `json:"version,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
	// At is when the object was made, zero when not told.
	At time.Time `json:"at,omitzero"`
}
