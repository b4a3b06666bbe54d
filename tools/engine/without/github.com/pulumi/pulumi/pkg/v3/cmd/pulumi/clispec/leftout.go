package clispec

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewGenCLISpecCmd(...any) *cobra.Command { return leftout.Command("generate-cli-spec") }
