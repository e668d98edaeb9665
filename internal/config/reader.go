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

// value is a setting before it is parsed.
type value struct {
	raw  any
	from Origin
}

// reader turns values into a Config and collects every error.
type reader struct {
	ctx  context.Context
	opts Options
	cfg  *Config
	// private reports that only the owner can read the file.
	private bool
	// platforms are the platforms in this build.
	platforms []string
	values    map[string]value
	// account and fetch are being read; isDefault marks the account as its platform's default, driver is the platform's.
	account   *provider.Account
	fetch     *Fetch
	isDefault bool
	driver    provider.Driver
	// covered are the values that flags replaced.
	covered map[string]value
	// order lists the accounts as they appear, rebound the actions under [keys].
	order, rebound []string
	errs           []*Error
	// empty are the accounts whose tables have no keys.
	empty map[string]Origin
	// tables are the tables of arrays of tables, by the array's key.
	tables map[string][]Origin
	// secrets are the references that were resolved; keyring is the error if the keyring can't be reached.
	secrets map[string]resolved
	keyring error
}

func (r *reader) fail(at Origin, key, problem, fix string) {
	r.errs = append(r.errs, &Error{Origin: at, Key: key, Problem: problem, Fix: fix})
}

// failAll is fail for a mistake that stops the program even if it concerns one account only.
func (r *reader) failAll(at Origin, key, problem, fix string) {
	r.errs = append(r.errs, &Error{Origin: at, Key: key, Problem: problem, Fix: fix, all: true})
}

// unfetched records a secret that can't be fetched: the rest of the configuration works without it.
func (r *reader) unfetched(at Origin, key string, err error) {
	r.errs = append(r.errs, &Error{Origin: at, Key: key, Problem: "can't be fetched", Fix: err.Error(), unfetched: true})
}

// setAside removes and returns the matching errors after the first n.
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

// valueOf reads a value: parse reads what the file or a variable has, show writes it for people. Without a value, or with a wrong one,
// it returns the default.
func valueOf[T any](r *reader, key string, byDefault T, show func(T) string, parse func(value) (v T, problem, fix string)) T {
	v, set := r.values[key]
	out := byDefault
	if set {
		var problem, fix string
		if out, problem, fix = parse(v); problem != "" {
			r.fail(v.from, key, problem, fix)
			return byDefault
		}
	}
	r.show(key, show(out), false, v.from)
	return out
}

// text reads a string.
func (r *reader) text(key, byDefault string, c check) string {
	return valueOf(r, key, byDefault, func(s string) string { return s }, func(v value) (string, string, string) {
		s, ok := v.raw.(string)
		switch {
		case !ok:
			return "", "isn't text", `put it in double quotes`
		case c != nil:
			return c(s)
		}
		return s, "", ""
	})
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

func (r *reader) boolean(key string, byDefault bool) bool {
	return valueOf(r, key, byDefault, strconv.FormatBool, func(v value) (bool, string, string) {
		if b, ok := v.raw.(bool); ok {
			return b, "", ""
		}
		s, ok := v.raw.(string)
		switch {
		case !ok:
			return false, "isn't true or false", "use true or false, without quotes"
		case v.from.Kind == FromFile:
			return false, "is text", "use true or false, without quotes"
		}
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true", "1", "yes", "on":
			return true, "", ""
		case "false", "0", "no", "off":
			return false, "", ""
		}
		return false, fmt.Sprintf("can't be %q", s), "use true or false"
	})
}

// texts reads a list of strings: an array in the file, a JSON array in the environment.
func (r *reader) texts(key, example string) []string {
	fix := "write it like " + example
	show := func(all []string) string { return strings.Join(all, ", ") }
	return valueOf(r, key, nil, show, func(v value) (out []string, problem, _ string) {
		switch raw := v.raw.(type) {
		case string:
			var list []*string
			if err := json.Unmarshal([]byte(raw), &list); err != nil || list == nil || slices.Contains(list, nil) {
				return nil, "isn't a JSON array of strings", fix
			}
			for _, s := range list {
				out = append(out, *s)
			}
		case []any:
			for _, e := range raw {
				s, ok := e.(string)
				if !ok {
					return nil, "has an item that isn't text", fix
				}
				out = append(out, s)
			}
		default:
			return nil, "isn't a list of strings", fix
		}
		return out, "", ""
	})
}

// hideArguments replaces the program that was read last by its name in [Config.Settings]: the arguments may hold secrets.
func (r *reader) hideArguments(args []string) []string {
	if len(args) > 1 {
		r.cfg.settings[len(r.cfg.settings)-1].Value = args[0] + " …"
	}
	return args
}

// size reads a number of bytes: a number, or text such as "2GiB".
func (r *reader) size(key string, byDefault, least, most int64) int64 {
	return valueOf(r, key, byDefault, FormatSize, func(v value) (int64, string, string) {
		n, ok := v.raw.(int64)
		if s, isText := v.raw.(string); isText {
			n, ok = ParseSize(s)
		}
		switch {
		case !ok:
			return 0, "isn't a size", `write it like "2GiB", "500MiB", or a number of bytes`
		case n < least || n > most:
			return 0, "is out of range", fmt.Sprintf("from %s to %s", FormatSize(least), FormatSize(most))
		}
		return n, "", ""
	})
}

// number reads a whole number. A default of 0 is not shown.
func (r *reader) number(key string, byDefault, least, most int) int {
	show := func(n int) string { return strings.TrimPrefix(strconv.Itoa(n), "0") }
	return valueOf(r, key, byDefault, show, func(v value) (int, string, string) {
		n, ok := v.raw.(int64)
		if !ok || n < int64(least) || n > int64(most) {
			return 0, "is out of range", fmt.Sprintf("write a number from %d to %d, without quotes", least, most)
		}
		return int(n), "", ""
	})
}

// themes are the screen's themes.
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

// boundKeys reads the keys of the screen's actions.
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

// address accepts HOST:PORT. The host is usually a loopback address: the listener has no TLS, and a tunnel makes it public.
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

// apiURL accepts an http(s) URL and drops the slash at its end. A URL without a path gets the path of the platform's own. For platforms
// with sockets, ws and wss are accepted too.
func apiURL(d provider.Driver) check {
	path := "/v1"
	if d.Sockets {
		path = ""
	}
	like := fmt.Sprintf("write it like %q", cmp.Or(d.DefaultURL, "https://api.example.com"+path))
	return func(s string) (string, string, string) {
		if d.Sockets && (strings.HasPrefix(s, "ws://") || strings.HasPrefix(s, "wss://")) {
			s = "http" + strings.TrimPrefix(s, "ws")
		}
		u, problem, fix := httpURL(s, like, " and put the key into api_key")
		switch {
		case problem != "":
			return "", problem, fix
		case u.RawQuery != "" || u.Fragment != "":
			return "", "has more than a path", like
		}
		u.Path = strings.TrimRight(u.Path, "/")
		u.RawPath = strings.TrimRight(u.RawPath, "/")
		if u.Path == "" {
			u.Path, u.RawPath = path, ""
		}
		return u.String(), "", ""
	}
}

// httpURL reads an http or https URL without a password. Otherwise it returns what is wrong and what to write: like, and instead for a
// password.
func httpURL(s, like, instead string) (u *url.URL, problem, fix string) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, "isn't an http or https URL", like
	case u.User != nil:
		return nil, "has a password in it", like + instead
	}
	return u, "", ""
}
