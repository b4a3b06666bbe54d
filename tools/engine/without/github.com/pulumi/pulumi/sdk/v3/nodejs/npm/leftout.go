package npm

import "tegak/tools/engine/leftout"

const AutoPackageManager = ""

func Pack(...any) ([]byte, error) { return nil, leftout.Error("packing a policy in JavaScript") }
