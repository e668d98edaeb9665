package apptest

import (
	"context"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Func is a Backend that hands every call to one function: the name of the method and the request. A nil answer is the zero
// value. A nil Func refuses every call as [provider.Unsupported], so fakes embed it for the methods that they leave out.
type Func func(ctx context.Context, method string, request any) (any, error)

var _ app.Backend = Func(nil)

// Subscribe implements [app.Backend] with a stream in which nothing happens.
func (f Func) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	changes := make(chan app.Change)
	context.AfterFunc(ctx, func() { close(changes) })
	return changes, nil
}

func answer[Result any](ctx context.Context, f Func, method string, request any) (Result, error) {
	var none Result
	if f == nil {
		return none, &app.Error{Kind: provider.Unsupported, Text: method + " is not part of this Backend"}
	}
	v, err := f(ctx, method, request)
	if v == nil || err != nil {
		return none, err
	}
	return v.(Result), nil
}
