package notify

import "testing"

func TestDesktop(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"TERM": "xterm-256color"}, "\x1b]9;Greenroom: 4;1␛\a"},
		{map[string]string{"TERM": "xterm-kitty"}, "\x1b]99;i=greenroom:d=0;Greenroom\x1b\\\x1b]99;i=greenroom:d=1:p=body;4;1␛\x1b\\"},
		{map[string]string{"TERM": "foot"}, "\x1b]777;notify;Greenroom;4,1␛\x1b\\"},
		{map[string]string{"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;Greenroom;4,1␛\x1b\\"},
		{map[string]string{"TERM": "screen-256color", "TMUX": "/tmp/x"}, "\x1bPtmux;\x1b\x1b]9;Greenroom: 4;1␛\a\x1b\\"},
		{map[string]string{"TERM": "linux"}, ""},
		{map[string]string{"TERM": "vt100"}, ""},
		{map[string]string{"TERM": "dumb"}, ""},
		{nil, ""},
	} {
		if got := Desktop(func(name string) string { return test.env[name] }, "4;1\x1b"); got != test.want {
			t.Errorf("%v: %q, not %q", test.env, got, test.want)
		}
	}
}
