package app

// PageReach is where a room's page is reachable from.
type PageReach string

// The reaches of a page.
const (
	// PagePublic is reachable from everywhere, through a tunnel that carries connections.
	PagePublic PageReach = "public"
	// PageLocal is reachable on this machine only.
	PageLocal PageReach = "local"
	// PageOff is disabled.
	PageOff PageReach = "off"
)

// PageLink is the address of a room's page, where guests join on any platform.
type PageLink struct {
	// PageURL is empty while the page is off.
	PageURL   string    `json:"page_url"`
	PageReach PageReach `json:"page_reach"`
	// PageTunnel is the driver of the tunnel through which it is public.
	PageTunnel string `json:"page_tunnel,omitempty"`
}

// PageChange changes the page of a room: Rotate replaces its address, Off and On disable and enable it.
type PageChange struct {
	Room   string `json:"room"`
	Rotate bool   `json:"rotate,omitempty"`
	Off    bool   `json:"off,omitempty"`
	On     bool   `json:"on,omitempty"`
}

// PageRef names a page by the token in its address.
type PageRef struct {
	Token string `json:"token"`
}

// PageState is the state of a room for a guest on a page.
type PageState string

// The states of a page.
const (
	// PageWaiting has no meeting yet.
	PageWaiting PageState = "waiting"
	PageOpen    PageState = "open"
	// PageLocked has a locked meeting without a host, on a platform without a lobby.
	PageLocked PageState = "locked"
	// PageEnded has a meeting that ended a short while ago, and no other one soon.
	PageEnded PageState = "ended"
)

// PageView holds the details that guests see before they consent. Nothing in it leads to the meeting.
type PageView struct {
	Room  string    `json:"room"`
	State PageState `json:"state"`
	// By is the names of those who invite, possibly empty.
	By string `json:"by,omitempty"`
	// Recorded reports whether guests must expect to be recorded, Ask whether they must consent first.
	Recorded bool `json:"recorded"`
	Ask      bool `json:"ask"`
	// Meeting is the meeting's id here; empty while there is none.
	Meeting string `json:"meeting,omitempty"`
	// StartsAt is when the next meeting is booked, zero if unknown.
	StartsAt Time `json:"starts_at"`
	// Frames and Connects are the sources for frame-src and connect-src that the platforms' components need.
	Frames   []string `json:"frames,omitempty"`
	Connects []string `json:"connects,omitempty"`
}

// The guests' answers to the consent question, as they are shown.
const (
	ConsentYes = "yes"
	ConsentNo  = "no"
)

// PageEntry is a guest's request to enter.
type PageEntry struct {
	Token string `json:"token"`
	// Visit is a secret of the guest's browser. The same visit is the same guest.
	Visit string `json:"visit"`
	Name  string `json:"name"`
	// Consent is [ConsentYes], [ConsentNo], or empty if the guest was not asked.
	Consent string `json:"consent"`
	// Host is the one-time token of the host's link; empty for guests.
	Host string `json:"host,omitempty"`
	// Unchanged admits only known guests with the same name and answer, since the page has stored too many.
	Unchanged bool `json:"unchanged,omitempty"`
	// Full admits no one, since the page has handed out too many tokens. Answers are still stored.
	Full bool `json:"full,omitempty"`
}

// PageEntered is the result of a [PageEntry].
type PageEntered struct {
	PageView
	// Component is the page's component for the platform, URL and Access are its parameters. All are empty unless the guest may enter
	// now.
	Component string `json:"component,omitempty"`
	URL       string `json:"url,omitempty"`
	Access    string `json:"access,omitempty"`
	// Guest is the guest's id on the platform, for platforms that accept one.
	Guest string `json:"guest,omitempty"`
	// Name is the name as stored.
	Name string `json:"name,omitempty"`
	// Stored reports whether the guest is new, or has changed their name or answer.
	Stored bool `json:"stored,omitempty"`
}

// String omits the access data, so that it is never logged.
func (p PageEntered) String() string { return "entry to " + p.Room }

// GoString omits the access data, too.
func (p PageEntered) GoString() string { return p.String() }

// Guest is a person who came to a meeting's page, with their answer to being recorded.
type Guest struct {
	// ID is their user id on platforms that accept one.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Consent is [ConsentYes], [ConsentNo], or empty if they were not asked.
	Consent   string `json:"consent"`
	ConsentAt Time   `json:"consent_at"`
	// CameAt is when they came to the page, EnteredAt when they were first let into the meeting, zero if never.
	CameAt    Time `json:"came_at"`
	EnteredAt Time `json:"entered_at"`
	// Session is the session of their stay, empty if they never joined or can't be recognised.
	Session string `json:"session"`
}
