package control

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/host/home"
	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/recipes"
	"github.com/pomost/pomost/registry"
)

// PluginInfo is one connector that is there, as plugin ls prints it.
type PluginInfo struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // of an installed one
	Title   string `json:"title,omitempty"`
	Author  string `json:"author,omitempty"`
	Licence string `json:"licence,omitempty"`
	// Shipped ones come with the program; the others were installed.
	Shipped   bool      `json:"shipped"`
	Path      string    `json:"path"`
	SHA256    string    `json:"sha256,omitempty"` // that is pinned
	Installed time.Time `json:"installed,omitzero"`
	From      string    `json:"from,omitempty"`
	Recipes   []string  `json:"recipes,omitempty"`
	// Problem says why an installed one cannot be used.
	Problem string `json:"problem,omitempty"`
}

// PluginsResult is what plugin ls prints.
type PluginsResult struct {
	Plugins []PluginInfo `json:"plugins"`
}

// PluginCheck is what plugin verify found of one installed plugin.
type PluginCheck struct {
	Name        string                `json:"name"`
	Version     string                `json:"version"`
	OK          bool                  `json:"ok"`
	Path        string                `json:"path"` // its folder
	Differences []registry.Difference `json:"differences"`
	Remedy      string                `json:"remedy,omitempty"`
}

// PluginsChecked is what plugin verify prints.
type PluginsChecked struct {
	Plugins []PluginCheck `json:"plugins"`
}

// installed is the store of a home's plugins. Where no home can be named there is none; commands that need one say so.
func installed(opts Options) *registry.Store {
	h, err := home.Open(opts.Home, home.Options{Getenv: opts.Getenv, ReadOnly: true})
	if err != nil {
		return nil
	}
	return registry.Open(h.Plugins())
}

// withRecipes is the shipped recipes with those that plugins bring.
func withRecipes(plugins *registry.Store) fs.FS {
	if plugins == nil {
		return recipes.FS
	}
	return plugins.Recipes(recipes.FS)
}

// plugged gives f the store of plugins, under the home's lock.
func (s *Service) plugged(ctx context.Context, f func(*registry.Store) error) (err error) {
	if k, leave := s.holding(); k != nil {
		defer leave()
		return f(s.installed)
	}
	h, err := home.Open(s.opts.Home, home.Options{Getenv: s.opts.Getenv})
	if err != nil {
		return err
	}
	lock, err := h.Lock(ctx, s.opts.LockWait, s.opts.Command)
	if err != nil {
		return err
	}
	defer func() {
		if e := lock.Release(); err == nil {
			err = e
		}
	}()
	return f(registry.Open(h.Plugins()))
}

// InstallPlugin verifies a plugin's artifact, or the manifest of an unpacked one, and installs and pins it.
func (s *Service) InstallPlugin(ctx context.Context, from string) (PluginInfo, error) {
	shipped := s.shipped()
	var out PluginInfo
	err := s.plugged(ctx, func(plugins *registry.Store) error {
		in, m, err := plugins.Install(ctx, registry.InstallOptions{
			From: from, Now: s.opts.Clock.Now(), Check: checkRecipes,
			Shipped: func(name string) bool { return slices.Contains(shipped, name) },
		})
		out = pluginInfo(in, m)
		return err
	})
	if err != nil {
		return PluginInfo{}, err
	}
	return out, nil
}

// checkRecipes refuses recipes that are broken, that take a shipped one's name, or that have nothing to do with the plugin.
func checkRecipes(m registry.Manifest, files fs.FS) error {
	for _, r := range m.Recipes {
		if _, err := fs.Stat(recipes.FS, r.Name+"/recipe.yaml"); err == nil {
			return &registry.Error{Message: "the recipe " + r.Name + " comes with Pomost and cannot be replaced by the plugin " + m.Name,
				Remedy: "ask its author for another name"}
		}
		recipe, err := flow.LoadRecipe(files, r.Name)
		if err != nil {
			// Only its words: what is wrong is the author's file, and not what the user typed.
			return &registry.Error{Message: "the recipe " + r.Name + " of the plugin " + m.Name + " cannot be used: " + err.Error(),
				Remedy: "ask its author for a version for this Pomost"}
		}
		if recipe.Source != m.Name && recipe.Destination != m.Name {
			return &registry.Error{Message: "the recipe " + r.Name + " is between " + recipe.Source + " and " + recipe.Destination + ", and the plugin is " + m.Name,
				Remedy: "a plugin brings recipes for its own connector only"}
		}
	}
	return nil
}

