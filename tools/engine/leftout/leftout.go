// Package leftout says what the engine was built without, and what to do about it.
package leftout

import (
	"context"
	"fmt"
	"net/url"

	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	"github.com/spf13/cobra"
	"gocloud.dev/blob"
	"gocloud.dev/secrets"
)

// Error says that something is missing here.
func Error(what string) error {
	return fmt.Errorf("%s is left out of the engine that tegak builds; "+
		"install the official Pulumi CLI %s and type make engine", what, version.Version)
}

// Command stands where a command was: it takes any arguments and refuses.
func Command(name string) *cobra.Command {
	refuse := func(*cobra.Command, []string) error { return Error("'pulumi " + name + "'") }
	return &cobra.Command{Use: name, Hidden: true, DisableFlagParsing: true, RunE: refuse}
}

// Scheme stands where a driver was: it refuses each address that begins with it.
type Scheme string

// OpenBucketURL refuses a state's address.
func (scheme Scheme) OpenBucketURL(context.Context, *url.URL) (*blob.Bucket, error) {
	return nil, Error(string(scheme) + "://")
}

// OpenKeeperURL refuses a secrets provider's address.
func (scheme Scheme) OpenKeeperURL(context.Context, *url.URL) (*secrets.Keeper, error) {
	return nil, Error(string(scheme) + "://")
}
