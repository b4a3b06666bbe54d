package authhelpers

import (
	"context"

	"gocloud.dev/blob"

	"tegak/tools/engine/leftout"
)

type Credentials struct{ TokenSource any }

func ResolveGoogleCredentials(context.Context, string) (*Credentials, error) {
	return nil, leftout.Error("gcpkms://")
}

func GoogleCredentialsMux(context.Context) (*blob.URLMux, error) {
	return nil, leftout.Error("gs://")
}
