package main

import "strings"

// What a word of an addition needs behind it.
const (
	alone  = 1 // nothing: hs, bis
	either = 2 // a number or a letter, or nothing: boven, HH
	value  = 3 // a number or a letter: bus 3, lgh 1102
)

// habit is how addresses are written in a country. Its words are small, and asked by switches: in WebAssembly a look-up in a map takes
// ten times as long.
type habit struct {
	words        func(string) byte // of additions: what they need, or 0
	nameToo      func(string) bool // of those: words in which the name of a street can end as well
	floors       func(string) bool // what is counted: 2 tr, 3. OG
	ranges       bool              // 12-14 are houses 12 to 14; elsewhere 14 is the addition
	roman        bool              // floors are written III
	strict       bool              // two letters are never an addition by themselves
	spacedLetter bool              // "12 A 3" is an addition A 3
	squares      bool              // Mannheim
	numberFirst  bool              // French lines begin with the number
}

// habitOf returns how addresses are written in a country; nil where that is not known.
func habitOf(country string) *habit {
	switch country {
	case "NL", "BE", "DE", "SE", "NO", "PL":
	default:
		country = strings.ToUpper(country)
	}
	switch country {
	case "NL":
		return &netherlands
	case "BE":
		return &belgium
	case "DE":
		return &germany
	case "SE":
		return &sweden
	case "NO":
		return &norway
	case "PL":
		return &poland
	}
	return nil
}

var netherlands = habit{
	words: func(w string) byte {
		switch w {
		case "hs", "huis", "rd", "zw", "rood", "zwart", "wit", "sous", "links", "rechts", "bel", "bo", "hoog", "li", "re":
			return alone
		case "bis", "boven", "beneden", "achter", "voor", "bg":
			return either
		case "unit", "app", "appartement", "kamer", "kmr", "verdieping", "verd", "etage", "box", "toren", "gebouw", "hal",
			"studio", "flat", "ingang", "suite", "deur", "kantoor":
			return value
		}
		return 0
	},
	nameToo: func(w string) bool {
		switch w {
		case "boven", "beneden", "achter", "voor", "huis", "wit", "rood", "hoog", "links", "rechts", "toren", "zwart":
			return true
		}
		return false
	},
	floors: func(w string) bool {
		switch w {
		case "hoog", "verdieping", "verd", "etage":
			return true
		}
		return false
	},
	roman: true, spacedLetter: true,
}

var belgium = habit{
	words: func(w string) byte {
		switch w {
		case "ter", "gelijkvloers", "glvl", "glv", "rez", "rdc":
			return alone
		case "bis":
			return either
		case "bus", "bte", "boîte", "boite", "box", "app", "appartement", "appt", "apt", "verdieping", "verd", "étage",
			"etage", "unit", "hal", "blok", "bloc", "gebouw", "bat", "bât", "kamer", "studio", "poort", "toren", "kot",
			"local":
			return value
		}
		return 0
	},
	nameToo: func(w string) bool {
		switch w {
		case "poort", "toren", "blok":
			return true
		}
		return false
	},
	floors: func(w string) bool {
		switch w {
		case "verdieping", "verd", "étage", "etage", "ème", "eme", "e", "de":
			return true
		}
		return false
	},
	ranges: true, roman: true, spacedLetter: true, numberFirst: true,
}

var germany = habit{
	words: func(w string) byte {
		switch w {
		case "hinterhof", "gartenhaus", "ug", "erdgeschoss", "dachgeschoss", "links", "rechts", "mitte", "li", "re",
			"lks":
			return alone
		case "hh", "vh", "gh", "sf", "hinterhaus", "vorderhaus", "seitenflügel", "eg", "og", "dg":
			return either
		case "haus", "geb", "gebäude", "whg", "wohnung", "app", "appartement", "apartment", "apt", "aufgang", "eingang",
			"block", "halle", "etage", "stock", "zimmer", "zi", "tor", "bau", "top", "hof":
			return value
		}
		return 0
	},
	nameToo: func(w string) bool {
		switch w {
		case "haus", "tor", "hof", "mitte", "hinterhof", "halle", "block", "gebäude", "bau", "eingang", "hinterhaus":
			return true
		}
		return false
	},
	floors: func(w string) bool {
		switch w {
		case "og", "ug", "dg", "stock", "etage", "hh", "hof", "hinterhof", "hinterhaus", "stiege", "aufgang",
			"obergeschoss":
			return true
		}
		return false
	},
	ranges: true, squares: true, spacedLetter: true,
}

var sweden = habit{
	words: func(w string) byte {
		switch w {
		case "nb", "bv", "ög", "iv", "tr", "trappor", "bis", "öv", "gård", "gårdshuset":
			return alone
		case "lgh", "lägenhet", "läg", "lgnr", "uppg", "uppgång", "port", "vån", "våning", "plan", "trappa", "hus", "ing",
			"ingång", "rum", "dörr":
			return value
		}
		return 0
	},
	nameToo: func(w string) bool {
		switch w {
		case "port", "hus", "gård", "plan", "trappa", "trappor":
			return true
		}
		return false
	},
	floors: func(w string) bool {
		switch w {
		case "tr", "trappor", "trappa", "vån", "våning":
			return true
		}
		return false
	},
	ranges: true, strict: true,
}

