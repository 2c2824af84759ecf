package payout

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// VaultFile is the name of the file of keys in the data folder.
const VaultFile = "payees.keys"

// vaultKeyBytes is the size of a key: AES-256.
const vaultKeyBytes = 32

// Vault seals what must not be read from the database alone: who is paid, and where to. Its keys are in a
// file of their own, one a line, "number base64"; the highest seals, all open. The zero Vault opens nothing.
type Vault struct {
	keys   map[int64][]byte
	newest int64
	lost   error // why there are no keys
}

// OpenVault reads the keys of the file, and makes the first one where there is neither a file nor a key
// the database knows of. An error says what is missing: a database sealed with a key that is not here.
func OpenVault(ctx context.Context, d *db.DB, path string) (*Vault, error) {
	known, err := db.Get(ctx, d, vaultKeys)
	if err != nil {
		return nil, err
	}
	v, err := readVault(path)
	if errors.Is(err, fs.ErrNotExist) && len(known) == 0 {
		return v.grow(ctx, d, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the keys of the payees are not at %s: put the file back, from where the other server or the backup has it", path)
	}
	if err != nil {
		return nil, err
	}
	for number, mark := range known {
		if key, here := v.keys[number]; !here || fingerprint(key) != mark {
			return nil, fmt.Errorf("%s lacks key %d, with which payees are sealed: it is the file of another Mezzo, or an old one", path, number)
		}
	}
	return v, v.note(ctx, d)
}

// LockedVault is one whose keys could not be read: it opens nothing and says so.
func LockedVault(why error) *Vault { return &Vault{lost: why} }

func vaultKeys(tx *db.Tx) (map[int64]string, error) {
	known := map[int64]string{}
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var number int64
		var mark string
		err := r.Scan(&number, &mark)
		known[number] = mark
		return struct{}{}, err
	}, `SELECT number, fingerprint FROM vault_keys`)
	return known, err
}

func readVault(path string) (*Vault, error) {
	v := &Vault{keys: map[int64][]byte{}}
	text, err := os.ReadFile(path)
	if err != nil {
		return v, err
	}
	for n, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		number, secret, _ := strings.Cut(line, " ")
		serial, err1 := strconv.ParseInt(number, 10, 32)
		key, err2 := base64.StdEncoding.DecodeString(secret)
		if err1 != nil || err2 != nil || serial < 1 || len(key) != vaultKeyBytes || v.keys[serial] != nil {
			return v, fmt.Errorf("line %d of %s is not a key: \"number base64 of %d bytes\", each number once", n+1, path, vaultKeyBytes)
		}
		v.keys[serial] = key
		v.newest = max(v.newest, serial)
	}
	if v.newest == 0 {
		return v, fmt.Errorf("%s holds no key", path)
	}
	return v, nil
}

// grow adds a key to the file, and to what the database knows.
func (v *Vault) grow(ctx context.Context, d *db.DB, path string) (*Vault, error) {
	next := &Vault{keys: map[int64][]byte{}, newest: v.newest + 1}
	for n, key := range v.keys {
		next.keys[n] = key
	}
	next.keys[next.newest] = make([]byte, vaultKeyBytes)
	rand.Read(next.keys[next.newest])
	if err := next.write(path); err != nil {
		return nil, fmt.Errorf("the keys of the payees cannot be written: %w", err)
	}
	return next, next.note(ctx, d)
}

