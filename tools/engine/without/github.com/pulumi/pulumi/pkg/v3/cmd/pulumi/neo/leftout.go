package neo

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewNeoCmd(...any) *cobra.Command { return leftout.Command("neo") }
