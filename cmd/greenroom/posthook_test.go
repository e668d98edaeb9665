package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// postHook is a program of its own that signs a webhook as the platforms document it, and posts it. It shares no code with
// what verifies. Usage: posthook [-secret S] [-age D] [-unsigned] daily|whereby|github|slack URL BODYFILE; it prints the status
// and, of the address of a catch, the answer.
func postHook(args []string) int {
	fs := flag.NewFlagSet("posthook", flag.ContinueOnError)
	secret := fs.String("secret", "", "the secret")
	age := fs.Duration("age", 0, "how long ago it was signed")
	unsigned := fs.Bool("unsigned", false, "without a signature")
	if err := fs.Parse(args); err != nil || fs.NArg() != 3 {
		return 2
	}
	raw, err := os.ReadFile(fs.Arg(2))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	body := bytes.TrimRight([]byte(os.ExpandEnv(string(raw))), "\n")
	req, err := http.NewRequest(http.MethodPost, fs.Arg(1), bytes.NewReader(body))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	req.Header.Set("Content-Type", "application/json")
	at := time.Now().Add(-*age)
	switch {
	case *unsigned:
	case fs.Arg(0) == "daily":
		key, err := base64.StdEncoding.DecodeString(*secret)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		stamp := strconv.FormatInt(at.UnixMilli(), 10)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(stamp + "." + string(body)))
		req.Header.Set("X-Webhook-Timestamp", stamp)
		req.Header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	case fs.Arg(0) == "github":
		mac := hmac.New(sha256.New, []byte(*secret))
		mac.Write(body)
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		req.Header.Set("X-GitHub-Event", "push")
	case fs.Arg(0) == "slack":
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(*secret))
		mac.Write([]byte("v0:" + stamp + ":" + string(body)))
		req.Header.Set("X-Slack-Request-Timestamp", stamp)
		req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	default:
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(*secret))
		mac.Write([]byte(stamp + "." + string(body)))
		req.Header.Set("Whereby-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(res.StatusCode)
	if strings.Contains(fs.Arg(1), "/catch/") {
		fmt.Printf("%s: %q\n", res.Header.Get("Content-Type"), answer)
	}
	return 0
}
