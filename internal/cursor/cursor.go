// Package cursor numbers the requests that a relay or a queue keeps for this machine.
package cursor

// Position is the place of a request in the stream of a hook. As the position of a whole stream it means that this request
// and all before it are stored. A larger epoch is later than any seq of a smaller one.
//
// Its JSON is part of the relay's protocol and of the store's file.
type Position struct {
	Hook  string `json:"hook"`
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// Before reports whether p is earlier than q in the stream of their hook.
func (p Position) Before(q Position) bool {
	return p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Seq < q.Seq
}
