package azurekeyvault

import (
	"gocloud.dev/secrets"

	"tegak/tools/engine/leftout"
)

func init() { secrets.DefaultURLMux().RegisterKeeper("azurekeyvault", leftout.Scheme("azurekeyvault")) }
