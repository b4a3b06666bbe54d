package packagecmd

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewPackageCmd(...any) *cobra.Command { return leftout.Command("package") }
