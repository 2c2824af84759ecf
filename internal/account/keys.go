package account

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Times of the signing keys. Two keys open at any time, so a token opens for at least one KeyTurn
// after it was signed. The longest life a token has is a viewer's, 400 days; with a turn as long as
// that, none ends before its own time, however long its holder stays away (docs/decisions/005).
const (
	// KeyTurn is how old the newest key grows before another takes its place.
	KeyTurn = ViewerLife
	// KeyRead is how often a node reads which keys there are.
	KeyRead = time.Minute
	// KeyNotice is how long a new key opens tokens before it signs any: every node has read of it by then.
	KeyNotice = 2 * KeyRead
	// keysKept is how many keys stay stored: the two in force, one that is coming, one to look back on.
	keysKept = 4
)

// SigningKey is a signing key as the operator sees it, without its secret.
type SigningKey struct {
	Serial  int64     `json:"serial"`
	MadeAt  time.Time `json:"made_at"`
	SignsAt time.Time `json:"signs_at" doc:"From when it signs; it opens tokens before"`
	MadeBy  string    `json:"made_by,omitempty" doc:"schedule, command, or an operator's account"`
	State   string    `json:"state" enum:"coming,signing,opening,over" doc:"opening: tokens it signed still open"`
	secret  [id.KeyBytes]byte
}

func (k SigningKey) key() id.Key { return id.Key{Number: uint8(k.Serial), Secret: k.secret} }

// States of a signing key.
const (
	keyComing  = "coming"
	keySigning = "signing"
	keyOpening = "opening"
	keyOver    = "over"
)

