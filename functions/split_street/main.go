// Command split_street is a module of Pomost with one function of that name, which takes a street line apart. It is compiled to
// WebAssembly by `make build`.
package main

import "github.com/pomost/pomost/sdk/function"

// line is a street line with the country that it lies in, as an ISO code.
type line struct {
	Street  string
	Country function.Maybe[string]
}

// parts are what it is made of. What is not sure is left whole: all of it is the name then.
type parts struct{ Name, Number, Addition string }

func init() {
	function.Module("split_street", "1.0.0")
	function.Register("split_street",
		"Splits a street line into name, number and addition, by the habits of NL, BE, DE, SE, NO and PL. What is not sure is left whole, as the name.",
		func(l line) (parts, error) { return split(l.Street, l.Country.Value), nil },
		example("Plein 1944 12-A", "NL", "Plein 1944", "12", "A"),
		example("1e Jan van der Heijdenstraat 12 III", "NL", "1e Jan van der Heijdenstraat", "12", "III"),
		example("Rue de la Loi 16 bte 3", "BE", "Rue de la Loi", "16", "bte 3"),
		example("Straße des 17. Juni 135a", "DE", "Straße des 17. Juni", "135", "a"),
		example("Q 7, 24", "DE", "Q 7", "24", ""),
		example("Storgatan 12 B lgh 1102", "SE", "Storgatan", "12", "B lgh 1102"),
		example("7. juni-plassen 1, H0201", "NO", "7. juni-plassen", "1", "H0201"),
		example("ul. 3 Maja 12/4", "PL", "ul. 3 Maja", "12", "4"),
		example("Postbus 1234", "NL", "Postbus 1234", "", ""),
		example("12 High Street", "GB", "12 High Street", "", ""),
	)
}

func example(street, country, name, number, addition string) function.Example[line, parts] {
	return function.Case(line{street, function.Some(country)}, parts{name, number, addition})
}

func main() {}
