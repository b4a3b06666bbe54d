package cloud

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

type APIError struct {
	error
	Silent   bool
	ExitCode int
}

func NewAPICmd() *cobra.Command { return leftout.Command("api") }
