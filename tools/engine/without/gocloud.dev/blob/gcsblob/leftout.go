package gcsblob

import (
	"gocloud.dev/blob"

	"tegak/tools/engine/leftout"
)

const Scheme = "gs"

func init() { blob.DefaultURLMux().RegisterBucket(Scheme, leftout.Scheme(Scheme)) }
