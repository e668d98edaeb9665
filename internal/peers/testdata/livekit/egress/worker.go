package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/livekit/protocol/egress"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
)

// worker serves requests for recordings.
type worker struct {
	server, key, secret, video, audio string
	bus                               psrpc.MessageBus
	io                                rpc.IOInfoClient

	mu   sync.Mutex
	runs map[string]*run
	// held are the rooms whose recordings stay in EGRESS_STARTING. full refuses everything, as a service without capacity does.
	held map[string]bool
	full bool
}

// run is one recording.
type run struct {
	w    *worker
	rpc  rpc.EgressHandlerServer
	to   *livekit.S3Upload
	file string // its content
	// stopping means that its end has begun.
	stopping bool

	mu   sync.Mutex
	info *livekit.EgressInfo
}

// invalid is the real service's refusal of a request.
func invalid(field string) error {
	return psrpc.NewErrorf(psrpc.InvalidArgument, "request has missing or invalid field: %s", field)
}

// StartEgressAffinity implements [rpc.EgressInternalServerImpl].
func (w *worker) StartEgressAffinity(context.Context, *rpc.StartEgressRequest) float32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return -1
	}
	return 0.5
}

// StartEgress implements [rpc.EgressInternalServerImpl]. The server learns of the recording before it gets the answer.
func (w *worker) StartEgress(ctx context.Context, in *rpc.StartEgressRequest) (*livekit.EgressInfo, error) {
	r := &run{w: w, file: w.video, info: &livekit.EgressInfo{
		EgressId: in.EgressId, RoomId: in.RoomId, Status: livekit.EgressStatus_EGRESS_STARTING, UpdatedAt: time.Now().UnixNano(),
	}}
	var err error
	switch q := in.Request.(type) {
	case *rpc.StartEgressRequest_RoomComposite:
		err = r.composite(q.RoomComposite)
	case *rpc.StartEgressRequest_Track:
		err = r.track(ctx, q.Track)
	case *rpc.StartEgressRequest_Web:
		err = invalid("url") // pages aren't recorded here
	default:
		err = invalid("request")
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.io.CreateEgress(ctx, r.info); err != nil {
		return nil, err
	}
	if r.rpc, err = rpc.NewEgressHandlerServer(r, w.bus); err != nil {
		return nil, err
	}
	if err := r.rpc.RegisterStopEgressTopic(in.EgressId); err != nil {
		return nil, err
	}
	w.mu.Lock()
	held := w.held[r.info.RoomName]
	w.runs[in.EgressId] = r
	w.mu.Unlock()
	answer := proto.Clone(r.info).(*livekit.EgressInfo)
	say(r.info, "starting")
	if !held {
		go r.begin()
	}
	return answer, nil
}

// ListActiveEgress implements [rpc.EgressInternalServerImpl].
func (w *worker) ListActiveEgress(context.Context, *rpc.ListActiveEgressRequest) (*rpc.ListActiveEgressResponse, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := &rpc.ListActiveEgressResponse{}
	for id := range w.runs {
		out.EgressIds = append(out.EgressIds, id)
	}
	return out, nil
}

// composite reads the request for a recording of a whole room.
func (r *run) composite(q *livekit.RoomCompositeEgressRequest) error {
	if q.RoomName == "" {
		return invalid("room_name")
	}
	if len(q.FileOutputs) != 1 || q.FileOutputs[0].GetS3() == nil {
		return invalid("output")
	}
	out := q.FileOutputs[0]
	r.to = proto.Clone(out.GetS3()).(*livekit.S3Upload)
	clone := proto.Clone(q).(*livekit.RoomCompositeEgressRequest)
	egress.RedactEncodedOutputs(clone)
	r.info.RoomName, r.info.Request = q.RoomName, &livekit.EgressInfo_RoomComposite{RoomComposite: clone}
	r.info.FileResults = []*livekit.FileInfo{{Filename: out.Filepath}}
	return nil
}

// track reads the request for a recording of one track, which the real service finds by joining the room.
func (r *run) track(ctx context.Context, q *livekit.TrackEgressRequest) error {
	if q.RoomName == "" || q.TrackId == "" {
		return invalid("room_name or track_id")
	}
	if q.GetFile().GetS3() == nil {
		return invalid("output")
	}
	kind, err := r.w.kindOf(ctx, q.RoomName, q.TrackId)
	if err != nil {
		return err
	}
	name := q.GetFile().Filepath + ".webm"
	if kind == livekit.TrackType_AUDIO {
		name, r.file = q.GetFile().Filepath+".ogg", r.w.audio
	}
	r.to = proto.Clone(q.GetFile().GetS3()).(*livekit.S3Upload)
	clone := proto.Clone(q).(*livekit.TrackEgressRequest)
	egress.RedactDirectOutputs(clone)
	r.info.RoomName, r.info.Request = q.RoomName, &livekit.EgressInfo_Track{Track: clone}
	r.info.FileResults = []*livekit.FileInfo{{Filename: name}}
	return nil
}

// kindOf asks the server for the kind of a track.
func (w *worker) kindOf(ctx context.Context, room, track string) (livekit.TrackType, error) {
	ctx, err := asAdmin(ctx, w.key, w.secret, room)
	if err != nil {
		return 0, err
	}
	people, err := livekit.NewRoomServiceProtobufClient(w.server, http.DefaultClient).ListParticipants(ctx, &livekit.ListParticipantsRequest{Room: room})
	if err != nil {
		return 0, err
	}
	for _, p := range people.Participants {
		for _, t := range p.Tracks {
			if t.Sid == track {
				return t.Type, nil
			}
		}
	}
	return 0, psrpc.NewErrorf(psrpc.NotFound, "track %s not found", track)
}

// command carries out a line of the standard input:
//
//	hold ROOM      recordings of the room stay in EGRESS_STARTING
//	full on|off    refuse everything, or not any more
//	go ID          let a held recording start
//	end ID         end it as when everyone has left: EGRESS_COMPLETE
//	abort ID       EGRESS_ABORTED without a file
//	cut ID         EGRESS_ABORTED with a file
//	limit ID       EGRESS_LIMIT_REACHED with a file
//	fail ID        EGRESS_FAILED
func (w *worker) command(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	w.mu.Lock()
	r := w.runs[rest]
	switch word {
	case "hold":
		w.held[rest] = true
	case "full":
		w.full = rest == "on"
	}
	w.mu.Unlock()
	switch {
	case word == "hold", word == "full":
		fmt.Println(word, rest)
		return nil
	case r == nil:
		return fmt.Errorf("no recording %q", rest)
	}
	switch word {
	case "go":
		go r.begin()
	case "end":
		go r.finish("Source closed")
	case "abort":
		go r.end(livekit.EgressStatus_EGRESS_ABORTED, "Start signal not received", http.StatusPreconditionFailed, false)
	case "cut":
		go r.end(livekit.EgressStatus_EGRESS_ABORTED, "Stop called before pipeline could start", http.StatusPreconditionFailed, true)
	case "limit":
		go r.end(livekit.EgressStatus_EGRESS_LIMIT_REACHED, "Session limit reached", http.StatusRequestEntityTooLarge, true)
	case "fail":
		go r.end(livekit.EgressStatus_EGRESS_FAILED, "page load error: ERR_CONNECTION_REFUSED", http.StatusInternalServerError, false)
	default:
		return fmt.Errorf("no command %q", word)
	}
	return nil
}
