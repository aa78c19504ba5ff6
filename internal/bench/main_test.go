package bench

import (
	"testing"

	"github.com/pomost/pomost/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
