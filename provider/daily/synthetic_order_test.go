package daily

import (
	"testing"

	"greenroom/provider/providertest"
)

func TestSyntheticKeysAreInThePlatformsOrder(t *testing.T) {
	providertest.SyntheticOrder(t, types(), synthesize)
}
