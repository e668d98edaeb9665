package config

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"greenroom/internal/plain"
	"greenroom/provider"
)

// value is a setting before it is understood.
type value struct {
	raw  any
	from Origin
}

// reader turns values into a Config, gathering every error on the way.
type reader struct {
	ctx       context.Context
	opts      Options
	cfg       *Config
	private   bool
	platforms []provider.Platform
	values    map[string]value
	// account and fetch are those that are being read, isDefault whether the account is its platform's, driver the platform's.
	account   *provider.Account
	fetch     *Fetch
	isDefault bool
	driver    provider.Driver
	// covered are the values that flags took the place of.
	covered map[string]value
	// order lists accounts as they appear, rebound the actions under [keys].
	order, rebound []string
	errs           []*Error
	// empty are the accounts whose tables have no keys.
	empty map[string]Origin
	// tables are the tables of arrays of tables, by the array's key.
	tables map[string][]Origin
	// secrets are the references that were resolved; keyring is why the keyring can't be reached.
	secrets map[string]resolved
	keyring error
}

func (r *reader) fail(at Origin, key, problem, fix string) {
	r.errs = append(r.errs, &Error{Origin: at, Key: key, Problem: problem, Fix: fix})
}

// failAll is fail for a mistake that stops the program even where it concerns one account alone.
func (r *reader) failAll(at Origin, key, problem, fix string) {
	r.errs = append(r.errs, &Error{Origin: at, Key: key, Problem: problem, Fix: fix, all: true})
}

// unfetched notes a secret that isn't there: the rest of the configuration works without it.
func (r *reader) unfetched(at Origin, key string, err error) {
	r.errs = append(r.errs, &Error{Origin: at, Key: key, Problem: "can't be fetched", Fix: err.Error(), unfetched: true})
}

// setAside takes those errors away that were found since there were n, and that match.
func (r *reader) setAside(n int, match func(*Error) bool) (aside []*Error) {
	kept := r.errs[:n:n]
	for _, e := range r.errs[n:] {
		if match(e) {
			aside = append(aside, e)
		} else {
			kept = append(kept, e)
		}
	}
	r.errs = kept
	return aside
}

func (r *reader) show(key, text string, secret bool, from Origin) {
	r.cfg.settings = append(r.cfg.settings, Setting{Key: key, Value: text, Secret: secret, From: from.String()})
}

// text reads a string.
func (r *reader) text(key, byDefault string, c check) string {
	v, set := r.values[key]
	if !set {
		r.show(key, byDefault, false, Origin{})
		return byDefault
	}
	s, ok := v.raw.(string)
	if !ok {
		r.fail(v.from, key, "isn't text", `put it in double quotes`)
		return byDefault
	}
	if c != nil {
		out, problem, fix := c(s)
		if problem != "" {
			r.fail(v.from, key, problem, fix)
			return byDefault
		}
		s = out
	}
	r.show(key, s, false, v.from)
	return s
}

// oneOf accepts the given words, in any case.
func oneOf(words ...string) check {
	return func(s string) (string, string, string) {
		if w := strings.ToLower(strings.TrimSpace(s)); slices.Contains(words, w) {
			return w, "", ""
		}
		return "", fmt.Sprintf("can't be %q", s), "use " + strings.Join(words, ", ")
	}
}

func (r *reader) boolean(key string, byDefault bool) (val, set bool) {
	v, set := r.values[key]
	if !set {
		r.show(key, strconv.FormatBool(byDefault), false, Origin{})
		return byDefault, false
	}
	switch raw := v.raw.(type) {
	case bool:
		val = raw
	case string:
		if v.from.Kind == FromFile {
			r.fail(v.from, key, "is text", "use true or false, without quotes")
			return byDefault, true
		}
		switch strings.ToLower(strings.TrimSpace(raw)) {
		case "true", "1", "yes", "on":
			val = true
		case "false", "0", "no", "off":
		default:
			r.fail(v.from, key, fmt.Sprintf("can't be %q", raw), "use true or false")
			return byDefault, true
		}
	default:
		r.fail(v.from, key, "isn't true or false", "use true or false, without quotes")
		return byDefault, true
	}
	r.show(key, strconv.FormatBool(val), false, v.from)
	return val, true
}

// texts reads a list of strings: an array in the file, a JSON array in the environment.
func (r *reader) texts(key, example string) []string {
	v, set := r.values[key]
	if !set {
		r.show(key, "", false, Origin{})
		return nil
	}
	var out []string
	switch raw := v.raw.(type) {
	case string:
		var list []*string
		err := json.Unmarshal([]byte(raw), &list)
		if err != nil || list == nil || slices.Contains(list, nil) {
			r.fail(v.from, key, "isn't a JSON array of strings", "write it like "+example)
			return nil
		}
		for _, s := range list {
			out = append(out, *s)
		}
	case []any:
		for _, e := range raw {
			s, ok := e.(string)
			if !ok {
				r.fail(v.from, key, "has an item that isn't text", "write it like "+example)
				return nil
			}
			out = append(out, s)
		}
	default:
		r.fail(v.from, key, "isn't a list of strings", "write it like "+example)
		return nil
	}
	r.show(key, strings.Join(out, ", "), false, v.from)
	return out
}

