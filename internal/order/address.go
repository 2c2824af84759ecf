package order

import (
	"strings"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/fault"
)

// Limits of an address.
const (
	// MaxAddressField is the longest text of one field, in characters.
	MaxAddressField = 120
)

// Address is where a parcel goes.
type Address struct {
	Name       string `json:"name" doc:"Who receives it"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	Region     string `json:"region,omitempty" doc:"State or province, as its code"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country" doc:"ISO 3166-1 alpha-2" minLength:"2" maxLength:"2"`
	Phone      string `json:"phone,omitempty"`
}

// Clean trims the address and checks it; every field that is wrong is named.
func (a Address) Clean() (Address, error) {
	f := fault.New(fault.Invalid, "The shipping address is not complete.")
	for _, field := range []struct {
		name     string
		value    *string
		required bool
	}{{"name", &a.Name, true}, {"line1", &a.Line1, true}, {"line2", &a.Line2, false}, {"city", &a.City, true},
		{"region", &a.Region, false}, {"postal_code", &a.PostalCode, true}, {"phone", &a.Phone, false}} {
		*field.value = strings.TrimSpace(*field.value)
		if field.required && *field.value == "" {
			f.WithField("body.shipping_address."+field.name, "Please fill this in.")
		}
		if utf8.RuneCountInString(*field.value) > MaxAddressField || !utf8.ValidString(*field.value) || strings.ContainsAny(*field.value, "\x00\r\n") {
			f.WithField("body.shipping_address."+field.name, "At most %d characters on one line.", MaxAddressField)
		}
	}
	a.Country = strings.ToUpper(strings.TrimSpace(a.Country))
	if len(a.Country) != 2 || a.Country[0] < 'A' || a.Country[0] > 'Z' || a.Country[1] < 'A' || a.Country[1] > 'Z' {
		f.WithField("body.shipping_address.country", "Use the two-letter country code, such as US.")
	}
	if len(f.Fields) > 0 {
		return a, f
	}
	return a, nil
}

// marks are what the buyer is known by: where the parcel goes, the phone, and what was paid with.
func (a Address) marks(fingerprint string) []account.Mark {
	var list []account.Mark
	add := func(m account.Mark, ok bool) {
		if ok {
			list = append(list, m)
		}
	}
	if a.Line1 != "" { // an erased order has none
		add(account.NewMark(account.MarkAddress, a.Line1, a.Line2, a.PostalCode, a.Country))
	}
	add(account.NewMark(account.MarkPhone, a.Phone))
	add(account.NewMark(account.MarkInstrument, fingerprint))
	return list
}

// cleanEmail returns the address a receipt goes to, or an Invalid fault.
func cleanEmail(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", fault.InvalidField("body.email", "Give an e-mail address for the receipt, such as you@example.com.")
	}
	return account.CheckEmail("body.email", s)
}
