package bucket

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		crashBeforeDelete()
	}
	goleak.VerifyTestMain(m)
}
