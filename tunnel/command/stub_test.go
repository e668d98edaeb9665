package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the programs that the driver runs, by this variable. Their files of control stand in the folder
// of controlVariable.
const (
	stubVariable    = "GREENROOM_TEST_STUB"
	controlVariable = "GREENROOM_TEST_CONTROL"
)

func TestMain(m *testing.M) {
	if s := os.Getenv(stubVariable); s != "" {
		os.Exit(stub(s))
	}
	goleak.VerifyTestMain(m)
}

func control(name string) string { return os.Getenv(controlVariable) + "/" + name }

func exists(file string) bool { _, err := os.Stat(file); return err == nil }

// interrupted waits for ctrl-c, records it, and exits with 0; it fails if none comes.
func interrupted() int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	started()
	select {
	case <-c:
	case <-time.After(time.Minute):
		return 7
	}
	if os.WriteFile(control("interrupted"), nil, 0o600) != nil {
		return 8
	}
	return 0
}

// started records that the program is ready for signals.
func started() {
	if err := os.WriteFile(control("started"), fmt.Append(nil, os.Getpid()), 0o600); err != nil {
		panic(err)
	}
}

func stub(what string) int {
	switch what {
	case "parent":
		return parent()
	case "cloudflared":
		return stubCloudflared()
	case "ngrok", "ngrok refused", "ngrok unknown":
		return stubNgrok(what)
	case "prints":
		fmt.Println("docs at https://help.example, and", strings.Join(os.Args[1:], " "))
		fmt.Fprintln(os.Stderr, "your url is: https://stub.example/")
		return interrupted()
	case "prints and dies":
		fmt.Println("your url is: https://stub.example")
		fmt.Fprintln(os.Stderr, "out of \x1b[31mluck")
		return 3
	case "maker":
		fmt.Println("an offer of https://maker.example !\ntunnel: http://stub.example -> http://127.0.0.1:7070")
		return interrupted()
	case "usage":
		fmt.Println("usage")
		return 2
	case "silent":
		return interrupted()
	case "floods":
		w := bufio.NewWriter(os.Stderr)
		for range 50_000 {
			fmt.Fprintln(w, "a line that must be read, or the program blocks")
		}
		fmt.Fprint(w, strings.Repeat("x", 10<<20), "\n")
		w.Flush()
		fmt.Println("your url is: https://flood.example")
		return interrupted()
	case "environment":
		fmt.Printf("secret=%q other=%q\nhttps://environment.example\n", os.Getenv("GREENROOM_TEST_SECRET"), os.Getenv("GREENROOM_TEST_OTHER"))
		return interrupted()
	case "deaf":
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		fmt.Println("https://deaf.example")
		started()
		time.Sleep(time.Minute)
	case "tailscale", "tailscale off":
		if strings.Join(os.Args[1:], " ") != "funnel --bg=false 7070" {
			fmt.Println("usage")
			return 2
		}
		if what == "tailscale off" {
			fmt.Print("Funnel is not enabled on your tailnet.\nTo enable, visit:\n\n         https://login.tailscale.com/f/funnel?node=nAbC1\n\n")
			return interrupted()
		}
		fmt.Print("Available on the internet:\n\nhttps://laptop.tail1234.ts.net/\n|-- proxy http://127.0.0.1:7070\n\nPress Ctrl+C to exit.\n")
		return interrupted()
	}
	return 9
}

// stubNgrok behaves as `ngrok http` does with --log stdout --log-format json. It repeats the authtoken in its errors.
func stubNgrok(what string) int {
	want := "http http://127.0.0.1:7070 --log stdout --log-format json"
	if a := strings.Join(os.Args[1:], " "); a != want && a != want+" --url https://mine.ngrok.app" {
		fmt.Println("ERROR:  unknown arguments", a)
		return 1
	}
	url := "https://1a2b.ngrok-free.app"
	if len(os.Args) > 8 {
		url = os.Args[8]
	}
	log := func(fields map[string]string) { _ = json.NewEncoder(os.Stdout).Encode(fields) }
	log(map[string]string{"lvl": "info", "msg": "starting web service", "addr": "127.0.0.1:4040", "url": "https://no-tunnel.example"})
	token := os.Getenv("NGROK_AUTHTOKEN")
	switch what {
	case "ngrok refused":
		log(map[string]string{"lvl": "eror", "msg": "failed to auth", "err": "it is invalid.\nYour authtoken: " + token + "\nERR_NGROK_107"})
		fmt.Fprintln(os.Stderr, "ERROR:  Your authtoken: "+token)
		return 1
	case "ngrok unknown":
		fmt.Fprintln(os.Stderr, "ERROR:  ERR_NGROK_9999")
		return 1
	}
	log(map[string]string{"lvl": "info", "msg": "token", "same": fmt.Sprint(token == testToken)})
	log(map[string]string{"lvl": "info", "msg": "started tunnel", "obj": "tunnels", "addr": "http://127.0.0.1:7070", "url": url})
	return interrupted()
}

// stubCloudflared behaves as `cloudflared tunnel --url` does: it talks on stderr alone, and its metrics tell the name and
// whether it is connected.
func stubCloudflared() int {
	a := os.Args[1:]
	if len(a) != 6 || a[0] != "tunnel" || a[1] != "--no-autoupdate" || a[2] != "--metrics" || a[4] != "--url" || a[5] != "http://127.0.0.1:7070" {
		fmt.Fprintln(os.Stderr, "Incorrect Usage", a)
		return 1
	}
	for range 1000 {
		fmt.Fprintln(os.Stderr, "2026-01-02T03:04:05Z INF Requesting new quick Tunnel on trycloudflare.com... https://www.cloudflare.com/website-terms/")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/quicktunnel", func(w http.ResponseWriter, _ *http.Request) {
		name := ""
		if exists(control("named")) {
			name = "quick-brown-fox.trycloudflare.com"
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"hostname": name})
	})
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		if exists(control("ready")) {
			n = 1
		} else {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": 503 - 303*n, "readyConnections": n})
	})
	go func() { fmt.Fprintln(os.Stderr, "ERR", http.ListenAndServe(a[3], mux)) }()
	return interrupted()
}
