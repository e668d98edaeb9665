package main

import "testing"

func TestForwardURLs(t *testing.T) {
	for _, bad := range []string{"localhost:3000", "ftp://x/", "http://", "/x"} {
		if _, err := target(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	for _, good := range []string{"http://localhost:3000/hooks", "https://u:p@example.com"} {
		if _, err := target(good); err != nil {
			t.Error(err)
		}
	}
}
