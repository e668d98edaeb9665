package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
)

// Action is the stable name of something that a key does; the file's key table is written in these.
type Action string

// The actions.
const (
	actQuit     Action = "quit"
	actHelp     Action = "help"
	actPalette  Action = "palette"
	actFilter   Action = "filter"
	actReload   Action = "reload"
	actSuspend  Action = "suspend"
	actMessages Action = "messages"
	actRooms    Action = "tab.rooms"
	actRecs     Action = "tab.recordings"
	actWebhooks Action = "tab.webhooks"
	actStatus   Action = "tab.status"
	actNextTab  Action = "tab.next"
	actPrevTab  Action = "tab.previous"

	actUp       Action = "move.up"
	actDown     Action = "move.down"
	actIn       Action = "move.in"
	actOut      Action = "move.out"
	actTop      Action = "move.top"
	actBottom   Action = "move.bottom"
	actHalfDown Action = "move.half-down"
	actHalfUp   Action = "move.half-up"

	actNewRoom    Action = "room.new"
	actEditRoom   Action = "room.edit"
	actDeleteRoom Action = "room.delete"
	actStart      Action = "meeting.start"
	actEnd        Action = "meeting.end"
	actOpenGuest  Action = "open.guest"
	actOpenHost   Action = "open.host"
	actCopyGuest  Action = "copy.guest"
	actCopyHost   Action = "copy.host"
	actQR         Action = "qr"
	actRecord     Action = "recording.switch"
	actEject      Action = "person.remove"
	actAdopt      Action = "room.adopt"

	actDownload        Action = "recording.download"
	actPauseDownload   Action = "recording.pause"
	actCancelDownload  Action = "recording.cancel"
	actRetryDownload   Action = "recording.retry"
	actOpenFile        Action = "recording.open"
	actReveal          Action = "recording.reveal"
	actCopyPath        Action = "recording.copy"
	actDeleteRecording Action = "recording.delete"
	actLimit           Action = "recording.limit"

	actFollow  Action = "webhook.follow"
	actCurl    Action = "webhook.curl"
	actHex     Action = "webhook.hex"
	actCopyURL Action = "status.copy"
	actCheck   Action = "status.check"

	actTunnelCopy  Action = "tunnel.copy"
	actTunnelQR    Action = "tunnel.qr"
	actTunnelProbe Action = "tunnel.probe"
	actRegister    Action = "webhook.register"
)

// Binding ties keys to an action, with the words that the footer, the help and the palette show.
type Binding struct {
	key.Binding
	Action Action
	// Long is the sentence of the help and the palette; the binding's own help is the footer's word.
	Long string
	// Footer says that the footer has it.
	Footer bool
}

// KeyMap is every binding, grouped by where it works.
type KeyMap struct {
	Rooms, Recordings, Webhooks, Status, Move, Everywhere []Binding
}

func bind(a Action, word, long string, footer bool, keys ...string) Binding {
	return Binding{
		Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown(keys), word)),
		Action:  a, Long: long, Footer: footer,
	}
}

