package console

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewConsoleCmd(...any) *cobra.Command { return leftout.Command("console") }
