package cursor

import (
	"encoding/json"
	"testing"
)

func TestBefore(t *testing.T) {
	ascending := []Position{{}, {Epoch: 1, Seq: 5}, {Epoch: 1, Seq: 6}, {Epoch: 2, Seq: 1}, {Epoch: 2, Seq: 1 << 63}, {Epoch: 1 << 63}}
	for i, p := range ascending {
		for j, q := range ascending {
			if p.Before(q) != (i < j) {
				t.Errorf("%+v before %+v: %v", p, q, p.Before(q))
			}
		}
	}
}

// TestTheFormatStays: relays, clients and stores of other versions read it.
func TestTheFormatStays(t *testing.T) {
	got, err := json.Marshal(Position{Hook: "h", Epoch: 1, Seq: 2})
	if want := `{"hook":"h","epoch":1,"seq":2}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
