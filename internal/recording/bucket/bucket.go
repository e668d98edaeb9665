// Package bucket finds recordings that platforms write into the user's buckets: by a queue with notifications of new objects, and by
// listing buckets for objects that the queue missed.
//
// It promises:
//   - A message is deleted only after the handler has returned nil, which means that its objects are durably stored. After a crash it
//     arrives again: handlers must be idempotent by bucket and key.
//   - A message that isn't about one of the configured buckets, or can't be parsed, is never deleted: it may belong to another program.
//     It is hidden for a while and then returns, and [Status] reports it. It delays no other message.
//   - An object that the handler refuses delays no other.
//
// It doesn't promise an order, or that each object is reported once. Queues have neither.
package bucket

import "time"

// Object is one object in a bucket, from a message or a listing.
type Object struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Size is in bytes, 0 when unknown.
	Size int64 `json:"size"`
	// ETag has no quotes. Version is empty if the bucket keeps no versions. Sequencer orders the events about one key. Each is empty
	// when unknown.
	ETag      string `json:"etag,omitempty"`
	Version   string `json:"version,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
	// At is when the object was created, zero when unknown.
	At time.Time `json:"at,omitzero"`
}
