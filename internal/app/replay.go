package app

// Replay asks for an event to be processed again.
type Replay struct {
	Seq uint64 `json:"seq"`
	// Request is the changed request, nil for the original one. Its Account and ReceivedAt are not used.
	Request *Inbound `json:"request,omitempty"`
	// Apply lets the event change meetings again; otherwise it is only recorded.
	Apply bool `json:"apply,omitempty"`
}

// ResignRequest asks for a request with a new signature.
type ResignRequest struct {
	// Request was received at its ReceivedAt.
	Request Inbound `json:"request"`
	// Secret signs, in the platform's form; empty for the account's own.
	Secret string `json:"secret,omitempty"`
	// IfStale keeps the signature of a request that would be accepted now, or that was not accepted when it arrived.
	IfStale bool `json:"if_stale,omitempty"`
}

// ImportBatch is a part of a file of events, in order.
type ImportBatch struct {
	// Events are complete, with headers and body. Their numbers are not used.
	Events []Delivery `json:"events"`
}

// ImportedBatch is the result of an ImportBatch.
type ImportedBatch struct {
	// Stored counts the new events, Known those that were imported before.
	Stored int `json:"stored"`
	Known  int `json:"known"`
}