// defaultKeys is the map without rebinding.
func defaultKeys() *KeyMap {
	return &KeyMap{
		Rooms: []Binding{
			bind(actNewRoom, "new", "Create a room", true, "n"),
			bind(actStart, "start", "Start a meeting in the room", true, "s"),
			bind(actEnd, "end", "End the meeting for everyone", true, "e"),
			bind(actRecord, "record", "Start or stop the recording", true, "r"),
			bind(actEject, "remove", "Remove a person from the meeting", true, "x"),
			bind(actCopyGuest, "copy", "Copy the guest link", true, "c"),
			bind(actCopyHost, "copy host", "Copy the host link", false, "C"),
			bind(actOpenHost, "host", "Open the meeting as host", true, "O"),
			bind(actOpenGuest, "guest", "Open the meeting as guest", true, "o"),
			bind(actQR, "QR", "Show the guest link as a QR code", false, "Q"),
			bind(actEditRoom, "edit", "Edit the room", true, "E"),
			bind(actDeleteRoom, "delete", "Delete the room", false, "D"),
			bind(actAdopt, "adopt", "Adopt existing rooms", true, "A"),
		},
		Recordings: []Binding{
			bind(actDownload, "download", "Download the recording", true, "d"),
			bind(actPauseDownload, "pause", "Pause or resume the download", true, "p"),
			bind(actRetryDownload, "retry", "Try a failed download again", true, "r"),
			bind(actCancelDownload, "cancel", "Cancel the download", true, "x"),
			bind(actOpenFile, "open", "Open the downloaded recording", true, "o"),
			bind(actReveal, "folder", "Open the folder of the downloaded recording", false, "f"),
			bind(actCopyPath, "copy path", "Copy the path of the downloaded recording", true, "y"),
			bind(actDeleteRecording, "delete", "Delete the recording on the platform", true, "D"),
			bind(actLimit, "limit", "Limit the bandwidth of downloads", false, "L"),
		},
		Webhooks: []Binding{
			bind(actFollow, "follow", "Follow the newest delivery", true, "f"),
			bind(actCurl, "copy as curl", "Copy the delivery as a curl command", true, "y"),
			bind(actHex, "hex", "Show the body as bytes, or as text", true, "b"),
		},
		Status: []Binding{
			bind(actCheck, "check", "Check the accounts with their platforms", true, "d"),
			bind(actCopyURL, "copy webhook URL", "Copy the webhook URL of the account", true, "c"),
			bind(actRegister, "register", "Register the webhook with the account's platform", true, "R"),
			bind(actTunnelCopy, "copy address", "Copy the tunnel's public URL", true, "u"),
			bind(actTunnelQR, "QR", "Show the tunnel's public URL as a QR code", false, "Q"),
			bind(actTunnelProbe, "probe", "Send a request through the tunnel", true, "p"),
		},
		Move: []Binding{
			bind(actDown, "down", "Down", false, "j", "down"),
			bind(actUp, "up", "Up", false, "k", "up"),
			bind(actIn, "into", "Focus next pane", false, "l", "right", "enter"),
			bind(actOut, "back", "Back to the list", false, "h", "left", "esc"),
			bind(actTop, "top", "To the top", false, "g", "home"),
			bind(actBottom, "bottom", "To the bottom", false, "G", "end"),
			bind(actHalfDown, "half page down", "Half a page down", false, "ctrl+d", "pgdown"),
			bind(actHalfUp, "half page up", "Half a page up", false, "ctrl+u", "pgup"),
		},
		Everywhere: []Binding{
			bind(actFilter, "filter", "Filter what is shown", true, "/"),
			bind(actPalette, "command", "Find any command", true, ":"),
			bind(actHelp, "help", "Show the keys", true, "?"),
			bind(actQuit, "quit", "Quit", true, "q", "ctrl+c"),
			bind(actRooms, "Rooms", "Go to Rooms", false, "1"),
			bind(actRecs, "Recordings", "Go to Recordings", false, "2"),
			bind(actWebhooks, "Webhooks", "Go to Webhooks", false, "3"),
			bind(actStatus, "Status", "Go to Status", false, "4"),
			bind(actNextTab, "next", "Next pane, or next tab where there is one pane", false, "tab"),
			bind(actPrevTab, "previous tab", "Previous tab", false, "shift+tab"),
			bind(actReload, "refresh", "Refresh", false, "ctrl+r"),
			bind(actMessages, "messages", "Show the messages and errors of this session", false, "!"),
			bind(actSuspend, "suspend", "Suspend Greenroom; fg in the shell resumes it", false, "ctrl+z"),
		},
	}
}

// group is a part of the map with its heading.
type group struct {
	name     string
	bindings []Binding
}

