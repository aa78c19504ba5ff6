package shop

// The tables below are made up for this project. Streets and towns exist, the people and companies do not.

var firstNames = []string{
	"Anna", "Bram", "Daan", "Eva", "Femke", "Gijs", "Hanneke", "Ilse", "Jan", "Jeroen", "Joost", "Karin", "Lars", "Lotte",
	"Maaike", "Marieke", "Mohammed", "Nienke", "Pieter", "Ruben", "Sanne", "Sietske", "Thijs", "Tjitske", "Wouter", "Yasmina",
	"Zoë", "Renée", "Loïs", "Koos",
}

var lastNames = []string{
	"de Vries", "Jansen", "van den Berg", "Bakker", "van Dijk", "Visser", "Smit", "Meijer", "de Boer", "Mulder", "de Groot",
	"Bos", "Vos", "Peters", "Hendriks", "van Leeuwen", "Dekker", "Brouwer", "de Wit", "Dijkstra", "Smits", "de Graaf",
	"van der Meer", "Kok", "Jacobs", "Vermeulen", "El Idrissi", "Yılmaz", "Hoekstra", "van 't Hof", "Öztürk", "Terpstra",
	"Koolhaas", "de Bruijn", "Wiersma",
}

var companyWords = []string{
	"Groen", "Zonneveld", "Waterland", "De Linde", "Kade", "Noorderlicht", "Polder", "Westwal", "Havik", "De Eik", "Meander",
	"Oosterhof", "Rijnzicht", "De Ploeg", "Stadstuin", "Veenweide", "Duinrand", "Molenwiek", "Klaver", "De Schuur",
}

var companyTrades = []string{
	"Hoveniers", "Tuincentrum", "Horeca", "Kinderopvang", "Bloemsierkunst", "Bouw", "Camping", "Advies", "Makelaardij",
	"Boekhandel", "Koffiebranderij", "Zorggroep", "Theaterproducties", "Interieur",
}

var companyForms = []string{"B.V.", "BV", "V.O.F.", "", "Holding B.V.", "& Zn."}

// place is a town with the first two digits of its post codes.
type place struct {
	city, prefix string
}

// land is what the generator knows of a country that parcels go to.
type land struct {
	code    string
	weight  int // of 1,000 customers without a part of their own
	phone   string
	form    string
	places  []place
	streets []string
	first   []string
	last    []string
}

var lands = []land{
	{
		code: "NL", weight: 830, phone: "+31",
		places: []place{
			{"Amsterdam", "10"}, {"Utrecht", "35"}, {"Rotterdam", "30"}, {"'s-Gravenhage", "25"}, {"Groningen", "97"},
			{"Leeuwarden", "89"}, {"Zwolle", "80"}, {"Enschede", "75"}, {"Arnhem", "68"}, {"Nijmegen", "65"}, {"Eindhoven", "56"},
			{"'s-Hertogenbosch", "52"}, {"Maastricht", "62"}, {"Middelburg", "43"}, {"Haarlem", "20"}, {"Alkmaar", "18"},
			{"Den Burg", "17"}, {"Westerhaar-Vriezenveensewijk", "76"},
		},
		streets: []string{
			"Dorpsstraat", "Kerkstraat", "Molenweg", "Stationsweg", "Julianalaan", "Burg. van der Meulenplein", "Oude Gracht",
			"'t Zand", "Industrieweg", "Prins Hendrikkade", "Laan van Nieuw Oost-Indië", "1e Weteringdwarsstraat", "Plein 1944",
			"Achter de Hoven", "Van Goghstraat", "Havenkade",
		},
		first: firstNames, last: lastNames,
	},
	{
		code: "BE", weight: 70, phone: "+32", form: "BVBA",
		places:  []place{{"Antwerpen", "20"}, {"Gent", "90"}, {"Leuven", "30"}, {"Liège", "40"}, {"Brugge", "80"}},
		streets: []string{"Meir", "Grote Markt", "Rue de l'Église", "Kerkstraat", "Steenweg op Gent"},
		first:   []string{"Joke", "Stijn", "Élodie", "Wim", "Ann-Sofie"}, last: []string{"Peeters", "Janssens", "Maes", "Dubois", "D'Hondt"},
	},
	{
		code: "DE", weight: 40, phone: "+49", form: "GmbH",
		places:  []place{{"Köln", "50"}, {"Münster", "48"}, {"Berlin", "10"}, {"Bad Bentheim", "48"}},
		streets: []string{"Hauptstraße", "Bahnhofstr.", "Königsallee", "Am alten Güterbahnhof"},
		first:   []string{"Jürgen", "Heike", "Uwe", "Anneliese"}, last: []string{"Müller", "Groß", "Schröder", "von der Heide"},
	},
	{
		code: "FR", weight: 20, phone: "+33", form: "SARL",
		places:  []place{{"Paris", "75"}, {"Lille", "59"}, {"Lyon", "69"}},
		streets: []string{"Rue de la République", "Avenue du Maréchal Foch", "Chemin des Écoliers"},
		first:   []string{"Hélène", "François", "Chloé"}, last: []string{"Lefèvre", "Moreau", "d'Aubigné"},
	},
	{
		code: "SE", weight: 16, phone: "+46", form: "AB",
		places:  []place{{"Stockholm", "11"}, {"Göteborg", "41"}, {"Malmö", "21"}},
		streets: []string{"Storgatan", "Kungsgatan", "Södra Vägen"},
		first:   []string{"Åsa", "Björn", "Linnéa"}, last: []string{"Andersson", "Sjöström", "Öberg"},
	},
	{
		code: "PL", weight: 14, phone: "+48", form: "Sp. z o.o.",
		places:  []place{{"Warszawa", "00"}, {"Kraków", "30"}, {"Łódź", "90"}},
		streets: []string{"ul. Piłsudskiego", "ul. Długa", "al. Jerozolimskie"},
		first:   []string{"Małgorzata", "Paweł", "Zbigniew"}, last: []string{"Wiśniewska", "Kowalczyk", "Wójcik"},
	},
	{
		code: "NO", weight: 10, phone: "+47", form: "AS",
		places:  []place{{"Oslo", "01"}, {"Bergen", "50"}, {"Tromsø", "90"}},
		streets: []string{"Karl Johans gate", "Bryggen", "Storgata"},
		first:   []string{"Øyvind", "Ingrid", "Håkon"}, last: []string{"Hansen", "Bjørnstad", "Ødegård"},
	},
}

