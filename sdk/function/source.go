//go:build !wasip1

package function

import "embed"

// Source is this package's own source, which `pomost function new` puts beside a new function, so that it builds without a network.
//
//go:embed *.go
var Source embed.FS
