package decide

import (
	"testing"

	"github.com/pomost/pomost/host/flow"
	"github.com/pomost/pomost/sdk/record"
)

func deliveryAddress(name, street, postCode, city, country string) record.Record {
	a := record.New(flow.AddressSchema)
	for field, v := range map[string]string{"name": name, "address1": street, "post_code": postCode, "city": city, "country": country} {
		a.MustSet(field, record.Text(v))
	}
	d := record.New(flow.DeliverySchema)
	d.MustSet("address", record.Nested(a))
	return d
}

func TestSameAddress(t *testing.T) {
	want := deliveryAddress("Żaneta", "ulica Śląska 1", "00-950", "Łódź", "PL")
	for _, tc := range []struct {
		why  string
		have record.Record
		same bool
	}{
		{"itself", want, true},
		{"letter case and spaces", deliveryAddress("żaneta ", "ulica  śląska 1", "00-950", "ŁÓDŹ", "pl"), true},
		{"letters that the destination cannot hold", deliveryAddress("?aneta", "ulica ?l?ska 1", "00-950", "?ód?", "PL"), true},
		{"a question mark for an ASCII letter", deliveryAddress("Ża?eta", "ulica Śląska 1", "00-950", "Łódź", "PL"), false},
		{"another name", deliveryAddress("Zaneta", "ulica Śląska 1", "00-950", "Łódź", "PL"), false},
		{"another house", deliveryAddress("Żaneta", "ulica Śląska 2", "00-950", "Łódź", "PL"), false},
		{"another country", deliveryAddress("Żaneta", "ulica Śląska 1", "00-950", "Łódź", "DE"), false},
		{"no city", deliveryAddress("Żaneta", "ulica Śląska 1", "00-950", "", "PL"), false},
	} {
		if got := SameAddress(tc.have, want); got != tc.same {
			t.Errorf("%s: same is %v", tc.why, got)
		}
	}
}
