package export

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"greenroom/internal/app"
)

// The parts of HAR 1.2 that webhooks have: http://www.softwareishard.com/blog/har-12-spec/.
type (
	harEntry struct {
		StartedDateTime time.Time   `json:"startedDateTime"`
		Time            float64     `json:"time"`
		Request         harRequest  `json:"request"`
		Response        harResponse `json:"response"`
		Cache           struct{}    `json:"cache"`
		Timings         harTimings  `json:"timings"`
		// Event is the event without its headers and body; its headers are in HeadersBase64 if they aren't text.
		Event         *app.Delivery       `json:"_greenroom,omitempty"`
		HeadersBase64 map[string][][]byte `json:"_headers_base64,omitempty"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		HTTPVersion string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		QueryString []harPair `json:"queryString"`
		PostData    *harBody  `json:"postData,omitempty"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int       `json:"bodySize"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		RedirectURL string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int        `json:"bodySize"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harBody struct {
		MimeType string `json:"mimeType"`
		Text     string `json:"text"`
		Encoding string `json:"encoding,omitempty"`
	}
	harContent struct {
		Size     int    `json:"size"`
		MimeType string `json:"mimeType"`
	}
	harTimings struct {
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
)

func (w *Writer) har(d app.Delivery) error {
	b, err := encode(w.entry(d))
	if err != nil {
		return err
	}
	before := ",\n"
	if w.n == 1 {
		before = w.harHead()
	}
	return w.text(before, string(b))
}

func (w *Writer) harHead() string {
	version, _ := encode(w.opt.Version) // a string always encodes
	return `{"log":{"version":"1.2","creator":{"name":"greenroom","version":` + string(version) + `},"entries":[` + "\n"
}

func (w *Writer) harEnd() error {
	before := ""
	if w.n == 0 {
		before = w.harHead()
	}
	return w.text(before, "\n]}}\n")
}

func (w *Writer) entry(d app.Delivery) harEntry {
	headers := []harPair{}
	exact := map[string][][]byte{}
	for _, n := range slices.Sorted(maps.Keys(d.Headers)) {
		for _, v := range d.Headers[n] {
			headers = append(headers, harPair{n, v})
			if !utf8.ValidString(v) {
				exact[n] = nil
			}
		}
	}
	for n := range exact {
		for _, v := range d.Headers[n] {
			exact[n] = append(exact[n], []byte(v))
		}
	}
	e := harEntry{
		StartedDateTime: d.At.UTC(),
		Request: harRequest{
			Method: d.Method, URL: w.url(d), HTTPVersion: "HTTP/1.1", Cookies: []harPair{}, Headers: headers, QueryString: query(d.Target),
			HeadersSize: -1, BodySize: len(d.Body), PostData: postData(d),
		},
		Response: harResponse{
			Status: d.Status, StatusText: http.StatusText(d.Status), HTTPVersion: "HTTP/1.1", Cookies: []harPair{}, Headers: []harPair{},
			Content: harContent{MimeType: "text/plain"}, HeadersSize: -1, BodySize: -1,
		},
	}
	if len(exact) > 0 {
		e.HeadersBase64 = exact
	}
	d.Headers, d.Body = nil, nil
	e.Event = &d
	return e
}

// url returns the URL of the request in a form that every reader accepts. The exact target is in the event.
func (w *Writer) url(d app.Delivery) string {
	path, rawQuery, hasQuery := strings.Cut(d.Target, "?")
	u, err := url.Parse(w.opt.Base)
	if err != nil || u.Host == "" {
		u = &url.URL{Scheme: "http", Host: "127.0.0.1:7070"}
	}
	out := u.Scheme + "://" + u.Host + escaped("/"+strings.TrimPrefix(path, "/"))
	if hasQuery {
		out += "?" + escaped(rawQuery)
	}
	return out
}

// escaped escapes characters that URLs can't contain, and keeps existing escapes.
func escaped(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		isEscape := c == '%' && i+2 < len(s) && strings.IndexByte(hex+"abcdef", s[i+1]) >= 0 && strings.IndexByte(hex+"abcdef", s[i+2]) >= 0
		if c > ' ' && c < 0x7f && strings.IndexByte("\"<>\\^`{|}#[]%", c) < 0 || isEscape {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return b.String()
}

func query(target string) []harPair {
	out := []harPair{}
	_, raw, _ := strings.Cut(target, "?")
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		unescaped := func(s string) string {
			if plain, err := url.QueryUnescape(s); err == nil {
				return plain
			}
			return s
		}
		out = append(out, harPair{unescaped(name), unescaped(value)})
	}
	return out
}

func postData(d app.Delivery) *harBody {
	if len(d.Body) == 0 {
		return nil
	}
	b := &harBody{MimeType: d.Headers.Get("Content-Type"), Text: string(d.Body)}
	if !utf8.Valid(d.Body) {
		b.Text, b.Encoding = base64.StdEncoding.EncodeToString(d.Body), "base64"
	}
	return b
}

// delivery returns the event of an entry, which any program may have written.
func (e harEntry) delivery() (app.Delivery, error) {
	d := app.Delivery{}
	if e.Event != nil {
		d = *e.Event
	} else {
		d.At, d.Status, d.Method = app.At(e.StartedDateTime), e.Response.Status, e.Request.Method
		if u, err := url.Parse(e.Request.URL); err == nil {
			d.Target = u.RequestURI()
		}
	}
	d.Headers = http.Header{}
	for _, h := range e.Request.Headers {
		if e.Event == nil {
			if strings.HasPrefix(h.Name, ":") {
				continue // HTTP/2 has its method and path among the headers
			}
			h.Name = http.CanonicalHeaderKey(h.Name)
		}
		d.Headers[h.Name] = append(d.Headers[h.Name], h.Value)
	}
	for n, values := range e.HeadersBase64 {
		d.Headers[n] = nil
		for _, v := range values {
			d.Headers[n] = append(d.Headers[n], string(v))
		}
	}
	if e.Request.PostData == nil {
		return d, nil
	}
	d.Body = app.Body(e.Request.PostData.Text)
	if strings.EqualFold(e.Request.PostData.Encoding, "base64") {
		raw, err := base64.StdEncoding.DecodeString(e.Request.PostData.Text)
		if err != nil {
			return d, err
		}
		d.Body = raw
	}
	return d, nil
}
