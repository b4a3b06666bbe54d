package install

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewInstallCmd(...any) *cobra.Command { return leftout.Command("install") }
