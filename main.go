// Command pomost carries orders, customers, products and stock between business systems, exactly and accountably.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pomost/pomost/host/cli"
	"github.com/pomost/pomost/host/function"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == function.WorkerCommand {
		os.Exit(function.Serve(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
