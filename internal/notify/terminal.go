package notify

import (
	"strings"

	"greenroom/internal/plain"
)

// Bell rings a terminal's bell.
const Bell = "\a"

// title is the title of messages on the desktop.
const title = "Greenroom"

// Desktop returns the escape sequence that makes a terminal show a message on the desktop: OSC 99 for kitty, OSC 777 for foot, rxvt and
// terminals based on VTE, OSC 9 for others. Terminals without messages ignore it. For terminals that would print it, it is empty.
func Desktop(getenv func(string) string, text string) string {
	text = plain.Text(text)
	term := getenv("TERM")
	seq := "\x1b]9;" + title + ": " + text + "\a"
	switch {
	case term == "" || term == "dumb" || term == "linux" || strings.HasPrefix(term, "vt"):
		return ""
	case strings.Contains(term, "kitty") || getenv("KITTY_WINDOW_ID") != "":
		seq = "\x1b]99;i=greenroom:d=0;" + title + "\x1b\\\x1b]99;i=greenroom:d=1:p=body;" + text + "\x1b\\"
	case strings.HasPrefix(term, "foot"), strings.HasPrefix(term, "rxvt"), getenv("VTE_VERSION") != "":
		seq = "\x1b]777;notify;" + title + ";" + strings.ReplaceAll(text, ";", ",") + "\x1b\\"
	}
	if getenv("TMUX") != "" {
		return "\x1bPtmux;" + strings.ReplaceAll(seq, "\x1b", "\x1b\x1b") + "\x1b\\" // passed through where tmux allows it
	}
	return seq
}
