package logs

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewLogsCmd(...any) *cobra.Command { return leftout.Command("logs") }
