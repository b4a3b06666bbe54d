package postgres

import (
	"gocloud.dev/blob"

	"tegak/tools/engine/leftout"
)

func init() { blob.DefaultURLMux().RegisterBucket("postgres", leftout.Scheme("postgres")) }
