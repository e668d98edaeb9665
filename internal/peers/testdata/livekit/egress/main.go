// Command egress stands in for LiveKit's egress service. It takes requests from a LiveKit server by redis, as the real service does,
// reports the states of each recording to the server, and puts files into S3. It records nothing: the files are given to it.
//
//	egress -redis 127.0.0.1:6379 -server http://127.0.0.1:7880 -key KEY -secret SECRET -video FILE -audio FILE
//
// A recording starts at once and ends when it is stopped. Commands on the standard input change that; see [worker.command]. The program
// prints a line for each state of a recording, as "active EG_…", and ends with its standard input.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/rpc"
	"github.com/livekit/psrpc"
)

func main() {
	address := flag.String("redis", "", "the address of the redis that the server uses")
	w := &worker{held: map[string]bool{}, runs: map[string]*run{}}
	flag.StringVar(&w.server, "server", "", "the server's URL")
	flag.StringVar(&w.key, "key", "", "an API key of the server")
	flag.StringVar(&w.secret, "secret", "", "the secret of the key")
	flag.StringVar(&w.video, "video", "", "the file that recordings of rooms and of pictures consist of")
	flag.StringVar(&w.audio, "audio", "", "the file that recordings of sound consist of")
	flag.Parse()
	if err := serve(w, *address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(w *worker, address string) error {
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	w.bus = psrpc.NewRedisMessageBus(client)
	var err error
	if w.io, err = rpc.NewIOInfoClient(w.bus); err != nil {
		return err
	}
	s, err := rpc.NewEgressInternalServer(w, w.bus)
	if err != nil {
		return err
	}
	if err := errors.Join(s.RegisterStartEgressTopic(""), s.RegisterListActiveEgressTopic("")); err != nil {
		return err
	}
	defer s.Kill()
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if err := w.command(in.Text()); err != nil {
			fmt.Println("error", err)
		}
	}
	return in.Err()
}

// say prints a state, as "active EG_1".
func say(e *livekit.EgressInfo, state string) { fmt.Println(state, e.EgressId) }
