// Package bucket finds recordings that platforms write into a bucket of the user's: by a queue with notifications of new
// objects, and by listing the bucket for what the queue missed.
//
// What it promises:
//   - A message leaves the queue only after the handler has returned nil, which means that its objects are durably known. A
//     process that is killed in between receives it again: handlers must be idempotent by bucket and key.
//   - A message that isn't about one of the configured buckets, or that can't be read, is never deleted: it may belong to
//     another program, or be worth a look. It is hidden for a while and then returns, and [Status] says so. It delays no other
//     message.
//   - An object that the handler refuses delays no other.
//
// It does not promise order, nor that each object is reported once. Queues have neither.
package bucket

import "time"

// Object is one object of a bucket, from a message or a listing. Bucket and key are always there.
type Object struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Size in bytes, 0 when it is unknown.
	Size int64 `json:"size"`
	// ETag without quotes, Version where the bucket keeps versions, and Sequencer, which orders the events about one key;
	// empty when unknown.
	ETag      string `json:"etag,omitempty"`
	Version   string `json:"version,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
	// At is when the object was made, zero when unknown.
	At time.Time `json:"at,omitzero"`
}
