package hashivault

import (
	"gocloud.dev/secrets"

	"tegak/tools/engine/leftout"
)

func init() { secrets.DefaultURLMux().RegisterKeeper("hashivault", leftout.Scheme("hashivault")) }
