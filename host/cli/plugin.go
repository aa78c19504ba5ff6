package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pomost/pomost/host/control"
	"github.com/pomost/pomost/registry"
)

func (a *app) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "plugin", Short: "Install connectors from elsewhere, and look after them",
		Long: "Connectors from elsewhere come as one file. Installing one checks and pins it: from then on exactly that binary runs, and none that\n" +
			"was changed later.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return a.help(cmd)
		},
	}
	cmd.AddCommand(a.pluginInstall(), a.pluginRemove(), a.pluginList(), a.pluginVerify(), a.pluginPack())
	return cmd
}

func (a *app) pluginInstall() *cobra.Command {
	return &cobra.Command{
		Use: "install FILE", Short: "Check a plugin's file, install and pin it",
		Long: "Checks a plugin (a .tar.gz, or the plugin.yaml of an unpacked one) and installs it. Another version of it is replaced.\n\n" +
			"A plugin runs with your rights. Install only what comes from somebody whom you trust: the checksum shows that nothing was changed\n" +
			"on the way, not that it means well.",
		RunE: func(cmd *cobra.Command, args []string) error {
			arg, err := oneArg(cmd, args, "a file", "name it: pomost plugin install FILE")
			if err != nil {
				return err
			}
			info, err := a.service().InstallPlugin(a.ctx, arg)
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return a.finish(info, nil, control.ExitDone, func(w io.Writer) {
				fmt.Fprintf(w, "Installed %s %s, pinned with SHA-256 %s.\n", cell(info.Name), cell(info.Version), info.SHA256)
				for _, r := range info.Recipes {
					fmt.Fprintf(w, "  It brings the recipe %s.\n", cell(r))
				}
			})
		},
	}
}

func (a *app) pluginRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove an installed plugin",
		RunE: func(cmd *cobra.Command, args []string) error {
			arg, err := oneArg(cmd, args, "a plugin", "`pomost plugin ls` lists them")
			if err != nil {
				return err
			}
			info, err := a.service().RemovePlugin(a.ctx, arg)
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			return a.finish(info, nil, control.ExitDone, func(w io.Writer) { fmt.Fprintf(w, "Removed %s %s.\n", cell(info.Name), cell(info.Version)) })
		},
	}
}

func (a *app) pluginList() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the connectors that are there", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := a.service().ListPlugins()
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(tw, "NAME\tVERSION\tWHENCE\tWHAT")
				for _, p := range r.Plugins {
					whence := "shipped"
					if !p.Shipped {
						whence = "installed " + p.Installed.Format("2006-01-02") + ", SHA-256 " + p.SHA256[:12] + "…"
					}
					what := p.Title
					if p.Problem != "" {
						what = "cannot be used: " + p.Problem
					}
					fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", cell(p.Name), cell(p.Version), whence, cell(what))
				}
				_ = tw.Flush()
			})
		},
	}
}

func (a *app) pluginVerify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Compute the checksums of the installed plugins anew, and tell what differs", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := a.service().VerifyPlugins(a.ctx)
			return a.finish(r, err, control.ExitDone, func(w io.Writer) {
				if len(r.Plugins) == 0 && err == nil {
					fmt.Fprintln(w, "No plugin is installed.")
				}
				for _, p := range r.Plugins {
					if p.OK {
						fmt.Fprintf(w, "%s %s is as it was installed.\n", cell(p.Name), cell(p.Version))
						continue
					}
					fmt.Fprintf(w, "%s %s is NOT as it was installed, in %s:\n", cell(p.Name), cell(p.Version), cell(p.Path))
					for _, d := range p.Differences {
						fmt.Fprintf(w, "  %s %s\n", cell(d.File), cell(d.Message))
					}
				}
			})
		},
	}
}

// packed is what plugin pack prints.
type packed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	File    string `json:"file"`
	SHA256  string `json:"sha256"` // of the artifact
}

func (a *app) pluginPack() *cobra.Command {
	var o registry.PackOptions
	cmd := &cobra.Command{
		Use: "pack DIR", Short: "Make a plugin's file of a folder, for authors",
		Long: "Makes the .tar.gz that `pomost plugin install` takes, of a folder with plugin.yaml, the binary, and the recipes. It fills in the\n" +
			"platform and the checksums. The same files make the same artifact.",
		RunE: func(cmd *cobra.Command, args []string) error {
			arg, err := oneArg(cmd, args, "a folder", "name it: pomost plugin pack DIR")
			if err != nil {
				return err
			}
			o.Dir = arg
			p, err := registry.Pack(a.ctx, o)
			if err != nil {
				return a.finish(nil, err, control.ExitDone, nil)
			}
			v := packed{p.Manifest.Name, p.Manifest.Version, p.Manifest.OS, p.Manifest.Arch, p.File, p.SHA256}
			return a.finish(v, nil, control.ExitDone, func(w io.Writer) { fmt.Fprintf(w, "Wrote %s\nSHA-256 %s\n", cell(v.File), v.SHA256) })
		},
	}
	cmd.Flags().StringVar(&o.Out, "out", "", "write to this folder or `FILE` (default: into DIR)")
	cmd.Flags().StringVar(&o.OS, "os", "", "the `SYSTEM` that the binary is for (default: this one)")
	cmd.Flags().StringVar(&o.Arch, "arch", "", "the `PROCESSOR` that the binary is for (default: this one)")
	return cmd
}
