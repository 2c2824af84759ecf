package payout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// Settings are what the operator decides about payouts.
type Settings struct {
	Minimums  []money.Amount `json:"minimums" maxItems:"200" nullable:"false" doc:"The least of a payout where it is not the table's"`
	Limits    []money.Amount `json:"approval_limits" maxItems:"200" nullable:"false" doc:"Above it operators must approve, and where what was paid to one owner within 24 hours without them would come above it; without one for a currency, 500 times its minimum"`
	Approvals int64          `json:"approvals" minimum:"0" maximum:"2" doc:"How many operators, none of them of the payee's own people: 2; 1 where the house has one; 0 looks at none"`
	Withhold  []Withholding  `json:"withholding" maxItems:"200" nullable:"false"`
}

// Withholding is a tax kept back from payouts to payees of a country.
type Withholding struct {
	Country      string    `json:"country" maxLength:"2" doc:"Of the payee's tax residence; empty: every country without a line of its own"`
	Rate         money.Bps `json:"rate_bps" minimum:"1" maximum:"5000"`
	Jurisdiction string    `json:"jurisdiction" maxLength:"20" doc:"Whom it is owed to, as in the books: wht:<jurisdiction>"`
	From         string    `json:"from,omitempty" enum:"creators,brands,all" doc:"From whom; all when left out"`
}