// RemovePlugin removes an installed plugin, unless the configuration in force uses it.
func (s *Service) RemovePlugin(ctx context.Context, name string) (PluginInfo, error) {
	var out PluginInfo
	err := s.plugged(ctx, func(plugins *registry.Store) error {
		in, err := plugins.Find(name)
		if err != nil {
			return s.notAPlugin(name, err)
		}
		if err := s.notInUse(ctx, name); err != nil {
			return err
		}
		out = pluginInfo(in, registry.Manifest{})
		_, err = plugins.Remove(name)
		return err
	})
	if err != nil {
		return PluginInfo{}, err
	}
	return out, nil
}

// notInUse says which connection uses a connector.
func (s *Service) notInUse(ctx context.Context, name string) error {
	err := s.reading(ctx, func(st *home.State) error {
		rev, err := st.Store.Revision(ctx)
		if err != nil {
			return err
		}
		conf, err := flow.ParseCanonical(rev.Config)
		if err != nil {
			return err
		}
		for _, c := range sortedKeys(conf.Connections) {
			if conf.Connections[c].Connector == name {
				return usage("the plugin %s is used by the connection %s", "take the connection out of the configuration first", name, c)
			}
		}
		return nil
	})
	if isNotFound(err) || store.CodeOf(err) == store.CodeNotApplied {
		return nil
	}
	return err
}

func (s *Service) notAPlugin(name string, err error) error {
	if !errors.Is(err, registry.ErrNotInstalled) {
		return err
	}
	if slices.Contains(s.shipped(), name) {
		return usage("the connector %s comes with Pomost and is no installed plugin", "`pomost plugin ls` lists both", name)
	}
	return usage("there is no plugin %s", "`pomost plugin ls` lists what is installed", name)
}

// ListPlugins lists the connectors that are there, shipped ones first.
func (s *Service) ListPlugins() (PluginsResult, error) {
	out := PluginsResult{Plugins: []PluginInfo{}}
	dir, err := s.binaries()
	if err != nil {
		return out, err
	}
	shipped := s.shipped()
	for _, name := range shipped {
		out.Plugins = append(out.Plugins, PluginInfo{Name: name, Shipped: true, Path: filepath.Join(dir, binaryName(name))})
	}
	if s.installed == nil {
		return out, nil
	}
	plugins, err := s.installed.List()
	for _, in := range plugins {
		m, merr := in.Manifest()
		info := pluginInfo(in, m)
		switch {
		case merr != nil:
			info.Problem = merr.Error()
		case slices.Contains(shipped, in.Name):
			info.Problem = "a connector of that name comes with Pomost, and that one is used"
		}
		out.Plugins = append(out.Plugins, info)
	}
	return out, err
}

// VerifyPlugins computes the checksums of the installed plugins anew. Where one differs there is an error too.
func (s *Service) VerifyPlugins(ctx context.Context) (PluginsChecked, error) {
	out := PluginsChecked{Plugins: []PluginCheck{}}
	if s.installed == nil {
		return out, nil
	}
	found, err := s.installed.Verify(ctx)
	if err != nil {
		return out, err
	}
	var wrong error
	for _, v := range found {
		c := PluginCheck{Name: v.Name, Version: v.Version, OK: len(v.Differences) == 0, Path: v.Dir, Differences: v.Differences}
		if !c.OK {
			c.Remedy = v.Again()
			if wrong == nil {
				wrong = &registry.Error{Message: "the plugin " + v.Name + " is not as it was installed: " + v.Differences[0].File + " " + v.Differences[0].Message, Remedy: v.Again()}
			}
		}
		out.Plugins = append(out.Plugins, c)
	}
	return out, wrong
}

// pluginBinary is the binary of an installed plugin, compared with its pin.
func (s *Service) pluginBinary(ctx context.Context, name string) (string, error) {
	if s.installed == nil {
		return "", usage("there is no plugin %s", "name the home that has it with --home", name)
	}
	in, err := s.installed.Find(name)
	if err != nil {
		return "", s.notAPlugin(name, err)
	}
	return in.Path, in.CheckBinary(ctx)
}

func pluginInfo(in registry.Installed, m registry.Manifest) PluginInfo {
	info := PluginInfo{Name: in.Name, Version: in.Version, Title: m.Title, Author: m.Author, Licence: m.Licence, Path: in.Path, SHA256: in.SHA256,
		Installed: in.Installed, From: in.From}
	for _, r := range m.Recipes {
		info.Recipes = append(info.Recipes, r.Name)
	}
	return info
}
