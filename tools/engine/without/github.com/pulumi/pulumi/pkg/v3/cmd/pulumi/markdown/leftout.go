package markdown

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewGenMarkdownCmd(...any) *cobra.Command { return leftout.Command("gen-markdown") }