// SettingsView is the settings in force, and who set them.
type SettingsView struct {
	Settings
	Version   int64     `json:"-"`
	ChangedBy string    `json:"changed_by,omitempty"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

// startSettings hold until an operator sets others.
func startSettings() Settings {
	return Settings{Minimums: []money.Amount{}, Limits: []money.Amount{}, Approvals: 2, Withhold: []Withholding{}}
}

// minimums are the least payouts in minor units, about 10 US dollars each; others: ten whole units.
var minimums = map[money.Currency]int64{
	"USD": 10_00, "EUR": 10_00, "GBP": 10_00, "CHF": 10_00, "CAD": 15_00, "AUD": 15_00, "NZD": 15_00, "SGD": 15_00, "JPY": 1_500, "CNY": 70_00, "HKD": 80_00,
	"TWD": 300_00, "KRW": 15_000, "INR": 800_00, "IDR": 150_000_00, "THB": 350_00, "VND": 250_000, "PHP": 600_00, "MYR": 45_00, "BRL": 50_00, "MXN": 200_00,
	"ARS": 10_000_00, "CLP": 10_000, "COP": 40_000_00, "PEN": 40_00, "SEK": 100_00, "NOK": 100_00, "DKK": 70_00, "PLN": 40_00, "CZK": 250_00, "HUF": 4_000_00,
	"RON": 45_00, "TRY": 350_00, "UAH": 400_00, "ILS": 40_00, "AED": 40_00, "SAR": 40_00, "ZAR": 200_00, "NGN": 15_000_00, "KES": 1_300_00, "EGP": 500_00,
	"KWD": 3_000, "BHD": 4_000, "OMR": 4_000, "JOD": 7_000, "TND": 30_000,
}

// Minimum is the least a payout in the currency may be.
func (s Settings) Minimum(c money.Currency) money.Amount {
	for _, a := range s.Minimums {
		if a.Currency == c {
			return a
		}
	}
	if least, known := minimums[c]; known {
		return money.Of(least, c)
	}
	least := int64(10)
	for range c.Exponent() {
		least *= 10
	}
	return money.Of(least, c)
}

// limitTimes is how many minimums a payout may be before operators look at it.
const limitTimes = 500

// Limit is the amount above which operators must approve: of one payout, and of an owner's unseen ones within LimitWindow.
func (s Settings) Limit(c money.Currency) money.Amount {
	for _, a := range s.Limits {
		if a.Currency == c {
			return a
		}
	}
	return money.Of(s.Minimum(c).Minor*limitTimes, c)
}

// withheld returns what is kept back of an amount to a payee of a country: rounded half up to a minor unit.
func (s Settings) withheld(o Owner, country string, amount money.Amount) (int64, string) {
	var found *Withholding
	for i := range s.Withhold {
		w := &s.Withhold[i]
		if w.From == "creators" && o.Creator() == "" || w.From == "brands" && o.Brand() == "" {
			continue
		}
		if w.Country == country || w.Country == "" && found == nil {
			found = w
		}
	}
	if found == nil {
		return 0, ""
	}
	if kept := found.Rate.Of(amount.Minor); kept > 0 && kept < amount.Minor {
		return kept, found.Jurisdiction
	}
	return 0, ""
}

func (s Settings) clean() (Settings, error) {
	if s.Approvals < 0 || s.Approvals > 2 {
		return s, fault.InvalidField("body.approvals", "It is 0, 1 or 2.")
	}
	for name, list := range map[string][]money.Amount{"minimums": s.Minimums, "approval_limits": s.Limits} {
		seen := map[money.Currency]bool{}
		for _, a := range list {
			if a.Check() != nil || a.Minor < 1 || a.Minor > money.Max/limitTimes || seen[a.Currency] {
				return s, fault.InvalidField("body."+name, "Give each currency once, with an amount of 1 minor unit or more.")
			}
			seen[a.Currency] = true
		}
	}
	for i, w := range s.Withhold {
		w.Country = strings.ToUpper(strings.TrimSpace(w.Country))
		if w.From == "" {
			w.From = "all"
		}
		s.Withhold[i] = w
		if w.Country != "" && (len(w.Country) != 2 || strings.Trim(w.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") ||
			w.Rate < 1 || w.Rate > money.Whole/2 || w.Jurisdiction == "" || strings.Trim(w.Jurisdiction, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789") != "" ||
			!slices.Contains([]string{"all", "creators", "brands"}, w.From) {
			return s, fault.InvalidField("body.withholding", "A line has a country of two letters or none, a rate of up to 50 %%, and a jurisdiction in capitals such as US or US-CA.")
		}
	}
	for _, l := range []*[]money.Amount{&s.Minimums, &s.Limits} {
		if *l == nil {
			*l = []money.Amount{}
		}
	}
	if s.Withhold == nil {
		s.Withhold = []Withholding{}
	}
	return s, nil
}

// settingsOf reads the settings in force.
func settingsOf(tx *db.Tx) (v SettingsView, err error) {
	var body string
	var at int64
	err = tx.Row(`SELECT version, body, changed_by, changed_at FROM payout_settings ORDER BY version DESC LIMIT 1`).Scan(&v.Version, &body, &v.ChangedBy, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return SettingsView{Settings: startSettings()}, nil
	}
	if err != nil {
		return v, err
	}
	v.ChangedAt = db.Time(at)
	return v, json.Unmarshal([]byte(body), &v.Settings)
}

// Settings returns the settings in force, to the operator.
func (p *Payouts) Settings(ctx context.Context, who account.Asker) (SettingsView, error) {
	if err := who.IsOperator(); err != nil {
		return SettingsView{}, err
	}
	return db.Get(ctx, p.db, settingsOf)
}

// PutSettings puts others in force, for payouts asked for from now on. match is the version they were made from, 0 for any.
func (p *Payouts) PutSettings(ctx context.Context, who account.Asker, match int64, in Settings) (SettingsView, error) {
	if err := operatorInPerson(who); err != nil {
		return SettingsView{}, err
	}
	in, err := in.clean()
	if err != nil {
		return SettingsView{}, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return SettingsView{}, err
	}
	_, err = db.Do(ctx, p.db, func(tx *db.Tx) (int64, error) {
		now, err := settingsOf(tx)
		if err != nil {
			return 0, err
		}
		if match != 0 && match != now.Version {
			return 0, fault.New(fault.Stale, "This was changed since you read it. Read it again and repeat your change.")
		}
		_, err = tx.Exec(`INSERT INTO payout_settings (version, body, changed_by, changed_at) VALUES ($1, $2, $3, $4)`, now.Version+1, string(body), who.Actor(), db.Micros(tx.Now()))
		if db.IsUnique(err) {
			err = fault.New(fault.Stale, "This was changed since you read it. Read it again and repeat your change.")
		}
		return now.Version + 1, err
	})
	if err != nil {
		return SettingsView{}, err
	}
	return db.Get(ctx, p.db, settingsOf)
}

// operatorInPerson is for what no token may do.
func operatorInPerson(who account.Asker) error {
	if err := who.IsOperator(); err != nil {
		return err
	}
	if who.Token != "" {
		return fault.New(fault.Forbidden, "API tokens cannot do this: sign in.")
	}
	return nil
}
