// Package realdata holds tests that run real data through the whole: two public data sets of real and realistic sales are
// entered into the sandboxes through their APIs, the orders flow carries them over, and a script outside Go compares the
// figures that both APIs then show.
//
// The data stands beside the checkout (../shared/data) and is never copied into it. Without it the tests are skipped; with
// POMOST_DATA=required they fail instead.
package realdata
