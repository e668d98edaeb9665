package tui

// hasIndicator reports whether the terminal shows OSC 9;4 as progress. Others show it as a notification, or print it.
func hasIndicator(env []string) bool {
	get := lookIn(env)
	if get("TMUX") != "" || get("STY") != "" {
		return false
	}
	vte := get("VTE_VERSION")
	switch {
	case get("WT_SESSION") != "", get("ConEmuANSI") == "ON", get("TERM") == "xterm-ghostty":
		return true
	case get("TERM_PROGRAM") == "WezTerm", get("TERM_PROGRAM") == "ghostty":
		return true
	}
	return len(vte) > 4 || len(vte) == 4 && vte >= "8000"
}
