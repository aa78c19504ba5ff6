// Package registry keeps plugins that come from elsewhere: what an artifact holds, how it is packed, how it is installed and pinned, and
// whether what is installed is still what was installed.
//
// An artifact is a .tar.gz with a manifest (plugin.yaml), one binary and the recipes that the plugin brings. The manifest names every
// file with its SHA-256; the lock file pins the manifest and the binary. So the lock file alone decides what may run.
package registry

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	connectorv1 "github.com/pomost/pomost/proto/connector/v1"
)

// Format is the version of the manifest's form.
const Format = 1

// ManifestFile is the manifest's name in an artifact, and the first entry of it.
const ManifestFile = "plugin.yaml"

// BinaryPrefix begins the name of every connector's binary.
const BinaryPrefix = "pomost-connector-"

// recipeFolder holds a plugin's recipes, NAME/recipe.yaml.
const recipeFolder = "recipes"

// Bounds of an artifact.
const (
	maxManifest = 16 << 10
	maxRecipe   = 256 << 10
	maxBinary   = 256 << 20
	maxRecipes  = 50
	maxArtifact = maxBinary
)

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	versionForm = regexp.MustCompile(`^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}(-[0-9A-Za-z]+([.-][0-9A-Za-z]+)*)?$`)
	recipeForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9_-]{0,62}$`)
	wordForm    = regexp.MustCompile(`^[a-z0-9]{1,20}$`)
)

// Error says what is wrong with a plugin or its files, and what to do.
type Error struct {
	Message, Remedy string
	Err             error
}

// Error is the message with its cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func failure(remedy string, err error, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Remedy: remedy, Err: err}
}

// Manifest says what a plugin is and what files it consists of.
type Manifest struct {
	Format  int    `yaml:"format"`
	Name    string `yaml:"name"` // of the connector, as a configuration names it
	Version string `yaml:"version"`
	Title   string `yaml:"title,omitempty"`
	Author  string `yaml:"author,omitempty"`
	Licence string `yaml:"licence,omitempty"`
	// Protocol lists the versions of the connector protocol that the binary speaks.
	Protocol []int  `yaml:"protocol"`
	OS       string `yaml:"os,omitempty"` // as Go calls them: linux, amd64; Pack fills in what follows
	Arch     string `yaml:"arch,omitempty"`
	SHA256   string `yaml:"sha256,omitempty"` // of the binary
	// Recipes are those that the plugin brings.
	Recipes []RecipeFile `yaml:"recipes,omitempty"`
}

// RecipeFile is a recipe of a plugin; it lies in recipes/NAME/recipe.yaml.
type RecipeFile struct {
	Name   string `yaml:"name"`
	SHA256 string `yaml:"sha256,omitempty"`
}

func (r RecipeFile) path() string { return path.Join(recipeFolder, r.Name, "recipe.yaml") }

// Binary is the name of the binary in the artifact.
func (m Manifest) Binary() string {
	if m.OS == "windows" {
		return BinaryPrefix + m.Name + ".exe"
	}
	return BinaryPrefix + m.Name
}

// ParseManifest reads a manifest and checks all that can be checked without the files. An unknown key is refused: it may be a word that
// a later version would obey.
func ParseManifest(data []byte) (Manifest, error) {
	m, err := parseManifest(data)
	if err != nil {
		return m, err
	}
	var wrong []string
	if !wordForm.MatchString(m.OS) || !wordForm.MatchString(m.Arch) {
		wrong = append(wrong, "os and arch must say what the binary runs on")
	}
	if !isSum(m.SHA256) {
		wrong = append(wrong, "sha256 must be that of the binary")
	}
	for _, r := range m.Recipes {
		if !isSum(r.SHA256) {
			wrong = append(wrong, "the recipe "+r.Name+" needs its sha256")
		}
	}
	return m, badManifest(wrong, "make the artifact with `pomost plugin pack`, which fills them in")
}

// parseManifest is ParseManifest for one that is not packed yet: without checksums and platform.
func parseManifest(data []byte) (Manifest, error) {
	var m Manifest
	const remedy = "docs/plugins.md shows what a manifest holds"
	if len(data) > maxManifest {
		return m, failure(remedy, nil, "%s is larger than %d KiB", ManifestFile, maxManifest>>10)
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&m); err != nil {
		return m, failure(remedy, errors.New(yaml.FormatError(err, false, false)), "%s cannot be read", ManifestFile)
	}
	var wrong []string
	if m.Format != Format {
		wrong = append(wrong, fmt.Sprintf("its format is %d, and this Pomost knows format %d", m.Format, Format))
	}
	if !nameForm.MatchString(m.Name) || len(m.Name) > 60 {
		wrong = append(wrong, "name must be lower-case letters, digits and single hyphens")
	}
	if !versionForm.MatchString(m.Version) || len(m.Version) > 60 {
		wrong = append(wrong, "version must be like 1.2.3")
	}
	if len(m.Protocol) == 0 {
		wrong = append(wrong, "protocol must list the versions that the binary speaks, such as [1]")
	}
	if len(m.Recipes) > maxRecipes {
		wrong = append(wrong, fmt.Sprintf("it brings more than %d recipes", maxRecipes))
	}
	seen := map[string]bool{}
	for _, r := range m.Recipes {
		if !recipeForm.MatchString(r.Name) || seen[r.Name] {
			wrong = append(wrong, fmt.Sprintf("recipes: %q must be PAIR/NAME in lower case, once", clip(r.Name)))
		}
		seen[r.Name] = true
	}
	return m, badManifest(wrong, remedy)
}

func badManifest(wrong []string, remedy string) error {
	if len(wrong) == 0 {
		return nil
	}
	return failure(remedy, nil, "%s is wrong: %s", ManifestFile, strings.Join(wrong, "; "))
}

// fits says why the plugin cannot run here, nil where it can.
func (m Manifest) fits() error {
	if m.OS != runtime.GOOS || m.Arch != runtime.GOARCH {
		return failure("ask its author for an artifact for "+runtime.GOOS+"/"+runtime.GOARCH, nil,
			"the plugin %s %s is for %s/%s, and this machine is %s/%s", m.Name, m.Version, m.OS, m.Arch, runtime.GOOS, runtime.GOARCH)
	}
	if !slices.Contains(m.Protocol, connectorv1.ProtocolVersion) {
		return failure("take a version of the plugin that speaks it, or another version of Pomost", nil,
			"the plugin %s %s speaks the protocol in version %v, and this Pomost in version %d", m.Name, m.Version, m.Protocol, connectorv1.ProtocolVersion)
	}
	return nil
}

// sums are the checksums of all files beside the manifest, by their path in the artifact.
func (m Manifest) sums() map[string]string {
	out := map[string]string{m.Binary(): m.SHA256}
	for _, r := range m.Recipes {
		out[r.path()] = r.SHA256
	}
	return out
}

// limit is the most bytes that a file of the artifact may have.
func (m Manifest) limit(file string) int64 {
	if file == m.Binary() {
		return maxBinary
	}
	return maxRecipe
}

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == strings.ToLower(s)
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
