package command

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// ngrokArgs are the arguments of ngrok's agent without its full-screen interface. The authtoken is in the environment, because other
// users of the machine can read command lines. https://ngrok.com/docs/agent/cli
func ngrokArgs(t target) ([]string, string, error) {
	args := []string{"http", "http://" + t.addr, "--log", "stdout", "--log-format", "json"}
	if t.url != "" {
		args = append(args, "--url", t.url)
	}
	return args, "", nil
}

// ngrokURL returns the public URL in a line of the agent's log:
// {"addr":"http://127.0.0.1:7070","lvl":"info","msg":"started tunnel","name":"command_line","obj":"tunnels","url":"https://…"}.
func ngrokURL(line string) string {
	var record struct{ Msg, URL string }
	if json.Unmarshal([]byte(line), &record) != nil || record.Msg != "started tunnel" {
		return ""
	}
	return record.URL
}

// domainURL returns the URL of a domain, which may be written with https://.
func domainURL(domain string) (string, error) {
	url, err := tunnel.PublicURL("https://" + strings.TrimPrefix(domain, "https://"))
	if err != nil || strings.Contains(strings.TrimPrefix(url, "https://"), "/") {
		return "", fmt.Errorf("%s is not a domain: write it like name.ngrok.app", plain.Word(domain))
	}
	return url, nil
}

// ngrokHints are remedies for ngrok's errors; https://ngrok.com/docs/errors has a page for each code.
var ngrokHints = []struct{ codes, text string }{
	{"105 106 107", "ngrok refuses the authtoken: copy the right one from https://dashboard.ngrok.com/get-started/your-authtoken"},
	{"4018", "ngrok requires a verified account: verify it, then copy the authtoken from https://dashboard.ngrok.com/get-started/your-authtoken"},
	{"120 121", "ngrok no longer accepts this version of its agent: run `ngrok update`"},
	{"108", "the ngrok account has reached its limit of running agents: stop another one"},
	{"319 320", "the ngrok account has not reserved that domain: reserve it at https://dashboard.ngrok.com/domains, or remove domain"},
	{"334", "another agent is using that domain: stop it, or use another domain"},
}

var ngrokCode = regexp.MustCompile(`ERR_NGROK_([0-9]+)`)

func ngrokHint(line string) string {
	code := ngrokCode.FindStringSubmatch(line)
	if code == nil {
		return ""
	}
	for _, h := range ngrokHints {
		if slices.Contains(strings.Fields(h.codes), code[1]) {
			return fmt.Sprintf("%s (%s)", h.text, code[0])
		}
	}
	return fmt.Sprintf("ngrok refuses the tunnel: see https://ngrok.com/docs/errors/%s (%s)", strings.ToLower(code[0]), code[0])
}
