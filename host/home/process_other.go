//go:build !unix

package home

import "io/fs"

// mine cannot be told here; folders of a user are private by their place.
func mine(fs.FileInfo) bool { return true }

// alive cannot be told here without taking the lock: whoever wrote down that it has the lock is believed.
func alive(int) bool { return true }
