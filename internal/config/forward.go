package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"

	"greenroom/internal/app"
	"greenroom/internal/regular"
)

// maxCA is the largest file of certificates.
const maxCA = 1 << 20

// forwards reads the tables [[forward]].
func (r *reader) forwards() {
	names := map[string]Origin{}
	for i := range r.tables["forward"] {
		key := func(k string) string { return "forward." + strconv.Itoa(i) + "." + k }
		at := r.tables["forward"][i]
		if name, ok := r.values[key("name")]; ok {
			at = name.from
		}
		before := len(r.errs)
		f := app.ForwardSpec{Name: r.text(key("name"), "", nil), URL: r.text(key("url"), "", forwardURL), Filter: r.text(key("filter"), "", r.filter)}
		f.Insecure = r.boolean(key("insecure"), false)
		f.From = r.sequence(key("from"))
		if _, set := r.values[key("resign")]; set {
			f.Resign = r.secret(key("resign"))
		}
		if path := r.text(key("ca"), "", nil); path != "" {
			f.CA = r.certificates(key("ca"), path)
		}
		switch earlier, twice := names[f.Name]; {
		case len(r.errs) > before:
		case f.Name == "":
			r.fail(at, key("name"), "is missing", `write name = "dev" under [[forward]]`)
		case f.URL == "":
			r.fail(at, key("url"), "is missing", `write url = "http://localhost:3000/webhooks" under [[forward]]`)
		case twice:
			r.fail(at, key("name"), fmt.Sprintf("repeats the name %q", f.Name), fmt.Sprintf("the other is at %s", earlier))
		case f.CA != "" && f.Insecure:
			r.fail(at, key("insecure"), "can't be combined with ca", "remove one of them")
		}
		names[f.Name] = at
		if lacking := r.setAside(before, func(e *Error) bool { return e.unfetched }); len(lacking) > 0 {
			r.cfg.problems = append(r.cfg.problems, lacking...)
			r.cfg.note("The forward %s is skipped, because its resign secret can't be fetched.", f.Name)
			continue
		}
		r.cfg.Forwards = append(r.cfg.Forwards, f)
	}
}

func forwardURL(s string) (string, string, string) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", "isn't an http or https URL", `write it like "http://localhost:3000/webhooks"`
	}
	return s, "", ""
}

// filter checks a filter with [Options.CheckFilter].
func (r *reader) filter(s string) (string, string, string) {
	if r.opts.CheckFilter != nil {
		if err := r.opts.CheckFilter(s); err != nil {
			return "", "isn't a filter: " + err.Error(), ""
		}
	}
	return s, "", ""
}

// sequence reads the number of an event.
func (r *reader) sequence(key string) uint64 {
	if _, set := r.values[key]; !set {
		return 0
	}
	return valueOf(r, key, 0, func(n uint64) string { return strconv.FormatUint(n, 10) }, func(v value) (uint64, string, string) {
		n, ok := v.raw.(int64)
		if !ok || n < 1 {
			return 0, "isn't an event number", "write it like 17"
		}
		return uint64(n), "", ""
	})
}

// certificates reads a file of certificates, relative to the configuration's folder.
func (r *reader) certificates(key, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.cfg.File), path)
	}
	text, err := Certificates(path)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		err = errors.New("it contains no certificates")
	}
	if err != nil {
		r.fail(r.values[key].from, key, "can't be read: "+err.Error(), "name a file with certificates in PEM")
	}
	return text
}

// Certificates reads a file of certificates in PEM. Its content is checked where it is used.
func Certificates(path string) (string, error) {
	data, err := regular.Read(Absolute(path), maxCA)
	return string(data), err
}
