package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/protobuf/proto"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"github.com/livekit/psrpc"
	"github.com/twitchtv/twirp"
)

// asAdmin adds a token for the calls about a room.
func asAdmin(ctx context.Context, key, secret, room string) (context.Context, error) {
	token, err := auth.NewAccessToken(key, secret).SetVideoGrant(&auth.VideoGrant{RoomAdmin: true, Room: room}).ToJWT()
	if err != nil {
		return nil, err
	}
	return twirp.WithHTTPRequestHeaders(ctx, map[string][]string{"Authorization": {"Bearer " + token}})
}

// change changes the recording's state and reports it to the server.
func (r *run) change(state string, do func(*livekit.EgressInfo)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(r.info)
	r.info.UpdatedAt = time.Now().UnixNano()
	if _, err := r.w.io.UpdateEgress(context.Background(), proto.Clone(r.info).(*livekit.EgressInfo)); err != nil {
		fmt.Println("error", err)
		return
	}
	say(r.info, state)
}

// begin lets the recording run.
func (r *run) begin() {
	r.change("active", func(e *livekit.EgressInfo) {
		now := time.Now().UnixNano()
		e.Status, e.StartedAt, e.FileResults[0].StartedAt = livekit.EgressStatus_EGRESS_ACTIVE, now, now
	})
}

// ends reports whether the caller is the first to end the recording.
func (r *run) ends() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.stopping
	r.stopping = true
	return first
}

func (r *run) status() livekit.EgressStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info.Status
}

// StopEgress implements [rpc.EgressHandlerServerImpl]. A recording that hasn't started yet is aborted.
func (r *run) StopEgress(context.Context, *livekit.StopEgressRequest) (*livekit.EgressInfo, error) {
	if r.status() == livekit.EgressStatus_EGRESS_STARTING {
		go r.end(livekit.EgressStatus_EGRESS_ABORTED, "Stop called before pipeline could start", 412, false)
	} else {
		go r.finish("StopEgress API")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return proto.Clone(r.info).(*livekit.EgressInfo), nil
}

// UpdateStream and UpdateEgress implement [rpc.EgressHandlerServerImpl]; nothing is streamed here.
func (r *run) UpdateStream(context.Context, *livekit.UpdateStreamRequest) (*livekit.EgressInfo, error) {
	return nil, psrpc.ErrUnimplemented
}

// UpdateEgress implements [rpc.EgressHandlerServerImpl].
func (r *run) UpdateEgress(context.Context, *livekit.UpdateEgressRequest) (*livekit.EgressInfo, error) {
	return nil, psrpc.ErrUnimplemented
}

// finish ends the recording as it should.
func (r *run) finish(reason string) {
	if !r.ends() {
		return
	}
	r.change("ending", func(e *livekit.EgressInfo) {
		e.Status, e.Details = livekit.EgressStatus_EGRESS_ENDING, "end reason: "+reason
	})
	r.over(livekit.EgressStatus_EGRESS_COMPLETE, "", 0, true)
}

// end ends the recording in another way.
func (r *run) end(status livekit.EgressStatus, text string, code int32, written bool) {
	if r.ends() {
		r.over(status, text, code, written)
	}
}

var words = map[livekit.EgressStatus]string{
	livekit.EgressStatus_EGRESS_COMPLETE: "complete", livekit.EgressStatus_EGRESS_FAILED: "failed",
	livekit.EgressStatus_EGRESS_ABORTED: "aborted", livekit.EgressStatus_EGRESS_LIMIT_REACHED: "limited",
}

// over uploads what was recorded, and reports the last state.
func (r *run) over(status livekit.EgressStatus, text string, code int32, written bool) {
	var size int64
	var location string
	if written {
		var err error
		if location, size, err = r.upload(); err != nil {
			status, text, code, written = livekit.EgressStatus_EGRESS_FAILED, err.Error(), 500, false
		}
	}
	r.change(words[status], func(e *livekit.EgressInfo) {
		e.Status, e.Error, e.ErrorCode, e.EndedAt = status, text, code, time.Now().UnixNano()
		f := e.FileResults[0]
		if f.Size, f.Location = size, location; written {
			f.EndedAt = e.EndedAt
			f.Duration = e.EndedAt - max(f.StartedAt, r.info.StartedAt)
		}
		e.Result = &livekit.EgressInfo_File{File: f}
	})
	r.w.mu.Lock()
	delete(r.w.runs, r.info.EgressId)
	r.w.mu.Unlock()
	r.rpc.Kill()
}

// upload puts the file into the bucket, and beside it the service's note of what it is.
func (r *run) upload() (location string, size int64, err error) {
	body, err := os.ReadFile(r.file)
	if err != nil {
		return "", 0, err
	}
	client := s3.New(s3.Options{
		Region: r.to.Region, UsePathStyle: r.to.ForcePathStyle, Credentials: credentials.NewStaticCredentialsProvider(r.to.AccessKey, r.to.Secret, ""),
		BaseEndpoint: aws.String(r.to.Endpoint),
	})
	key := r.info.FileResults[0].Filename
	note, err := json.Marshal(map[string]any{"egress_id": r.info.EgressId, "room_id": r.info.RoomId, "room_name": r.info.RoomName})
	if err != nil {
		return "", 0, err
	}
	for name, content := range map[string][]byte{key: body, path.Join(path.Dir(key), r.info.EgressId+".json"): note} {
		if _, err := client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &r.to.Bucket, Key: &name, Body: bytes.NewReader(content)}); err != nil {
			return "", 0, fmt.Errorf("upload: %w", err)
		}
	}
	return r.to.Endpoint + "/" + r.to.Bucket + "/" + key, int64(len(body)), nil
}
