package app

// Replay takes an event in again.
type Replay struct {
	Seq uint64 `json:"seq"`
	// Request is the changed request, nil for the original one. Its Account and ReceivedAt are not used.
	Request *Inbound `json:"request,omitempty"`
	// Apply has the event change meetings again; otherwise it is only recorded.
	Apply bool `json:"apply,omitempty"`
}

// ResignRequest asks for a request with a new signature.
type ResignRequest struct {
	// Request was received at its ReceivedAt.
	Request Inbound `json:"request"`
	// Secret signs, in the platform's form; empty for the account's own.
	Secret string `json:"secret,omitempty"`
	// IfStale leaves the signature of a request that would be accepted now, and that of one which was not accepted when it came.
	IfStale bool `json:"if_stale,omitempty"`
}

// ImportBatch is a part of a file of events, in order.
type ImportBatch struct {
	// Events are whole. Their numbers are not used.
	Events []Delivery `json:"events"`
}

// ImportedBatch is the result of an ImportBatch.
type ImportedBatch struct {
	// Stored and Known count the events that are new, and those that were imported before.
	Stored int `json:"stored"`
	Known  int `json:"known"`
}
