package rest_test

import (
	"bytes"
	"sync"
	"testing"

	"greenroom/provider/rest"
)

// TestASignerForgetsWhatItSigned: many use one signer, and each result is that of a new one.
func TestASignerForgetsWhatItSigned(t *testing.T) {
	key := []byte("a key")
	s := rest.NewSigner(key)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			text := bytes.Repeat([]byte{byte(i)}, 100*i)
			for range 100 {
				if !bytes.Equal(s.MAC(text, []byte("end")), rest.MAC(key, append(bytes.Clone(text), "end"...))) {
					t.Error("the signer remembers")
				}
			}
		})
	}
	all.Wait()
}
