package openpgp

import "tegak/tools/engine/leftout"

type Entity struct{}

func ReadArmoredKeyRing(any) (any, error) {
	return nil, leftout.Error("verifying a commit's signature")
}

func CheckArmoredDetachedSignature(...any) (*Entity, error) {
	return nil, leftout.Error("verifying a commit's signature")
}
