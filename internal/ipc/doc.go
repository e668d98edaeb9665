// Package ipc lets many terminals share one store. bbolt allows one process; the process that holds the store's lock is
// its owner and serves [app.Backend] on a unix socket, and every other process is its [Client]. [Open] decides which of the
// two a process is, and changes that when the owner exits.
//
// The wire is JSON over HTTP/1.1: GET /v1/hello, POST /v1/{Method} for every call of Backend, and two streams, GET
// /v1/subscribe (one change per line) and GET /v1/alive (nothing but heartbeats). Package gen writes both ends of each call
// from the interface in internal/app/contract.go.
//
// Promises:
//
//   - Only the holder of the lock binds or removes the socket, so there is never more than one owner, and an owner that
//     was killed leaves nothing that blocks others.
//
//   - Errors arrive as [app.Error] with kind, text and hint. A caller's cancellation ends the call on the owner's side too.
//
//   - A call that never reached an owner is repeated with the next one, as are calls that only read, and Ingest, which is
//     safe because events are recognised by their provider ids. A call that changes something and may have been carried out
//     is not repeated: it fails as unavailable, and its hint says why.
//
//   - A subscription survives the owner. Its reader gets [app.Missed] with the next one, and reads everything again.
//
//   - A slow reader of a stream loses changes, is informed by Missed, and slows no one.
//
//   - No data is exchanged with another user: both sides check the folder, the socket and the peer first (package private).
//     The path recorded in the lock file is checked like any other.
//
// Not promised: protection against root or other programs of the same user. Anyone who can open the socket can do what the
// user can. On Windows the access list of the user's temporary folder applies.
package ipc
