package templatecmd

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewTemplateCmd(...any) *cobra.Command { return leftout.Command("template") }
