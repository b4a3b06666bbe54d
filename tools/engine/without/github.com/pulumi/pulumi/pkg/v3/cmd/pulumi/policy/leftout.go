package policy

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewPolicyCmd(...any) *cobra.Command { return leftout.Command("policy") }
