package events

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewReplayEventsCmd(...any) *cobra.Command { return leftout.Command("replay-events") }

func NewEventsCmd(...any) *cobra.Command { return leftout.Command("events") }
