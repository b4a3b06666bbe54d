package azureblob

import (
	"context"
	"net/url"

	"gocloud.dev/blob"

	"tegak/tools/engine/leftout"
)

const Scheme = "azblob"

type URLOpener struct {
	MakeClient        func()
	ServiceURLOptions struct{}
}

func (*URLOpener) OpenBucketURL(ctx context.Context, address *url.URL) (*blob.Bucket, error) {
	return leftout.Scheme(Scheme).OpenBucketURL(ctx, address)
}

func NewDefaultClient() {}

func NewDefaultServiceURLOptions() *struct{} { return &struct{}{} }

func init() { blob.DefaultURLMux().RegisterBucket(Scheme, &URLOpener{}) }