func (k *KeyMap) groups() []group {
	return []group{
		{"Rooms", k.Rooms}, {"Recordings", k.Recordings}, {"Webhooks", k.Webhooks}, {"Status", k.Status},
		{"Moving", k.Move}, {"Everywhere", k.Everywhere},
	}
}

// of gives the groups that work on a tab, the most specific first.
func (k *KeyMap) of(t tab) []group {
	all := k.groups()
	return []group{all[t], all[4], all[5]}
}

// Actions lists every name that may be rebound.
func Actions() []string {
	var out []string
	for _, g := range defaultKeys().groups() {
		for _, b := range g.bindings {
			out = append(out, string(b.Action))
		}
	}
	slices.Sort(out)
	return out
}

// NewKeyMap makes the key map, with the keys of some actions replaced. It is an error to name an unknown action, to give
// an action no key, or to have one key do two things in the same place.
func NewKeyMap(rebound map[string][]string) (*KeyMap, error) {
	k := defaultKeys()
	known := Actions()
	for name, keys := range rebound {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("keys: there is no action %q; there are %s", name, strings.Join(known, ", "))
		}
		if len(keys) == 0 {
			return nil, fmt.Errorf("keys: %s needs at least one key", name)
		}
		for _, g := range k.groups() {
			for i := range g.bindings {
				if b := &g.bindings[i]; string(b.Action) == name {
					b.SetKeys(keys...)
					b.SetHelp(shown(keys), b.Help().Desc)
				}
			}
		}
	}
	k.giveWay(rebound)
	return k, k.clashes()
}

// giveWay takes keys that the user has bound from actions that came later than such bindings may have.
func (k *KeyMap) giveWay(rebound map[string][]string) {
	for i := range k.Everywhere {
		b := &k.Everywhere[i]
		if _, own := rebound[string(b.Action)]; own || b.Action != actSuspend && b.Action != actMessages {
			continue
		}
		for _, keys := range rebound {
			left := slices.DeleteFunc(slices.Clone(b.Keys()), func(s string) bool { return slices.Contains(keys, s) })
			b.SetKeys(left...)
			b.SetHelp(shown(left), b.Help().Desc)
		}
	}
}

func (k *KeyMap) clashes() error {
	for t := tabRooms; t <= tabStatus; t++ {
		taken := map[string]Action{}
		for _, g := range k.of(t) {
			for _, b := range g.bindings {
				for _, s := range b.Keys() {
					if other, dup := taken[s]; dup {
						return fmt.Errorf("keys: %q is bound to both %s and %s on %s", s, other, b.Action, t)
					}
					taken[s] = b.Action
				}
			}
		}
	}
	return nil
}

// find gives the action of a key on a tab.
func (k *KeyMap) find(t tab, press fmt.Stringer) (Action, bool) {
	for _, g := range k.of(t) {
		for _, b := range g.bindings {
			if key.Matches(press, b.Binding) {
				return b.Action, true
			}
		}
	}
	return "", false
}

// is reports whether a key is one of an action's.
func (k *KeyMap) is(a Action, press fmt.Stringer) bool {
	for _, g := range k.groups() {
		for _, b := range g.bindings {
			if b.Action == a && key.Matches(press, b.Binding) {
				return true
			}
		}
	}
	return false
}

// name gives the first key of an action as it is shown in sentences.
func (k *KeyMap) name(a Action) string {
	for _, g := range k.groups() {
		for _, b := range g.bindings {
			if b.Action == a && len(b.Keys()) > 0 {
				return shown(b.Keys()[:1])
			}
		}
	}
	return ""
}

// shown is how keys are written: the first two, with arrows for the arrow keys.
func shown(keys []string) string {
	names := map[string]string{"up": "↑", "down": "↓", "left": "←", "right": "→", "space": "space", " ": "space"}
	out := make([]string, 0, 2)
	for _, k := range keys[:min(len(keys), 2)] {
		if n, ok := names[k]; ok {
			k = n
		}
		out = append(out, k)
	}
	return strings.Join(out, " ")
}
