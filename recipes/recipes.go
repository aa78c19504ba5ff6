// Package recipes holds what is known of pairs of systems, as data: the recipes that are shipped with the product, and what its
// demonstration shows. Each recipe lies in a folder of its own, named as configurations name it.
package recipes

import "embed"

// FS holds the recipes, NAME/recipe.yaml, and the demonstration, PAIR/demo/demo.yaml.
//
//go:embed */*/recipe.yaml */demo/demo.yaml
var FS embed.FS
