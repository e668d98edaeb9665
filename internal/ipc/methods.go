package ipc

import (
	"context"
	"encoding/json"

	"greenroom/internal/app"
	"greenroom/provider"
)

// method is one call of Backend.
type method struct {
	name  string
	limit int64
	// call decodes the request, makes the call and encodes its result.
	call func(ctx context.Context, body []byte) ([]byte, error)
}

// tableOf returns the methods of b by name: every method of the interface but Subscribe.
//
// Package gen writes methodsOf. If methods were looked up by name, the linker would keep those of every type in the program:
// several megabytes, most of them of the AWS libraries.
func tableOf(b app.Backend) map[string]method {
	out := make(map[string]method)
	for _, m := range methodsOf(b) {
		if m.limit = limitCall; m.name == "Ingest" || m.name == "IngestBatch" {
			m.limit = limitIngest
		}
		out[m.name] = m
	}
	return out
}

// of returns the method that calls f.
func of[Request, Result any](name string, f func(context.Context, Request) (Result, error)) method {
	return method{name: name, call: func(ctx context.Context, body []byte) ([]byte, error) {
		var r Request
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, app.Errorf(provider.Invalid, "", "request of %s: %v", name, err)
		}
		result, err := f(ctx, r)
		if err != nil {
			return nil, err
		}
		return json.Marshal(result)
	}}
}
