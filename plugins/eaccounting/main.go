// Command pomost-connector-eaccounting is the connector for Visma eAccounting, started by Pomost.
package main

import (
	"context"
	"io"

	eaccounting "github.com/pomost/pomost/plugins/eaccounting/connector"
	company "github.com/pomost/pomost/plugins/eaccounting/sandbox"
	"github.com/pomost/pomost/sdk/connector"
	"github.com/pomost/pomost/sdk/sandbox"
)

func main() {
	connector.Main(eaccounting.New(), func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		return sandbox.Main(ctx, company.System(), args, stdout, stderr)
	})
}
