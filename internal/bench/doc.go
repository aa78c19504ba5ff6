// Package bench measures the whole: what a run of the orders flow asks of both systems beside the least that it could ask, and
// how many records a second it carries. `make bench` runs it beside the benchmarks of the single rooms and prints one table
// (package table); docs/benchmarks.md says how to read it.
package bench
