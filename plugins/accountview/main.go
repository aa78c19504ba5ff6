// Command pomost-connector-accountview is the AccountView connector: a plugin of Pomost, and with the argument "sandbox" the
// sandbox of AccountView.
package main

import (
	"context"
	"io"

	av "github.com/pomost/pomost/plugins/accountview/connector"
	"github.com/pomost/pomost/plugins/accountview/sandbox"
	"github.com/pomost/pomost/sdk/connector"
	kit "github.com/pomost/pomost/sdk/sandbox"
)

func main() {
	connector.Main(av.New(), func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		return kit.Main(ctx, sandbox.System(), args, stdout, stderr)
	})
}
