package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
)

func (a *app) functionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "function", Short: "Custom functions in WebAssembly: list, test, add, write, build",
		Long: "Custom functions take columns of records and give others, for the mapping to use. They are written in Go or another language and\n" +
			"compiled to WebAssembly; they run apart, without network, files or clock.\n\n" +
			"A function of your own: `pomost function new NAME`, `pomost function build NAME`, `pomost function add NAME/NAME.wasm`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return a.help(cmd)
		},
	}
	cmd.AddCommand(a.functionListCommand(), a.functionTestCommand(), a.functionAddCommand(), a.functionNewCommand(), a.functionBuildCommand())
	return cmd
}

// oneArg takes the only argument of a command.
func oneArg(cmd *cobra.Command, args []string, what, remedy string) (string, error) {
	switch {
	case len(args) == 0:
		return "", usage("`"+cmd.CommandPath()+"` needs "+what, remedy)
	case len(args) > 1:
		return "", usage("`"+cmd.CommandPath()+"` takes one argument, not "+args[1]+" as well", "do one after the other")
	}
	return args[0], nil
}

func (a *app) functionListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the functions with version, signature and origin", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := a.service().ListFunctions(a.ctx)
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if len(r.Functions) == 0 {
					if err == nil {
						fmt.Fprintf(w, "No function is installed.\n  → %s\n", a.hint("function new NAME"))
					}
					return
				}
				a.functionsText(w, r.Functions)
			})
		},
	}
}

func (a *app) functionsText(w io.Writer, fs []control.FunctionInfo) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tVERSION\tFROM\tSIGNATURE")
	for _, f := range fs {
		from := f.From
		if f.Hidden {
			from += " (hidden by your own)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", f.Name, cell(f.Version), from, f.Signature)
	}
	_ = tw.Flush()
}

func (a *app) functionTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test NAME | test FILE.wasm", Short: "Run a module's own examples",
		Long: "Runs the examples that a module carries, each twice and in another order: the same input must give the same output.",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := oneArg(cmd, args, "the name of a function", "`pomost function ls` names those that there are")
			if err != nil {
				return err
			}
			r, err := a.service().TestFunction(a.ctx, name)
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				for _, e := range r.Examples {
					if e.Passed {
						fmt.Fprintf(w, "ok    %s → %s\n", cell(e.Call), cell(e.Got))
						continue
					}
					fmt.Fprintf(w, "WRONG %s\n      gives %s\n      not   %s\n", cell(e.Call), cell(e.Got), cell(e.Want))
				}
				if err == nil {
					fmt.Fprintf(w, "\n%s (version %s): %s passed.\n", r.Module, cell(r.Version), control.Several(r.Passed, "example"))
				}
			})
		},
	}
}

func (a *app) functionAddCommand() *cobra.Command {
	return &cobra.Command{
		Use: "add FILE.wasm", Short: "Install a function of your own",
		Long: "Installs a module after it has described itself and passed its examples. A module of your own with the same name is replaced.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := oneArg(cmd, args, "the file of a function", "`pomost function build DIR` makes one")
			if err != nil {
				return err
			}
			if !strings.HasSuffix(path, ".wasm") {
				return usage(path+" is no .wasm file", "`pomost function build DIR` makes one")
			}
			r, err := a.service().AddFunction(a.ctx, path)
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					fmt.Fprintln(w, "Added:")
					a.functionsText(w, r.Functions)
				}
			})
		},
	}
}

func (a *app) functionNewCommand() *cobra.Command {
	return &cobra.Command{
		Use: "new NAME", Short: "Write the beginnings of a function in Go",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := oneArg(cmd, args, "a name", "for instance `pomost function new clean_phone`")
			if err != nil {
				return err
			}
			r, err := a.service().NewFunction(".", name)
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					fmt.Fprintf(w, "The function %s stands in %s/main.go, with a test beside it.\n  → pomost function build %s\n", name, r.Dir, quoteArg(r.Dir))
				}
			})
		},
	}
}

func (a *app) functionBuildCommand() *cobra.Command {
	return &cobra.Command{
		Use: "build DIR", Short: "Compile a function with the Go toolchain",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := oneArg(cmd, args, "the folder of a function", "`pomost function new NAME` makes one")
			if err != nil {
				return err
			}
			r, err := a.service().BuildFunction(a.ctx, dir)
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if err == nil {
					fmt.Fprintf(w, "Built %s (%d KiB).\n  → pomost function test %s\n  → %s\n", r.File, r.Bytes>>10, quoteArg(r.File), a.hint("function add "+quoteArg(r.File)))
				}
			})
		},
	}
}
