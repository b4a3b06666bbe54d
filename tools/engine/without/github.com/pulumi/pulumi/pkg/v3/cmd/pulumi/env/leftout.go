package env

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewEnvCmd(...any) *cobra.Command { return leftout.Command("env") }
