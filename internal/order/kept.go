package order

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// MaxAddresses is how many addresses a person can keep.
const MaxAddresses = 20

// KeptAddress is an address a signed-in shopper keeps for next time.
type KeptAddress struct {
	ID id.Address `json:"id"`
	Address
	MadeAt time.Time `json:"made_at"`
	UsedAt time.Time `json:"used_at" doc:"When it was kept or chosen last"`
}

// Addresses returns the addresses the asker keeps, the one used last first.
func (o *Orders) Addresses(ctx context.Context, who account.Asker) ([]KeptAddress, error) {
	if err := who.SignedIn(); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]KeptAddress, error) { return addressesOf(tx, who.Account) })
}

// KeepAddress keeps an address for the asker; one kept already is found again. Conflict: MaxAddresses are
// kept.
func (o *Orders) KeepAddress(ctx context.Context, who account.Asker, in Address) (KeptAddress, error) {
	if err := who.SignedIn(); err != nil {
		return KeptAddress{}, err
	}
	in, err := in.Clean()
	if err != nil {
		return KeptAddress{}, err
	}
	return db.Do(ctx, o.db, func(tx *db.Tx) (KeptAddress, error) { return keepAddress(tx, who.Account, in) })
}

// DropAddress forgets an address of the asker's. Missing: it is not there, or somebody else's.
func (o *Orders) DropAddress(ctx context.Context, who account.Asker, address id.Address) error {
	if err := who.SignedIn(); err != nil {
		return err
	}
	return o.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`DELETE FROM addresses WHERE id = $1 AND account_id = $2`, address, who.Account)
		if err == nil && n == 0 {
			err = missing("address")
		}
		return err
	})
}

func keepAddress(tx *db.Tx, person id.Account, in Address) (KeptAddress, error) {
	var others int64
	text := encode(in)
	if err := tx.Row(`SELECT COUNT(*) FROM addresses WHERE account_id = $1 AND address <> $2`, person, text).Scan(&others); err != nil {
		return KeptAddress{}, err
	}
	if others >= MaxAddresses {
		return KeptAddress{}, fault.New(fault.Conflict, "You keep %d addresses already. Forget one first.", MaxAddresses).WithType("too_many")
	}
	kept := KeptAddress{Address: in, UsedAt: tx.Now()}
	var made int64
	err := tx.Row(`INSERT INTO addresses (id, account_id, address, made_at, used_at) VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (account_id, address) DO UPDATE SET used_at = excluded.used_at RETURNING id, made_at`,
		kept.ID.Next(tx.Now()), person, text, db.Micros(tx.Now())).Scan(&kept.ID, &made)
	if err != nil {
		return KeptAddress{}, err
	}
	kept.MadeAt = db.Time(made)
	return kept, account.AddMarks(tx, person, in.marks("")...)
}

// chosenAddress is the address of a checkout that names a kept one, which is then used last.
func chosenAddress(tx *db.Tx, who account.Asker, address id.Address) (Address, error) {
	var text string
	err := tx.Row(`UPDATE addresses SET used_at = $1 WHERE id = $2 AND account_id = $3 AND account_id <> '' RETURNING address`,
		db.Micros(tx.Now()), address, who.Account).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return Address{}, missing("address")
	}
	var a Address
	if err == nil {
		err = json.Unmarshal([]byte(text), &a)
	}
	return a, err
}

func addressesOf(tx *db.Tx, person id.Account) ([]KeptAddress, error) {
	list, err := db.All(tx, func(r *sql.Rows) (KeptAddress, error) {
		var k KeptAddress
		var text string
		var made, used int64
		if err := r.Scan(&k.ID, &text, &made, &used); err != nil {
			return k, err
		}
		k.MadeAt, k.UsedAt = db.Time(made), db.Time(used)
		return k, json.Unmarshal([]byte(text), &k.Address)
	}, `SELECT id, address, made_at, used_at FROM addresses WHERE account_id = $1 ORDER BY used_at DESC, id DESC`, person)
	if list == nil {
		list = []KeptAddress{}
	}
	return list, err
}

// ExportAddresses returns the addresses a person keeps.
func ExportAddresses(tx *db.Tx, person id.Account) (any, error) { return addressesOf(tx, person) }
