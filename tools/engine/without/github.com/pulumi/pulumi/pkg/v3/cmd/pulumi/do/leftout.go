package do

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewDoCmd(...any) *cobra.Command { return leftout.Command("do") }

func DefaultRunStatefulUpdate() {}
