package relay

// SplitTarget and AddrOf are for fuzzing, as is Sender by way of the server.
var (
	SplitTarget = splitTarget
	AddrOf      = addrOf
	Sender      = (*Server).sender
)
