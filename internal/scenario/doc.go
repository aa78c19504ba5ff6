// Package scenario holds golden scenarios of whole flows: what both systems hold, how the flow is set up, what is done, and
// what is expected, one file a case under testdata. Both systems are the connectors' sandboxes, spoken to through the real
// connectors; engine, store and service are the real ones, only the plugins' processes are left out.
//
// # A case
//
// A case is a txtar archive. Its comment says in one line what it shows. Its parts:
//
//	-- setup --     lines "ea KEY=VALUE …" and "av KEY=VALUE …" for the sandboxes, "settle 2s" for both connections
//	-- settings --  the flow's settings, YAML; without it collective_account is 1210
//	-- shop.json -- both systems' first data in the sandbox kit's neutral model, for what their APIs do not take
//	-- steps --     what is done, a command a line; a line that begins with a space goes on with the one before
//	-- want --      what the commands printed; `go test ./internal/scenario -update` writes it
//
// Commands:
//
//	ea POST PATH [NAME] {YAML}    calls eAccounting; $NAME is the new Id from then on. Customers, articles, orders and payments
//	                              have defaults; an order's row can be "2 MUG 10.00 -10%" or "# a text"
//	ea CHANGE PATH {YAML}         reads, changes and PUTs the whole; articles?Number=N is the article with that number
//	av POST OBJECT [NAME] {YAML}  inserts into AccountView; AR1, AK1 and SO1 have defaults, SO1 takes SO_LINE: [{…}]
//	av PUT OBJECT KEY {YAML}      changes
//	ea|av FAULT {YAML}            adds a fault (DESIGN section 7); "ea FAULTS OFF" ends them
//	ea|av STOP, ea|av START       takes a system away and brings it back with its records
//	settings {YAML}               applies the flow's settings with these over them
//	books KEY=VALUE               applies a further setting of the AccountView connection
//	later 720h                    moves the clocks of both systems on
//	plan, run, run-plan           the commands; run-plan performs the plan made last
//	retry [cause=C] [LABEL…]      likewise
//	decide LABEL DECISION [KEY]   a person's word on a held record: sent, absent, link or skip
//	rewind                        forgets how far the flow has read
//	records                       prints what is held, failed and watched (after each run anyway)
//	show OBJECT [FIELD,…]         prints what AccountView holds
//	log                           prints the attempts
//	repeat N COMMAND              does COMMAND N times, %d being 1 to N
package scenario
