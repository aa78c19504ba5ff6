// Package shop is a neutral model of a year of a Dutch webshop and of the books kept beside it, and a generator of such
// years. It knows neither system: each sandbox converts from it what its own system would hold, so that both start from
// the same story and neither can lean on the other's code.
//
// Money and quantities are decimal text ("12.50"), dates are "YYYY-MM-DD" without a zone, countries are ISO 3166 codes.
// All e-mail addresses end in the reserved domain .example.
package shop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// FileName is the name of the file that Load reads and Save writes in a folder.
const FileName = "shop.json"

// maxFileBytes bounds what Load reads.
const maxFileBytes = 256 << 20

// Order statuses, in the order an order passes them.
const (
	Draft    = "draft"
	Ongoing  = "ongoing"
	Shipped  = "shipped"
	Invoiced = "invoiced"
)

// Shop is one year of a webshop.
type Shop struct {
	Name      string     `json:"name"`
	Country   string     `json:"country"`
	Currency  string     `json:"currency"`
	Year      int        `json:"year"`
	Customers []Customer `json:"customers"`
	Groups    []Group    `json:"groups"`
	Articles  []Article  `json:"articles"`
	Orders    []Order    `json:"orders"` // by date; numbers follow this order
	Books     Books      `json:"books"`
}

// Address is where a parcel goes.
type Address struct {
	Name     string `json:"name,omitempty"` // empty: the customer's own name
	Address1 string `json:"address1,omitempty"`
	Address2 string `json:"address2,omitempty"`
	PostCode string `json:"post_code,omitempty"`
	City     string `json:"city,omitempty"`
	Country  string `json:"country,omitempty"`
}

// Customer is a buyer as the shop holds it, with the spelling the buyer typed.
type Customer struct {
	Key           string   `json:"key"`
	Name          string   `json:"name"`
	Company       bool     `json:"company"`
	Contact       string   `json:"contact,omitempty"` // of a company
	Email         string   `json:"email,omitempty"`   // empty for guests
	Phone         string   `json:"phone,omitempty"`
	Mobile        string   `json:"mobile,omitempty"`
	VATNumber     string   `json:"vat_number,omitempty"`
	ChamberNumber string   `json:"chamber_number,omitempty"`
	Address1      string   `json:"address1"`
	Address2      string   `json:"address2,omitempty"`
	PostCode      string   `json:"post_code"`
	City          string   `json:"city"`
	Country       string   `json:"country"`
	Delivery      *Address `json:"delivery,omitempty"` // nil: parcels go to the address above
	TermsDays     int      `json:"terms_days"`
	Collective    bool     `json:"collective,omitempty"` // stands for many buyers; the buyer's address is on the order
	InBooks       bool     `json:"in_books,omitempty"`   // Books.Debtors has at least one debtor of this customer
}

// Group is a kind of article.
type Group struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// Article is a thing or service that the shop sells.
type Article struct {
	Number     string `json:"number"`
	Name       string `json:"name"`
	EAN        string `json:"ean,omitempty"`
	NetPrice   string `json:"net_price"`   // without VAT
	GrossPrice string `json:"gross_price"` // with VAT; the price on the site, from which the net price was rounded
	VATPercent string `json:"vat_percent"` // 21, 9 or 0
	Service    bool   `json:"service,omitempty"`
	Group      string `json:"group"`
	Unit       string `json:"unit"`
	Stock      string `json:"stock,omitempty"`    // empty for services
	InBooks    bool   `json:"in_books,omitempty"` // false: the bookkeeper has not made this article yet
}

// Order is a sales order. Its invoice, where Status is Invoiced, says the same.
type Order struct {
	Key           string   `json:"key"`
	Customer      string   `json:"customer"` // Customer.Key
	Date          string   `json:"date"`
	DeliveryDate  string   `json:"delivery_date,omitempty"`
	Status        string   `json:"status"`
	Paid          bool     `json:"paid,omitempty"`         // only invoiced orders are paid
	IncludesVAT   bool     `json:"includes_vat,omitempty"` // prices and fixed discounts of the rows include VAT
	Reference     string   `json:"reference"`              // the shop's own number of the order
	YourReference string   `json:"your_reference,omitempty"`
	Delivery      *Address `json:"delivery,omitempty"` // nil: as the customer has it
	Currency      string   `json:"currency"`
	Rows          []Row    `json:"rows"`
}

// Row is one line of an order.
type Row struct {
	Article         string `json:"article,omitempty"` // Article.Number; empty on text rows
	Text            string `json:"text,omitempty"`    // empty: the article's name
	Quantity        string `json:"quantity,omitempty"`
	UnitPrice       string `json:"unit_price,omitempty"`
	DiscountPercent string `json:"discount_percent,omitempty"` // 0 to 100
	FixedDiscount   string `json:"fixed_discount,omitempty"`   // an amount off the whole row, instead of a percentage
	TextRow         bool   `json:"text_row,omitempty"`
}

// Books is what the ERP holds before anything travels. The articles it has are those with InBooks.
type Books struct {
	Debtors       []Debtor `json:"debtors"`
	DefaultDebtor string   `json:"default_debtor,omitempty"` // number of the debtor for web sales without a name
}

// Debtor is a customer as the bookkeeper entered it: often the same as the shop's, sometimes older or twice.
type Debtor struct {
	Number        string `json:"number"`
	Customer      string `json:"customer,omitempty"` // Customer.Key; empty where the shop has no such customer
	Name          string `json:"name"`
	Company       bool   `json:"company"`
	Contact       string `json:"contact,omitempty"`
	Email         string `json:"email,omitempty"`
	Phone         string `json:"phone,omitempty"`
	VATNumber     string `json:"vat_number,omitempty"`
	ChamberNumber string `json:"chamber_number,omitempty"`
	Address1      string `json:"address1,omitempty"`
	PostCode      string `json:"post_code,omitempty"`
	City          string `json:"city,omitempty"`
	Country       string `json:"country"`
	TermsDays     int    `json:"terms_days"`
	Blocked       bool   `json:"blocked,omitempty"`
}

// Load reads dir/shop.json. A member that the model does not have, and a reference to something that is not there, are
// errors.
func Load(dir string) (*Shop, error) {
	path := filepath.Join(dir, FileName)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("shop data: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("shop data: read %s: %w", path, err)
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("shop data: %s is larger than %d bytes", path, maxFileBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	s := new(Shop)
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("shop data: %s: %w", path, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("shop data: %s: something follows the shop", path)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("shop data: %s: %w", path, err)
	}
	return s, nil
}

// Save writes dir/shop.json, making dir where it is missing. The file is replaced as a whole or not at all.
func (s *Shop) Save(dir string) error {
	data, err := s.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("shop data: %w", err)
	}
	tmp, err := os.CreateTemp(dir, FileName+".*")
	if err != nil {
		return fmt.Errorf("shop data: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("shop data: write %s: %w", tmp.Name(), err)
	}
	if err := os.Rename(tmp.Name(), filepath.Join(dir, FileName)); err != nil {
		return fmt.Errorf("shop data: %w", err)
	}
	return nil
}

// Encode is the content of the file that Save writes; the same shop always gives the same bytes.
func (s *Shop) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("shop data: %w", err)
	}
	return b.Bytes(), nil
}
