package cell

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/latin"
)

// signs are the ASCII signs for those that the screen draws.
var signs = map[string]string{
	"─": "-", "━": "-", "│": "|", "┃": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
	"●": "*", "○": "o", "·": ".", "◌": "%", "◉": "@", "★": "&", "◆": "#", "▌": ">", "✓": "v", "✗": "x", "–": "-", "—": "-", "…": "~",
	"→": ">", "←": "<", "↑": "^", "↓": "v", "‹": "<", "›": ">", "«": "<", "»": ">", "█": "#", "▓": "#", "▒": "=", "░": ".", "▀": "\"", "▄": "_",
	"▏": "|", "▎": "|", "▍": "|", "▋": "#", "▊": "#", "▉": "#", "“": "\"", "”": "\"", "‘": "'", "’": "'", "×": "x", "•": "*", "⧗": "%",
	"▁": ".", "▂": ":", "▃": "-", "▅": "=", "▆": "+", "▇": "*", "▼": "v",
}

// ASCII returns a styled text for a terminal without Unicode. It has the same width: a sign becomes one of ASCII, a letter the Latin
// letters that sound like it, as many as fit, and anything else question marks. Escape sequences stay.
func (r Ruler) ASCII(s string) string {
	if _, ok := ascii(s); ok {
		return s
	}
	var b strings.Builder
	for state := byte(0); s != ""; {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		if r.Method == ansi.WcWidth {
			seq, width, n, next = ansi.DecodeSequenceWc(s, state, nil)
		}
		s, state = s[n:], next
		if _, ok := ascii(seq); ok || width == 0 {
			if width > 0 || ok || strings.HasPrefix(seq, "\x1b") {
				b.WriteString(seq)
			}
			continue
		}
		b.WriteString(asciiFor(seq, width))
	}
	return b.String()
}

// asciiFor returns width ASCII characters for one character of the screen.
func asciiFor(char string, width int) string {
	if sign, ok := signs[char]; ok {
		return Ruler{}.Fit(sign, width)
	}
	letters := strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' {
			return -1
		}
		return c
	}, latin.Of(char))
	if len(letters) > width {
		letters = letters[:width]
	}
	if letters == "" {
		return strings.Repeat("?", width)
	}
	return letters + spaces(width-len(letters))
}
