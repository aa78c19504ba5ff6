//go:build !race

package function

// raceEnabled tells that everything takes ten times as long.
const raceEnabled = false