var norway = habit{
	words: func(w string) byte {
		switch w {
		case "kjeller", "sokkel", "underetasje":
			return alone
		case "leil", "leilighet", "lei", "bolig", "bnr", "oppg", "oppgang", "inng", "inngang", "etg", "etasje", "hybel",
			"rom", "bygg", "hus", "port", "blokk":
			return value
		}
		return 0
	},
	nameToo: func(w string) bool {
		switch w {
		case "hus", "bygg", "port":
			return true
		}
		return false
	},
	floors: func(w string) bool {
		switch w {
		case "etg", "etasje", "et", "etage":
			return true
		}
		return false
	},
	ranges: true, strict: true,
}

var poland = habit{
	words: func(w string) byte {
		switch w {
		case "parter", "oficyna":
			return alone
		case "m", "mieszk", "mieszkanie", "lok", "lokal", "lokalu", "kl", "klatka", "bud", "budynek", "blok", "bl", "p",
			"piętro", "pok", "pokój", "biuro", "hala", "nr", "wejście", "segment", "box":
			return value
		}
		return 0
	},
	nameToo: func(w string) bool {
		switch w {
		case "hala":
			return true
		}
		return false
	},
	floors: func(w string) bool {
		switch w {
		case "piętro", "p":
			return true
		}
		return false
	},
	ranges: true, roman: true, spacedLetter: true,
}

// counted are words that no street's name ends in: before a number that is not the house's, or in the middle of a name.
func counted(w string) bool {
	switch w {
	case "nr", "no", "num", "numéro", "numero", "nummer", "huisnummer", "hausnummer", "hnr", "km", "hm", "kavel",
		"pier", "zone", "wijk", "sector", "unit", "lot", "kv", "gnr", "bnr", "apt", "app", "appartement", "kamer",
		"box", "bus", "bte", "lgh", "dz", "działka", "etap", "terminal", "havennummer", "sektor", "parzelle",
		"flurstück", "rv", "fack", "tomt", "parcela", "strefa", "wyjście", "to", "tegenover", "bij", "gegenüber",
		"neben", "hektometer", "hectometer", "paal", "autobahn", "riksväg", "länsväg", "fylkesvei", "riksvei", "der",
		"van", "de", "den", "am", "im", "an", "des", "du", "of", "och", "og", "en", "et", "und", "oraz", "t", "m":
		return true
	}
	return false
}

// joins are letters that join two numbers: 5 i 7.
func joins(w string) bool {
	switch w {
	case "i", "u", "o", "à", "y":
		return true
	}
	return false
}

// ordinals hang at a number that counts: 4e verdieping.
func ordinals(w string) bool {
	switch w {
	case "e", "de", "ste", "ème", "eme", "er":
		return true
	}
	return false
}

// numbered are words that alone are no name, and before a number more likely a name with it: Straße 45.
func numbered(w string) bool {
	switch w {
	case "straße", "strasse", "straat", "weg", "vei", "väg", "haus", "huis", "hus", "blok", "block", "bloc", "hal",
		"halle", "hala", "route", "ring", "tor", "poort", "bau", "gebouw", "gebäude", "dom", "ulica":
		return true
	}
	return false
}

// generics are words that alone are no street's name before a year: Plein 1944.
func generics(w string) bool {
	switch w {
	case "plein", "laan", "straat", "weg", "square", "place", "platz", "straße", "strasse", "allee", "plac", "aleja",
		"hof", "park":
		return true
	}
	return false
}

// frenchWay are words that follow a number which begins a line.
func frenchWay(w string) bool {
	switch w {
	case "rue", "avenue", "av", "boulevard", "bd", "bld", "place", "chaussée", "chaussee", "chemin", "square", "quai",
		"allée", "impasse", "clos", "route", "drève", "rond", "sentier", "cours", "galerie", "passage":
		return true
	}
	return false
}

// boxes begin lines that are no street: post boxes and parcel lockers.
var boxes = []string{"postbus", "antwoordnummer", "postfach", "packstation", "postfiliale", "paketbox", "post office box", "po box", "p.o. box", "p.o.box", "pb", "pf", "box", "postbox", "postboks", "boks", "b.p.", "bp", "boîte postale", "boite postale",
	"casier postal", "skr. poczt", "skr. pocz", "skr.poczt", "skrytka", "skr", "poste restante", "fack", "frisvar", "svarsending", "freipost", "großkunde", "grosskunde", "poczta", "pakketautomaat", "paczkomat", "postlagernd", "utleveringssted"}

// boxesBy are the boxes by their first letter.
var boxesBy = func() (by [256][]string) {
	for _, p := range boxes {
		by[p[0]] = append(by[p[0]], p)
	}
	return by
}()
