package main

import "testing"

func TestForwardURLs(t *testing.T) {
	for _, bad := range []string{"", "localhost:3000", "ftp://x/", "http://", "/x"} {
		if err := forwardURLs([]string{"http://localhost:3000/hooks", bad}); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := forwardURLs([]string{"http://localhost:3000/hooks", "https://u:p@example.com"}); err != nil {
		t.Error(err)
	}
}
