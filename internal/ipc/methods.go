package ipc

import (
	"context"
	"encoding/json"
	"reflect"

	"greenroom/internal/app"
	"greenroom/provider"
)

// method is one call of Backend: func(context.Context, Req) (Resp, error).
type method struct {
	name  string
	fn    reflect.Value
	req   reflect.Type
	limit int64
}

// methodsOf finds what can be called on b, by name.
func methodsOf(b app.Backend) map[string]method {
	out := make(map[string]method)
	v := reflect.ValueOf(b)
	for m := range callable() {
		limit := int64(limitCall)
		if m.Name == "Ingest" || m.Name == "IngestBatch" {
			limit = limitIngest
		}
		out[m.Name] = method{name: m.Name, fn: v.MethodByName(m.Name), req: m.Type.In(1), limit: limit}
	}
	return out
}

// callable yields the methods of the interface that have the shape of a call; Subscribe hasn't.
func callable() func(yield func(reflect.Method) bool) {
	backend := reflect.TypeFor[app.Backend]()
	return func(yield func(reflect.Method) bool) {
		for i := range backend.NumMethod() {
			if m := backend.Method(i); isCall(m.Type) && !yield(m) {
				return
			}
		}
	}
}

func isCall(t reflect.Type) bool {
	return t.NumIn() == 2 && t.In(0) == reflect.TypeFor[context.Context]() &&
		t.NumOut() == 2 && t.Out(1) == reflect.TypeFor[error]()
}

// call decodes the request, makes the call and encodes its result.
func (m method) call(ctx context.Context, body []byte) ([]byte, error) {
	req := reflect.New(m.req)
	if err := json.Unmarshal(body, req.Interface()); err != nil {
		return nil, &app.Error{Kind: provider.Invalid, Text: "request of " + m.name + ": " + err.Error(), Err: err}
	}
	out := m.fn.Call([]reflect.Value{reflect.ValueOf(ctx), req.Elem()})
	if err, _ := out[1].Interface().(error); err != nil {
		return nil, err
	}
	return json.Marshal(out[0].Interface())
}
