package cli

import "tegak/tools/engine/leftout"

type PrepareOptions struct{ Pretend, Redact bool }

func PrepareEnvironment(any, *PrepareOptions) (files, variables, secrets []string, byKey map[string]string, err error) {
	return nil, nil, nil, nil, leftout.Error("an ESC environment")
}
