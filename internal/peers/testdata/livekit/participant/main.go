// Command participant joins a room on a LiveKit server and stays until its standard input ends. It prints "joined SID" when the
// server has connected it, "muted TRACK" and "unmuted TRACK" when the server does that, and "left REASON" when the server ends the
// connection.
//
//	participant -url ws://127.0.0.1:7880 -token TOKEN [-publish]
//
// It is the client of LiveKit's own tests. Killing it is losing the connection.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/livekit/livekit-server/pkg/telemetry/prometheus"
	"github.com/livekit/livekit-server/test/client"
	"github.com/livekit/protocol/livekit"
)

func main() {
	url := flag.String("url", "", "the server's WebSocket address")
	token := flag.String("token", "", "a token that permits joining")
	publish := flag.Bool("publish", false, "send sound and pictures")
	flag.Parse()
	if err := join(*url, *token, *publish); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func join(url, token string, publish bool) error {
	if err := prometheus.Init("participant", livekit.NodeType_SERVER); err != nil {
		return err
	}
	opts := &client.Options{AutoSubscribe: true, SignalResponseInterceptor: report}
	conn, err := client.NewWebSocketConn(url, token, opts)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c, err := client.NewRTCClient(conn, false, opts)
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- c.Run() }()
	if err := c.WaitUntilConnected(2 * time.Minute); err != nil {
		return err
	}
	if publish {
		for id, mime := range map[string]string{"microphone": "audio/opus", "camera": "video/vp8"} {
			w, err := c.AddStaticTrack(mime, id, id)
			if err != nil {
				return fmt.Errorf("publish %s: %w", id, err)
			}
			defer w.Stop()
		}
	}
	fmt.Println("joined", c.ID())
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		c.Stop()
		ended <- err
	}()
	if err := <-ended; err != nil && !errors.Is(err, errLeft) {
		return err
	}
	return nil
}

var errLeft = errors.New("the server ended the connection")

// report prints what the server says about this participant, and passes everything on.
func report(msg *livekit.SignalResponse, next client.SignalResponseHandler) error {
	switch m := msg.Message.(type) {
	case *livekit.SignalResponse_Leave:
		fmt.Println("left", m.Leave.Reason)
		return errLeft
	case *livekit.SignalResponse_Mute:
		word := "unmuted"
		if m.Mute.Muted {
			word = "muted"
		}
		fmt.Println(word, m.Mute.Sid)
	}
	return next(msg)
}
