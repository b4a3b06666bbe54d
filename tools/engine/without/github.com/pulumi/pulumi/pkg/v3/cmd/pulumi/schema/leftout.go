package schema

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewSchemaCmd(...any) *cobra.Command { return leftout.Command("schema") }