// LoadKeys returns the ring of the signing keys kept in d, and makes the first one when there is
// none. Nodes that share a database share the ring.
func LoadKeys(ctx context.Context, d *db.DB) (*id.Keyring, error) {
	ring := id.NewKeyring()
	keys, err := storedKeys(ctx, d)
	if err == nil && len(keys) == 0 {
		err = d.Write(ctx, func(tx *db.Tx) error { return addKey(tx, 1, tx.Now(), "schedule") })
		if err != nil && !db.IsUnique(err) { // another node was first: its key is as good
			return nil, err
		}
		keys, err = storedKeys(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("account: there is no signing key and none could be made")
	}
	put(ring, keys)
	return ring, nil
}

// ReloadKeys puts the keys kept in d in force. A node calls it every KeyRead.
func ReloadKeys(ctx context.Context, d *db.DB, ring *id.Keyring) error {
	keys, err := storedKeys(ctx, d)
	if err == nil && len(keys) > 0 {
		put(ring, keys)
	}
	return err
}

// put hands the keys to the ring by their states.
func put(ring *id.Keyring, keys []SigningKey) {
	var coming *id.Key
	var inForce []id.Key
	for _, k := range keys {
		switch key := k.key(); k.State {
		case keyComing:
			coming = &key
		case keySigning, keyOpening:
			inForce = append(inForce, key)
		}
	}
	ring.Announce(coming, inForce...)
}

// TurnKeys announces a new signing key in the name of by. Tokens signed with the key in force open until
// the turn after this one; those signed earlier, no more once the new key signs. Conflict: a key is coming.
func TurnKeys(ctx context.Context, d *db.DB, by string) error {
	return d.Write(ctx, func(tx *db.Tx) error { return turnKeys(tx, by) })
}

func turnKeys(tx *db.Tx, by string) error {
	keys, err := keysOf(tx)
	if err != nil {
		return err
	}
	if len(keys) > 0 && keys[0].State == keyComing {
		return fault.New(fault.Conflict, "The keys are being turned already: the new one signs in %d s.", int64(keys[0].SignsAt.Sub(tx.Now())/time.Second)+1).WithType("wrong_state")
	}
	return addKey(tx, next(keys), tx.Now().Add(KeyNotice), by)
}

// CutKeys puts two new signing keys in force at once in the name of by: nothing signed before opens any
// more. It is for a secret that has leaked: guests lose their carts and the ways back to their orders,
// and what was on screens earns nobody; people who are signed in stay so.
func CutKeys(ctx context.Context, d *db.DB, by string) error {
	return d.Write(ctx, func(tx *db.Tx) error { return cutKeys(tx, by) })
}

func cutKeys(tx *db.Tx, by string) error {
	keys, err := keysOf(tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE signing_keys SET signs_at = $1 WHERE signs_at > $1`, db.Micros(tx.Now())); err != nil {
		return err
	}
	for range 2 {
		if err := addKey(tx, next(keys), tx.Now(), by); err != nil {
			return err
		}
		if keys, err = keysOf(tx); err != nil {
			return err
		}
	}
	return nil
}

// TurnDue turns the keys when the newest is KeyTurn old. One node calls it now and then.
func TurnDue(ctx context.Context, d *db.DB) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		keys, err := keysOf(tx)
		if err != nil || len(keys) > 0 && tx.Now().Sub(keys[0].MadeAt) < KeyTurn {
			return err
		}
		return turnKeys(tx, "schedule")
	})
}

// SigningKeys lists the signing keys, newest first and without their secrets, to the operator.
func (a *Accounts) SigningKeys(ctx context.Context, who Asker) ([]SigningKey, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return storedKeys(ctx, a.d)
}

// TurnKeys turns the signing keys in the operator's name; cut makes everything signed before worthless
// at once (see CutKeys), else tokens of the key in force go on opening.
func (a *Accounts) TurnKeys(ctx context.Context, who Asker, cut bool) ([]SigningKey, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	keys, err := db.Do(ctx, a.d, func(tx *db.Tx) ([]SigningKey, error) {
		turn := turnKeys
		if cut {
			turn = cutKeys
		}
		if err := turn(tx, who.Actor()); err != nil {
			return nil, err
		}
		return keysOf(tx)
	})
	if err != nil {
		return nil, err
	}
	return keys, ReloadKeys(ctx, a.d, a.keys)
}

// next is the serial of the next key.
func next(keys []SigningKey) int64 {
	if len(keys) == 0 {
		return 1
	}
	return keys[0].Serial + 1
}

// addKey stores a key; two nodes that do so at once make one key, and the other fails.
func addKey(tx *db.Tx, serial int64, signs time.Time, by string) error {
	secret := make([]byte, id.KeyBytes)
	rand.Read(secret)
	if _, err := tx.Exec(`INSERT INTO signing_keys (serial, secret, created_at, signs_at, made_by) VALUES ($1, $2, $3, $4, $5)`,
		serial, secret, db.Micros(tx.Now()), db.Micros(signs), by); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM signing_keys WHERE serial <= $1`, serial-keysKept)
	return err
}

func storedKeys(ctx context.Context, d *db.DB) ([]SigningKey, error) { return db.Get(ctx, d, keysOf) }

// keysOf returns the keys kept, newest first, with their states now. A token names its key by the
// serial's last byte.
func keysOf(tx *db.Tx) ([]SigningKey, error) {
	keys, err := db.All(tx, func(r *sql.Rows) (k SigningKey, err error) {
		var secret []byte
		var made, signs int64
		if err := r.Scan(&k.Serial, &secret, &made, &signs, &k.MadeBy); err != nil {
			return k, err
		}
		k.MadeAt, k.SignsAt = db.Time(made), db.Time(max(made, signs))
		if copy(k.secret[:], secret) != id.KeyBytes || len(secret) != id.KeyBytes {
			err = errors.New("account: a signing key has another length than it must")
		}
		return k, err
	}, `SELECT serial, secret, created_at, signs_at, made_by FROM signing_keys ORDER BY serial DESC LIMIT $1`, int64(keysKept))
	inForce := 0
	for i := range keys {
		k := &keys[i]
		switch {
		case inForce == 0 && k.SignsAt.After(tx.Now()) && i < len(keys)-1:
			k.State = keyComing
		case inForce < 2:
			k.State = []string{keySigning, keyOpening}[inForce]
			inForce++
		default:
			k.State = keyOver
		}
	}
	return keys, err
}
