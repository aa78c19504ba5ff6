package control

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pomost/pomost/host/flow"
)

// ApplyRequest names a configuration file.
type ApplyRequest struct {
	File string
	// Check only shows what would change: nothing is stored and no home is made.
	Check bool
	// Prune removes what the file does not name.
	Prune bool
}

// Bounds of what is read: a configuration file, whose parser has bounds of its own, and the file of a secret, of which no more than this
// can be good.
const (
	maxConfigFile = 1 << 20
	maxSecretFile = 128 << 10
)

// Apply puts a configuration file into force.
func (s *Service) Apply(ctx context.Context, req ApplyRequest) (ApplyResult, error) {
	config, err := ReadConfig(req, s.opts.Getenv)
	if err != nil {
		return ApplyResult{}, err
	}
	return s.ApplyConfig(ctx, config)
}

// ReadConfig reads a configuration file and the secrets that it refers to, once, where the caller is: a daemon has another environment and
// another folder. What is wrong with a reference is told by ApplyConfig, together with everything else.
func ReadConfig(req ApplyRequest, getenv func(string) string) (ConfigRequest, error) {
	data, err := readConfig(req.File)
	if err != nil {
		return ConfigRequest{}, err
	}
	out := resolveConfig(data, req.File, getenv)
	out.Check, out.Prune = req.Check, req.Prune
	return out, nil
}

func readConfig(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("the file %s does not exist", "name the configuration file with -f", file)
	case err == nil && info.IsDir():
		return nil, usage("%s is a folder", "name the configuration file in it with -f", file)
	case err == nil && info.Size() > maxConfigFile:
		return nil, usage("the file %s is too large for a configuration", "name the configuration file with -f", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("the file %s cannot be read", "give this user the right to read it", file)
	}
	return data, nil
}

// resolveConfig fetches the secrets that a configuration refers to. One that cannot be read has none; ApplyConfig says why.
func resolveConfig(data []byte, file string, getenv func(string) string) ConfigRequest {
	out := ConfigRequest{Config: string(data), File: file, Secrets: map[string]map[string]string{}}
	config, err := flow.ParseConfig(data, file)
	if err != nil {
		return out
	}
	env := func(name string) (string, bool) {
		v := getenv(name)
		return v, v != ""
	}
	for _, name := range sortedKeys(config.Connections) {
		refs := config.Connections[name].Secrets
		out.Secrets[name] = map[string]string{}
		for _, key := range sortedKeys(refs) {
			value, err := flow.ResolveSecret(refs[key], filepath.Dir(file), env, readSecret)
			var u *flow.UsageError
			if errors.As(err, &u) {
				out.Problems = append(out.Problems, *config.Problem("connections."+name+".secrets."+key, u.Message, u.Remedy))
				continue
			}
			out.Secrets[name][key] = value
		}
	}
	return out
}

func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSecretFile {
		return make([]byte, maxSecretFile), nil // refused by its length
	}
	return os.ReadFile(path)
}
