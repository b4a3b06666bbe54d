package gcpkms

import (
	"context"

	"tegak/tools/engine/leftout"
)

const Scheme = "gcpkms"

type URLOpener struct {
	leftout.Scheme
	Client any
}

func Dial(context.Context, any) (any, func(), error) {
	return nil, func() {}, leftout.Error("gcpkms://")
}
