package org

import (
	"github.com/spf13/cobra"

	"tegak/tools/engine/leftout"
)

func NewOrgCmd(...any) *cobra.Command { return leftout.Command("org") }
