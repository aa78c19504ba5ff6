// Package recipes holds the recipes that are shipped with the product: what is known of a pair of systems, as data. Each lies in a
// folder of its own, named as configurations name it.
package recipes

import "embed"

// FS holds the recipes: NAME/recipe.yaml.
//
//go:embed */*/recipe.yaml
var FS embed.FS
