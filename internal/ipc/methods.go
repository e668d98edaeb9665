package ipc

import (
	"context"
	"encoding/json"

	"greenroom/internal/app"
	"greenroom/provider"
)

// method is one call of Backend.
type method struct {
	name  string
	limit int64
	// call decodes the request, makes the call and encodes its result.
	call func(ctx context.Context, body []byte) ([]byte, error)
}

// methodsOf is what can be called on b, by name: every method of the interface but Subscribe.
//
// The list is written out. Were methods looked up by name, the linker could not know which ones are used, and would keep all
// of every type in the program: with the libraries that speak to AWS, these are several megabytes.
func methodsOf(b app.Backend) map[string]method {
	out := make(map[string]method)
	for _, m := range []method{
		of("Status", b.Status),
		of("Rooms", b.Rooms),
		of("Room", b.Room),
		of("CreateRoom", b.CreateRoom),
		of("EditRoom", b.EditRoom),
		of("DeleteRoom", b.DeleteRoom),
		of("Meetings", b.Meetings),
		of("Meeting", b.Meeting),
		of("StartMeeting", b.StartMeeting),
		of("EndMeeting", b.EndMeeting),
		of("MeetingLink", b.MeetingLink),
		of("Recordings", b.Recordings),
		of("Recording", b.Recording),
		of("DownloadRecording", b.DownloadRecording),
		of("PauseDownload", b.PauseDownload),
		of("CancelDownload", b.CancelDownload),
		of("DeleteRecording", b.DeleteRecording),
		of("IgnoreRecording", b.IgnoreRecording),
		of("RerunCommand", b.RerunCommand),
		of("SkipCommand", b.SkipCommand),
		of("NoteVerification", b.NoteVerification),
		of("Counts", b.Counts),
		of("LimitDownloads", b.LimitDownloads),
		of("PlatformRooms", b.PlatformRooms),
		of("AdoptRoom", b.AdoptRoom),
		of("StartRecording", b.StartRecording),
		of("StopRecording", b.StopRecording),
		of("Eject", b.Eject),
		of("Consent", b.Consent),
		of("Diagnose", b.Diagnose),
		of("Events", b.Events),
		of("Event", b.Event),
		of("Forwards", b.Forwards),
		of("SetForward", b.SetForward),
		of("Maintain", b.Maintain),
		of("Ingest", b.Ingest),
		of("IngestBatch", b.IngestBatch),
		of("TunnelState", b.TunnelState),
		of("ReportTunnel", b.ReportTunnel),
		of("ProbeTunnel", b.ProbeTunnel),
		of("RegisterWebhook", b.RegisterWebhook),
		of("SignWebhook", b.SignWebhook),
	} {
		if m.limit = limitCall; m.name == "Ingest" || m.name == "IngestBatch" {
			m.limit = limitIngest
		}
		out[m.name] = m
	}
	return out
}

// of makes a method of a function of its shape.
func of[Request, Result any](name string, f func(context.Context, Request) (Result, error)) method {
	return method{name: name, call: func(ctx context.Context, body []byte) ([]byte, error) {
		var r Request
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, &app.Error{Kind: provider.Invalid, Text: "request of " + name + ": " + err.Error(), Err: err}
		}
		result, err := f(ctx, r)
		if err != nil {
			return nil, err
		}
		return json.Marshal(result)
	}}
}
