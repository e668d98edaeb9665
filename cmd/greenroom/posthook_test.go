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
	"time"
)

// postHook is a program of its own that signs a webhook as the platforms document it, and posts it. It shares no code with
// what verifies. Usage: posthook [-secret S] [-age D] [-unsigned] daily|whereby URL BODYFILE; it prints the status.
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
	_, _ = io.Copy(io.Discard, res.Body)
	fmt.Println(res.StatusCode)
	return 0
}
