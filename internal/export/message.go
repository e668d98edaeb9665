package export

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Request is the part of a webhook that its sender chose.
type Request struct {
	Method, Target string
	Header         http.Header
	Body           []byte
}

// Text returns a request for an editor: its method and target, its headers, an empty line, and its body.
func (r Request) Text() []byte {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.Target + "\n")
	for _, n := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[n] {
			b.WriteString(n + ": " + v + "\n")
		}
	}
	b.WriteByte('\n')
	b.Write(r.Body)
	return b.Bytes()
}

// ParseRequest parses the text of [Request.Text]. A final line feed that r's body doesn't have is dropped: most editors add one.
func (r Request) ParseRequest(text []byte) (Request, error) {
	head, body, ok := bytes.Cut(text, []byte("\n\n"))
	if crlf, rest, found := bytes.Cut(text, []byte("\r\n\r\n")); found && (!ok || len(crlf) < len(head)) {
		head, body = bytes.ReplaceAll(crlf, []byte("\r\n"), []byte("\n")), rest
	}
	lines := strings.Split(string(head), "\n")
	method, target, ok := strings.Cut(lines[0], " ")
	target = strings.TrimSuffix(strings.TrimSuffix(target, " HTTP/1.1"), " HTTP/1.0")
	if !ok || !token(method) || target == "" || strings.ContainsAny(target, "\r\n") {
		return Request{}, errors.New("the first line must be a method and a target, such as POST /hooks/name")
	}
	out := Request{Method: method, Target: target, Header: http.Header{}, Body: body}
	for i, line := range lines[1:] {
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) || strings.ContainsAny(value, "\r\x00") {
			return Request{}, fmt.Errorf("line %d must be a header, such as Content-Type: application/json", i+2)
		}
		out.Header[name] = append(out.Header[name], strings.TrimPrefix(value, " "))
	}
	if !bytes.HasSuffix(r.Body, []byte("\n")) && bytes.HasSuffix(body, []byte("\n")) {
		out.Body = bytes.TrimSuffix(bytes.TrimSuffix(body, []byte("\n")), []byte("\r"))
	}
	return out, nil
}