// write puts the file in place whole, readable by its owner alone.
func (v *Vault) write(path string) error {
	var b strings.Builder
	b.WriteString("# Keys that open who is paid and where to. Without them nobody is paid; keep a copy apart from the database.\n")
	for n := int64(1); n <= v.newest; n++ {
		if key := v.keys[n]; key != nil {
			fmt.Fprintf(&b, "%d %s\n", n, base64.StdEncoding.EncodeToString(key))
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(b.String())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (v *Vault) note(ctx context.Context, d *db.DB) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		for n, key := range v.keys {
			if _, err := tx.Exec(`INSERT INTO vault_keys (number, fingerprint, made_at) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING`,
				n, fingerprint(key), db.Micros(tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}

func fingerprint(key []byte) string {
	sum := sha256.Sum256(append([]byte("mezzo payee key."), key...))
	return hex.EncodeToString(sum[:8])
}

// ready is Unavailable where the keys could not be read.
func (v *Vault) ready() error {
	if v == nil || v.newest == 0 {
		why := error(nil)
		if v != nil {
			why = v.lost
		}
		return fault.Wrap(fault.Unavailable, why, "Who is paid cannot be read on this server at present. The operator was told; your money stays yours.")
	}
	return nil
}

func (v *Vault) gcm(number int64) (cipher.AEAD, error) {
	key := v.keys[number]
	if key == nil {
		return nil, fmt.Errorf("payout: key %d is not in the file of keys", number)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal encrypts text for the place named: it opens nowhere else. The answer is key number, nonce, cipher.
func (v *Vault) Seal(place string, text []byte) ([]byte, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	gcm, err := v.gcm(v.newest)
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(v.newest))
	nonce := make([]byte, gcm.NonceSize())
	rand.Read(nonce)
	return gcm.Seal(append(out, nonce...), nonce, text, []byte(place)), nil
}

// Open decrypts what was sealed for the place.
func (v *Vault) Open(place string, sealed []byte) ([]byte, error) {
	if err := v.ready(); err != nil {
		return nil, err
	}
	if len(sealed) < 4 {
		return nil, errors.New("payout: a sealed text is cut short")
	}
	gcm, err := v.gcm(int64(binary.BigEndian.Uint32(sealed)))
	if err != nil {
		return nil, err
	}
	if len(sealed) < 4+gcm.NonceSize() {
		return nil, errors.New("payout: a sealed text is cut short")
	}
	nonce, rest := sealed[4:4+gcm.NonceSize()], sealed[4+gcm.NonceSize():]
	text, err := gcm.Open(nil, nonce, rest, []byte(place))
	if err != nil {
		return nil, errors.New("payout: a sealed text was changed, or stands where it was not sealed for")
	}
	return text, nil
}

// Mark is a keyed hash by which two equal texts are known without being read. It goes by the first key, so
// that it stays when keys are turned.
func (v *Vault) Mark(text string) (string, error) {
	if err := v.ready(); err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, v.keys[slices.Min(serials(v.keys))])
	h.Write([]byte("mark." + text))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func serials(keys map[int64][]byte) []int64 {
	var list []int64
	for n := range keys {
		list = append(list, n)
	}
	return list
}

// sealedRow is one place where something is sealed.
type sealedRow struct {
	table, column, id, place string
	sealed                   []byte
}

// TurnVault adds a key to the file and seals everything anew with it; rows counts them. Keys before it stay
// in the file: backups are sealed with them. No server may run meanwhile.
func TurnVault(ctx context.Context, d *db.DB, path string) (rows int, err error) {
	v, err := OpenVault(ctx, d, path)
	if err != nil {
		return 0, err
	}
	if v, err = v.grow(ctx, d, path); err != nil {
		return 0, err
	}
	for _, t := range []struct{ table, column string }{{"payees", "owner"}, {"destinations", "id"}} {
		for after := ""; ; {
			list, err := db.Get(ctx, d, func(tx *db.Tx) ([]sealedRow, error) {
				return db.All(tx, func(r *sql.Rows) (sealedRow, error) {
					row := sealedRow{table: t.table, column: t.column}
					err := r.Scan(&row.id, &row.sealed)
					row.place = t.table + ":" + row.id
					return row, err
				}, `SELECT `+t.column+`, sealed FROM `+t.table+` WHERE `+t.column+` > $1 ORDER BY `+t.column+` LIMIT 200`, after)
			})
			if err != nil {
				return rows, err
			}
			if len(list) == 0 {
				break
			}
			if err := d.Write(ctx, func(tx *db.Tx) error { return v.reseal(tx, list) }); err != nil {
				return rows, err
			}
			rows += len(list)
			after = list[len(list)-1].id
		}
	}
	return rows, nil
}

func (v *Vault) reseal(tx *db.Tx, list []sealedRow) error {
	for _, row := range list {
		if len(row.sealed) == 0 { // what was here is gone
			continue
		}
		text, err := v.Open(row.place, row.sealed)
		if err != nil {
			return fmt.Errorf("%s %s: %w", row.table, row.id, err)
		}
		sealed, err := v.Seal(row.place, text)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`UPDATE `+row.table+` SET sealed = $1 WHERE `+row.column+` = $2`, sealed, row.id); err != nil {
			return err
		}
	}
	return nil
}
