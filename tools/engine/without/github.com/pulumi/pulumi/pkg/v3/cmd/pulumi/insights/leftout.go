package insights

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewInsightsCmd(...any) *cobra.Command { return leftout.Command("insights") }
