// Package sandbox is a server that speaks the wire protocols of Daily, Whereby and LiveKit, for demonstrations and for tests: of
// Greenroom itself and, by [World.Handler], of any other program in any language.
//
// One [World] holds the platforms, their rooms and the simulated people in the rooms. Programs talk to it as to the platforms: over
// HTTP, with the platforms' keys, errors, limits and webhooks. It shares no code with Greenroom's clients: its signatures follow the
// platforms' documents, so that agreement proves something.
//
// # Promises
//
//   - Requests are validated strictly: unknown properties, wrong types, values outside an enumeration and ends in the past are
//     refused with the platform's status and error code.
//   - All timing follows [Options.Clock]. With a fake clock, nothing happens until it is advanced. Then everything that was due has
//     happened, with the times at which it was due, before the next request is answered or [World.Settle] returns.
//   - The same seed and the same calls give the same ids, names and faults.
//   - All methods are safe for concurrent use. [World.Close] ends every goroutine.
//
// It has no durability, no media beyond silent audio, and nothing of the platforms' browser code. Daily's batch, transcription,
// streaming, dialling, session-data and log calls and Whereby's transcriptions and summaries answer 404; their events can be sent
// with [World.Emit].
//
// Where the platforms' documents leave a point open, the sandbox decides: people in a deleted Daily room stay
// until they leave or are ejected; people in a deleted Whereby room are removed; an unknown Daily room has no presence (404), an
// empty one an empty list; start and stop of a recording answer {}. Of LiveKit's API it has the calls that Greenroom makes. Its
// rooms, tokens and webhooks are as on a real server, its media is not.
//
// # Layout
//
// [World.Handler] serves Daily's API under /daily/v1, Whereby's under /whereby/v1, LiveKit's under /livekit, the pages
// behind guest and host links under /join/, recordings under /files/, and the control API under /sandbox/. [World.Daily],
// [World.Whereby] and [World.LiveKit] serve one platform each at the root, with or without /v1.
//
// # Control API
//
// JSON in and out, errors are {"error":"…"}. It has no authentication and refuses requests of browsers: listen on
// loopback only. PLATFORM is daily, whereby or livekit; durations are Go's ("1m30s").
//
//	GET    /sandbox/info                                keys, secrets, base URLs
//	GET    /sandbox/clock                               {"now"}
//	POST   /sandbox/clock             {"advance":"30s"} settles, advances, settles; on a fake clock only
//	POST   /sandbox/settle                              answers when everything due has happened and was delivered
//	GET    /sandbox/rooms                               every room with its people and recordings
//	GET    /sandbox/rooms/PLATFORM/ROOM
//	POST   /sandbox/rooms/PLATFORM/ROOM/join            [Person] → {"session"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/knock           [Person] → {"session"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/admit           {"session"} → {"session"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/deny            {"session"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/leave           {"session","reason"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/drop            {"session"}: the connection is lost, noticed later
//	POST   /sandbox/rooms/PLATFORM/ROOM/end             everyone leaves
//	POST   /sandbox/rooms/PLATFORM/ROOM/record/start    → {"recording"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/record/finish   {"recording"}, or {} for all that are running
//	POST   /sandbox/rooms/PLATFORM/ROOM/record/fail     {"recording"}
//	POST   /sandbox/rooms/PLATFORM/ROOM/record/past     {"for","bytes_per_second"} → {"recording"}: one that is ready
//	POST   /sandbox/rooms/PLATFORM/ROOM/play            [Script]
//	GET    /sandbox/webhooks                            every configured webhook
//	POST   /sandbox/webhooks/PLATFORM                   {"url","secret","events"} → {"id"}: the platform's dashboard
//	DELETE /sandbox/webhooks/PLATFORM                   removes all of the platform's
//	GET    /sandbox/deliveries                          the last thousand attempts
//	POST   /sandbox/emit/PLATFORM                       {"type","payload"}: any event, signed
//	GET    /sandbox/faults
//	POST   /sandbox/faults                              [Fault] → {"id"}
//	DELETE /sandbox/faults                              clears all
package sandbox