// size reads a number of bytes: a number, or text such as "2GiB".
func (r *reader) size(key string, byDefault, least, most int64) int64 {
	v, set := r.values[key]
	if !set {
		r.show(key, FormatSize(byDefault), false, Origin{})
		return byDefault
	}
	n, ok := int64(0), false
	switch raw := v.raw.(type) {
	case int64:
		n, ok = raw, true
	case string:
		n, ok = ParseSize(raw)
	}
	if !ok {
		r.fail(v.from, key, "isn't a size", `write it like "2GiB", "500MiB", or a number of bytes`)
		return byDefault
	}
	if n < least || n > most {
		r.fail(v.from, key, "is out of range", fmt.Sprintf("from %s to %s", FormatSize(least), FormatSize(most)))
		return byDefault
	}
	r.show(key, FormatSize(n), false, v.from)
	return n
}

// themes are those of the screen.
var themes = []string{"auto", "light", "dark", "high-contrast", "16", "none"}

func (r *reader) general() {
	r.read("", func(row row) bool { return !strings.HasPrefix(row.key, "accounts.") && row.tunnels == nil })
	_, r.cfg.ListenSet = r.values["listen"]
	r.cfg.RuntimeDir = runtimeDir(r.opts.Getenv)
}

func (r *reader) dataDir(key string) {
	c := r.cfg
	c.DataDir = r.text(key, defaultDataDir(r.opts.Getenv), anyPath)
	if v, set := r.values[key]; c.DataDir == "" && !set {
		r.fail(v.from, key, "has no default, because there is no home folder", "set HOME, XDG_DATA_HOME or GREENROOM_DATA_DIR, or use --data-dir")
	}
}

// anyPath accepts a path.
func anyPath(s string) (string, string, string) { return Absolute(s), "", "" }

// hostName accepts a name that can be shown.
func hostName(s string) (string, string, string) {
	if plain.Text(s) != s || utf8.RuneCountInString(s) > maxHostName {
		return "", "isn't a name of up to 64 printable characters", `write it like "Ada Lovelace"`
	}
	return s, "", ""
}

// boundKeys reads the screen's keys by action.
func (r *reader) boundKeys(string) {
	for _, action := range r.rebound {
		key := dotted([]string{"keys", action})
		v := r.values[key]
		if s, ok := v.raw.(string); ok {
			v.raw = []any{s}
			r.values[key] = v
		}
		const example = `"x" or ["x", "ctrl+x"]`
		if list, ok := v.raw.([]any); ok && len(list) == 0 {
			r.fail(v.from, key, "has no key", "write it like "+example)
			continue
		}
		if keys := r.texts(key, example); len(keys) > 0 {
			if r.cfg.Keys == nil {
				r.cfg.Keys = map[string][]string{}
			}
			r.cfg.Keys[action] = keys
		}
	}
}

// address accepts HOST:PORT. The host is usually this machine's loopback: the listener has no TLS, and a tunnel makes it
// public.
func address(s string) (string, string, string) {
	const fix = `write it like "127.0.0.1:7070"`
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, " /") {
		return "", fmt.Sprintf("can't be %q", s), fix
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Sprintf("has no port in %q", s), fix
	}
	return s, "", ""
}

// apiURL accepts an http(s) base, without a slash at its end. One without a path gets the path of the platform's own. Where
// sockets are other words for http, they are accepted too.
func apiURL(d provider.Driver) check {
	path := "/v1"
	if d.Sockets {
		path = ""
	}
	fix := fmt.Sprintf("write it like %q", cmp.Or(d.DefaultURL, "https://api.example.com"+path))
	return func(s string) (string, string, string) {
		if d.Sockets && (strings.HasPrefix(s, "ws://") || strings.HasPrefix(s, "wss://")) {
			s = "http" + strings.TrimPrefix(s, "ws")
		}
		return baseURL(s, path, fix)
	}
}

func baseURL(s, path, fix string) (string, string, string) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", "isn't an http or https URL", fix
	case u.User != nil:
		return "", "has a password in it", fix + " and put the key into api_key"
	case u.RawQuery != "" || u.Fragment != "":
		return "", "has more than a path", fix
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	if u.Path == "" {
		u.Path, u.RawPath = path, ""
	}
	return u.String(), "", ""
}