func landOf(code string) *land {
	for i := range lands {
		if lands[i].code == code {
			return &lands[i]
		}
	}
	return &lands[0]
}

var groups = []Group{
	{"TUIN", "Tuingereedschap"},
	{"POT", "Potten en schalen"},
	{"ZAAD", "Zaden, bollen en planten"},
	{"KOF", "Koffie en thee"},
	{"BOEK", "Boeken"},
	{"CAD", "Cadeau"},
	{"DIENST", "Diensten en verzending"},
}

// line is a family of articles that differ in one word.
type line struct {
	group, name string
	variants    []string // from the cheapest to the dearest
	vat         int64    // percent
	from, to    int64    // price with VAT, in cents
	unit        string
}

var lines = []line{
	{"TUIN", "Snoeischaar", []string{"16 cm", "21 cm", "linkshandig", "Pro"}, 21, 1495, 5995, "st"},
	{"TUIN", "Spade", []string{"essenhout", "RVS", "kind"}, 21, 1995, 6495, "st"},
	{"TUIN", "Handschoenen", []string{"mt 7", "mt 8", "mt 9", "mt 10"}, 21, 449, 1795, "paar"},
	{"TUIN", "Gieter", []string{"5 l", "10 l", "zink"}, 21, 995, 4995, "st"},
	{"TUIN", "Tuinslang", []string{"15 m", "25 m", "50 m"}, 21, 1499, 7999, "st"},
	{"TUIN", "Bamboestok", []string{"90 cm", "120 cm", "180 cm"}, 21, 19, 149, "st"},
	{"TUIN", "Kruiwagen", []string{"85 l", "100 l"}, 21, 8995, 17900, "st"},
	{"POT", "Bloempot", []string{"Ø 12", "Ø 18", "Ø 24", "Ø 40"}, 21, 295, 3995, "st"},
	{"POT", "Schaal keramiek", []string{"wit", "blauw", "mosgroen"}, 21, 1250, 4250, "st"},
	{"POT", "Vaas", []string{"klein", "middel", "groot"}, 21, 899, 6999, "st"},
	{"ZAAD", "Zaaigoed wortel", []string{"vroeg", "zomer", "winter"}, 9, 169, 349, "zak"},
	{"ZAAD", "Tulpenbollen", []string{"10 st", "25 st", "100 st"}, 9, 399, 3250, "zak"},
	{"ZAAD", "Lavendel", []string{"P9", "C2"}, 9, 275, 895, "st"},
	{"ZAAD", "Graszaad", []string{"1 kg", "5 kg", "10 kg"}, 9, 799, 4299, "zak"},
	{"KOF", "Koffiebonen", []string{"250 g", "500 g", "1 kg"}, 9, 599, 2199, "zak"},
	{"KOF", "Thee", []string{"Earl Grey", "munt", "rooibos", "Lady's"}, 9, 349, 749, "doos"},
	{"KOF", "Siroop", []string{"vlier", "gember"}, 9, 525, 995, "fles"},
	{"BOEK", "Moestuinboek", []string{"deel 1", "deel 2", "jaarrond"}, 9, 1499, 3499, "st"},
	{"BOEK", "Tuinagenda", []string{"2026", "2027"}, 9, 1299, 1750, "st"},
	{"CAD", "Vogelhuis", []string{"mees", "mus", "uil"}, 21, 1395, 5495, "st"},
	{"CAD", "Theedoek", []string{"rood", "groen", "set van 3"}, 21, 595, 2095, "st"},
	{"CAD", "Kaars", []string{"klein", "groot"}, 21, 299, 1299, "st"},
	{"CAD", "Windlicht", []string{"glas", "koper"}, 21, 795, 3795, "st"},
}

var textRows = []string{
	"Graag bezorgen na 17:00 uur",
	"Cadeau: niet de prijs op de bon zetten!",
	"Gefeliciteerd met jullie 40-jarig huwelijk ♥",
	"Levering in twee delen afgesproken met dhr. De Wit",
	"--- Kerstpakketten ---",
}

var yourReferences = []string{"PO %d", "Inkoop-%d", "t.a.v. crediteuren / %d", "kostenplaats %d", "Ref: %d (afd. groen)"}
