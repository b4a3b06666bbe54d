package trace

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewViewTraceCmd(...any) *cobra.Command { return leftout.Command("view-trace") }

func NewConvertTraceCmd(...any) *cobra.Command { return leftout.Command("convert-trace") }
