package metric

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/db"
)

const (
	// nodeFile holds the name under which the states of a folder's snapshots lie in SQL. It goes where they go.
	nodeFile = "node"
	// recallLimit is how long the fold waits for SQL before it stops.
	recallLimit = 5 * time.Second
	// coldBytes and coldRows are how much one transaction writes or deletes: others wait for it.
	coldBytes = 4 << 20
	coldRows  = 512
	// coldLife is how long the states of a node are kept that is never heard of again: far longer than what
	// nothing happened to is remembered.
	coldLife = 2 * idle * time.Second
	// coldPage is how many names are read at once.
	coldPage = 4096
)

// cold is the states in SQL that left one node's memory.
type cold struct {
	d    *db.DB
	dir  string
	node string
}

// open reads the node's name, or gives it one.
func (c *cold) open() error {
	if c.node != "" {
		return nil
	}
	name := filepath.Join(c.dir, nodeFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(uuid.NewString()), os.MkdirAll(c.dir, 0o700)
		if err == nil {
			err = writeSynced(name, text)
		}
	}
	if err != nil {
		return fmt.Errorf("metric: the node's name cannot be read: %w", err)
	}
	c.node = strings.TrimSpace(string(text))
	return nil
}

// writeSynced writes a small file, whole or not at all.
func writeSynced(name string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), snapshotTemp)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), name); err != nil {
		return err
	}
	return shelf{filepath.Dir(name)}.sync()
}

// put writes states; those that are there already stay as they are.
func (c *cold) put(ctx context.Context, gone []Gone, at time.Time) error {
	for len(gone) > 0 {
		n, bytes := 0, 0
		for ; n < len(gone) && n < coldRows && (n == 0 || bytes+len(gone[n].State) <= coldBytes); n++ {
			bytes += len(gone[n].State)
		}
		if err := c.d.Write(db.WithoutKey(ctx), func(tx *db.Tx) error { return c.putRows(tx, gone[:n], at) }); err != nil {
			return err
		}
		gone = gone[n:]
	}
	return nil
}

func (c *cold) putRows(tx *db.Tx, gone []Gone, at time.Time) error {
	for len(gone) > 0 {
		n := min(rowsPerStatement, len(gone))
		var values db.Values
		for i := range gone[:n] {
			values.Row(c.node, gone[i].Entity.String(), sumText(gone[i].Sum), gone[i].State, db.Micros(at))
		}
		if _, err := tx.Exec(`INSERT INTO metric_cold (node, entity, sum, state, stamp) VALUES `+values.Text()+` ON CONFLICT (node, entity, sum) DO NOTHING`, values.Args()...); err != nil {
			return err
		}
		gone = gone[n:]
	}
	return nil
}

// load fills in states: Options.Load.
func (c *cold) load(gone []Gone) error {
	ctx, cancel := context.WithTimeout(context.Background(), recallLimit)
	defer cancel()
	at := make(map[string]int, len(gone))
	names := make([]string, len(gone))
	for i := range gone {
		names[i], gone[i].State = gone[i].Entity.String(), nil
		at[names[i]+sumText(gone[i].Sum)] = i
	}
	list, args := db.In(2, names)
	err := c.d.Read(ctx, func(tx *db.Tx) error {
		_, err := db.All(tx, func(rows *sql.Rows) (none struct{}, err error) {
			var name, sum string
			var state []byte
			if err = rows.Scan(&name, &sum, &state); err == nil {
				if i, wanted := at[name+sum]; wanted {
					gone[i].State = state
				}
			}
			return none, err
		}, `SELECT entity, sum, state FROM metric_cold WHERE node = $1 AND entity IN `+list, append([]any{c.node}, args...)...)
		return err
	})
	if err != nil {
		return err
	}
	for i := range gone {
		if gone[i].State == nil {
			return fmt.Errorf("the state of %s is not in the database, which was restored from an older copy: restart, and the numbers go on from an older snapshot or from the log", gone[i].Entity)
		}
	}
	return nil
}

// forget deletes states.
func (c *cold) forget(ctx context.Context, gone []Gone) error {
	for len(gone) > 0 {
		some := gone[:min(coldRows, len(gone))]
		gone = gone[len(some):]
		err := c.d.Write(db.WithoutKey(ctx), func(tx *db.Tx) error {
			for i := range some {
				if _, err := tx.Exec(`DELETE FROM metric_cold WHERE node = $1 AND entity = $2 AND sum = $3`, c.node, some[i].Entity.String(), sumText(some[i].Sum)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls fn with the name and digest of every state there is.
func (c *cold) each(ctx context.Context, fn func(Gone)) error {
	last := [2]string{}
	for {
		page, err := db.Get(ctx, c.d, func(tx *db.Tx) ([][2]string, error) {
			return db.All(tx, func(rows *sql.Rows) (key [2]string, err error) {
				err = rows.Scan(&key[0], &key[1])
				return key, err
			}, `SELECT entity, sum FROM metric_cold WHERE node = $1 AND (entity, sum) > ($2, $3) ORDER BY entity, sum LIMIT $4`, c.node, last[0], last[1], coldPage)
		})
		if err != nil {
			return err
		}
		for _, key := range page {
			last = key
			e, err := ParseEntity(key[0])
			if err != nil {
				return err
			}
			sum, err := strconv.ParseUint(key[1], 16, 64)
			if err != nil {
				return err
			}
			fn(Gone{Entity: e, Sum: sum})
		}
		if len(page) < coldPage {
			return nil
		}
	}
}

// prune deletes what nodes left behind that are not heard of any more, as of a log time.
func (c *cold) prune(ctx context.Context, now time.Time) error {
	node := ""
	for ctx.Err() == nil {
		var next sql.NullString
		if err := c.d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT MIN(node) FROM metric_cold WHERE node > $1`, node).Scan(&next)
		}); err != nil || !next.Valid {
			return err
		}
		node = next.String
		for more := true; more && ctx.Err() == nil; {
			err := c.d.Write(db.WithoutKey(ctx), func(tx *db.Tx) error {
				n, err := tx.Exec(`DELETE FROM metric_cold WHERE node = $1 AND (entity, sum) IN
					(SELECT entity, sum FROM metric_cold WHERE node = $1 AND stamp < $2 ORDER BY stamp LIMIT $3)`, node, db.Micros(now.Add(-coldLife)), coldRows)
				more = n == coldRows
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}
