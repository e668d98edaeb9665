package export

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"greenroom/internal/app"
)

const (
	// bodyInFile is the size in bytes from which a body is saved in a file. Systems refuse arguments of 128 KiB, and terminals don't paste
	// longer texts.
	bodyInFile = 64 << 10
	// pieceSize is the largest number of bytes on a line: terminals cut lines at 4,096 bytes, and a quote needs four.
	pieceSize = 900
)

// Saver writes a file for a command, and returns the name that the command uses.
type Saver func(name string, content []byte) (string, error)

// Curl returns a command for any POSIX shell that sends a request again: method, target, headers and body, byte for byte. base is the URL
// of the receiver without a path.
//
// Parts that can't be pasted are saved in files: bodies from 64 KiB, bodies that aren't text, and unusual headers.
func Curl(d app.Delivery, base string, save Saver) (string, error) {
	if !token(d.Method) && d.Method != "" {
		return "", errors.New("its method can't be sent")
	}
	c := command{d: d, base: strings.TrimSuffix(base, "/"), save: save}
	if err := c.request(); err != nil {
		return "", err
	}
	if err := c.body(); err != nil {
		return "", err
	}
	return strings.Join(c.words, " \\\n  "), nil
}

// command collects the words of a command, a line each.
type command struct {
	d     app.Delivery
	base  string
	save  Saver
	words []string
}

func (c *command) add(option, value string) { c.words = append(c.words, option+" "+quote(value)) }

// quote returns s as one word of a POSIX shell, on several lines if it is long.
func quote(s string) string {
	var b strings.Builder
	for {
		n := min(len(s), pieceSize)
		for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		b.WriteString("'" + strings.ReplaceAll(s[:n], "'", `'\''`) + "'")
		if s = s[n:]; s == "" {
			return b.String()
		}
		b.WriteString("\\\n")
	}
}

// own are the headers that curl sets itself, always to the original value.
var own = []string{"Host", "Content-Length", "Connection", "Transfer-Encoding", "Expect"}

// request adds method, URL and headers.
func (c *command) request() error {
	method := cmp.Or(c.d.Method, http.MethodPost)
	c.words = append(c.words, "curl --globoff --path-as-is --request "+quote(method))
	if method == http.MethodHead {
		c.words[0] = "curl --globoff --path-as-is --head"
	}
	var config bytes.Buffer // options that can't be pasted
	option := func(name, value string) {
		if pasteable(value) && !strings.Contains(value, "\n") {
			c.add("--"+name, value)
			return
		}
		config.WriteString(name + " = \"" + configText.Replace(value) + "\"\n")
	}
	if target := c.d.Target; strings.HasPrefix(target, "/") && !strings.ContainsFunc(target, odd) {
		c.words = append(c.words, quote(c.base+target))
	} else {
		c.words = append(c.words, quote(c.base+"/"))
		option("request-target", target)
	}
	for _, n := range slices.Sorted(maps.Keys(c.d.Headers)) {
		if !token(n) || slices.Contains(own, http.CanonicalHeaderKey(n)) {
			continue
		}
		for _, v := range c.d.Headers[n] {
			if v == "" {
				option("header", n+";")
			} else {
				option("header", n+": "+v)
			}
		}
	}
	added := []string{"Accept", "User-Agent"}
	if len(c.d.Body) > 0 {
		added = append(added, "Content-Type")
	}
	if len(c.d.Body) > 1000 {
		added = append(added, "Expect")
	}
	for _, n := range added {
		if c.d.Headers.Values(n) == nil || n == "Expect" {
			c.add("--header", n+":") // curl would add its own
		}
	}
	if config.Len() == 0 {
		return nil
	}
	return c.file("--config", "curl", config.Bytes())
}

// odd reports whether curl would change a character of a URL.
func odd(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("#\\\"<>^`{|}", r) }

// configText escapes a value of curl's configuration file.
var configText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\v", `\v`)

func (c *command) body() error {
	body := c.d.Body
	switch {
	case len(body) == 0:
	case len(body) < bodyInFile && pasteable(string(body)):
		c.add("--data-raw", string(body))
	default:
		return c.file("--data-binary", "body", body)
	}
	return nil
}

// file saves the content of an option in a file. curl reads a configuration by the file's name, data by @ and the name.
func (c *command) file(option, ending string, content []byte) error {
	name, err := c.save("greenroom-event-"+strconv.FormatUint(c.d.Seq, 10)+"."+ending, content)
	if err != nil {
		return fmt.Errorf("save what can't be pasted: %w", err)
	}
	if option == "--data-binary" {
		name = "@" + name
	}
	c.add(option, name)
	return nil
}
