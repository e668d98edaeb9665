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

// answer decodes the request of a method, makes the call, and encodes its result.
func answer(name string, body []byte, request any, call func() (any, error)) ([]byte, error) {
	if err := json.Unmarshal(body, request); err != nil {
		return nil, app.Errorf(provider.Invalid, "", "request of %s: %v", name, err)
	}
	result, err := call()
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}
