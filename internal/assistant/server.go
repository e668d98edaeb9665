package assistant

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// The server speaks MCP by hand: the official library costs 2 MB of binary, and is the client in the tests.
// Messages, versions and error codes: https://modelcontextprotocol.io/specification/2025-06-18/basic.

// versions are the supported versions of the protocol, newest first. They don't differ in the parts that are used here.
var versions = []string{"2025-06-18", "2025-03-26", "2024-11-05"}

// maxLine is the largest size of a message in bytes.
const maxLine = 4 << 20

// maxCalls is the largest number of tools that run at the same time.
const maxCalls = 16

// The error codes of JSON-RPC.
const (
	parseError     = -32700
	invalidRequest = -32600
	noSuchMethod   = -32601
	invalidParams  = -32602
	internalError  = -32603
)

// message is a request, or a notification if it has no id.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// reply is the answer to a request.
type reply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

type tool struct {
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Input       schema      `json:"inputSchema"`
	Annotations annotations `json:"annotations"`
	call        func(ctx context.Context, arguments json.RawMessage) (result, error)
}

type annotations struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
}

// result is the result of a tool call.
type result struct {
	Content    []content       `json:"content"`
	Structured json.RawMessage `json:"structuredContent,omitempty"`
	Failed     bool            `json:"isError,omitempty"`
}

type content struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// server offers tools to one client.
type server struct {
	Options
	tools []tool

	mu      sync.Mutex // guards out and running
	out     io.Writer
	err     error // of the last write
	running map[string]context.CancelFunc
}

// serve answers the messages of a reader until it or ctx ends. Up to maxCalls calls of tools run at the same time.
func (s *server) serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.out, s.running = out, map[string]context.CancelFunc{}
	lines, ended := make(chan []byte), make(chan error, 1)
	go func() {
		scan := bufio.NewScanner(in)
		scan.Buffer(make([]byte, 0, 64<<10), maxLine)
		for scan.Scan() {
			select {
			case lines <- bytes.Clone(scan.Bytes()):
			case <-ctx.Done():
				return
			}
		}
		ended <- scan.Err()
	}()
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	places := make(chan struct{}, maxCalls)
	for {
		select {
		case line := <-lines:
			var m message
			if err := json.Unmarshal(line, &m); err != nil {
				if len(bytes.TrimSpace(line)) > 0 {
					s.answer(nil, nil, &rpcError{parseError, "the message is not a JSON object"})
				}
				continue
			}
			if m.Method != "tools/call" || m.ID == nil {
				s.handle(ctx, m)
				break
			}
			one, stop := context.WithCancel(ctx)
			s.mu.Lock()
			s.running[string(m.ID)] = stop
			s.mu.Unlock()
			calls.Go(func() {
				defer stop()
				select {
				case places <- struct{}{}:
					defer func() { <-places }()
					s.handle(one, m)
				case <-one.Done():
				}
				s.mu.Lock()
				delete(s.running, string(m.ID))
				s.mu.Unlock()
			})
		case err := <-ended:
			if errors.Is(err, bufio.ErrTooLong) {
				err = fmt.Errorf("a message is longer than %d bytes", maxLine)
			}
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
		err := s.err
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

// handle answers a request, or handles a notification.
func (s *server) handle(ctx context.Context, m message) {
	if m.ID == nil {
		s.notified(m)
		return
	}
	if m.Version != "2.0" || m.Method == "" {
		s.answer(m.ID, nil, &rpcError{invalidRequest, "the message is not a JSON-RPC 2.0 request"})
		return
	}
	out, err := s.request(ctx, m)
	if ctx.Err() == nil { // a call that was cancelled gets no answer
		s.answer(m.ID, out, err)
	}
}

// notified handles a notification. Only the cancellation of a call has an effect.
func (s *server) notified(m message) {
	var p struct {
		Request json.RawMessage `json:"requestId"`
	}
	if m.Method != "notifications/cancelled" || json.Unmarshal(m.Params, &p) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop := s.running[string(p.Request)]; stop != nil {
		stop()
	}
}

// request returns the result of a request.
func (s *server) request(ctx context.Context, m message) (any, error) {
	switch m.Method {
	case "initialize":
		var p struct {
			Version string `json:"protocolVersion"`
		}
		if err := json.Unmarshal(m.Params, &p); err != nil {
			return nil, &rpcError{invalidParams, "the parameters of initialize can't be read"}
		}
		if !slices.Contains(versions, p.Version) {
			p.Version = versions[0]
		}
		return map[string]any{
			"protocolVersion": p.Version, "capabilities": map[string]any{"tools": map[string]any{}},
			"serverInfo":   map[string]any{"name": "greenroom", "title": "Greenroom", "version": s.Version},
			"instructions": instructions,
		}, nil
	case "ping":
		return map[string]any{}, nil
	case "tools/list":
		return map[string]any{"tools": s.tools}, nil
	case "tools/call":
		var p struct {
			Name      string          `json:"name"`
			Arguments json.RawMessage `json:"arguments"`
		}
		if err := json.Unmarshal(m.Params, &p); err != nil {
			return nil, &rpcError{invalidParams, "the parameters of tools/call can't be read"}
		}
		for _, t := range s.tools {
			if t.Name == p.Name {
				return t.call(ctx, p.Arguments)
			}
		}
		return nil, &rpcError{invalidParams, fmt.Sprintf("there is no tool %q", p.Name)}
	}
	return nil, &rpcError{noSuchMethod, fmt.Sprintf("there is no method %q", m.Method)}
}

// answer writes the answer to a request.
func (s *server) answer(id json.RawMessage, out any, err error) {
	r := reply{Version: "2.0", ID: id, Result: out}
	if err != nil {
		r.Result = nil
		if !errors.As(err, &r.Error) {
			r.Error = &rpcError{internalError, err.Error()}
		}
	}
	if r.ID == nil {
		r.ID = json.RawMessage("null")
	}
	line, err := json.Marshal(r)
	if err != nil {
		line, _ = json.Marshal(reply{Version: "2.0", ID: r.ID, Error: &rpcError{internalError, "the answer can't be written as JSON"}})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.out.Write(append(line, '\n')); err != nil && s.err == nil {
		s.err = err
	}
}
