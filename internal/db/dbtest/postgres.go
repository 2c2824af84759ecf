package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"mezzo/internal/clock"
	"mezzo/internal/db"
)

// PostgresURL names the environment variable with the URL of a PostgreSQL server where tests may
// create databases.
const PostgresURL = "MEZZO_TEST_POSTGRES"

const (
	// maxKept is how many databases of one schema are kept on the server to be used again.
	maxKept = 64
	// keptFor is how long databases of another schema stay, in case its tests come back.
	keptFor = time.Hour
	// turnLock is the advisory lock under which templates are made and old databases dropped.
	turnLock = 5_703_119
)

// NewPostgresURL returns the URL of a PostgreSQL database with the schema and nothing else in it,
// the test's own until it ends. Creating and dropping one costs half a second and a checkpoint of
// the whole server, so databases are kept, emptied and lent again.
func NewPostgresURL(t testing.TB) string {
	t.Helper()
	admin, server := postgresServer(t)
	sum, err := schemaSum(db.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	if err := ensureTemplate(admin, server, sum); err != nil {
		t.Fatalf("make the template database: %v", err)
	}
	lent, err := lend(admin, server, sum)
	if err != nil {
		t.Fatalf("get a test database: %v", err)
	}
	t.Cleanup(func() { lent.lock.Close() })
	return databaseURL(server, lent.name)
}

// EmptyPostgresURL returns the URL of an empty PostgreSQL database that is dropped at the end of the test.
func EmptyPostgresURL(t testing.TB) string {
	t.Helper()
	admin, server := postgresServer(t)
	var random [6]byte
	rand.Read(random[:])
	name := "mezzo_test_" + hex.EncodeToString(random[:])
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return databaseURL(server, name)
}

func postgresServer(t testing.TB) (admin *sql.DB, server string) {
	t.Helper()
	server = os.Getenv(PostgresURL)
	if server == "" {
		say := "PostgreSQL is not tested here: set " + PostgresURL + " to the URL of a server where databases may be created"
		if os.Getenv("CI") == "true" {
			t.Fatal(say)
		}
		t.Skip(say)
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatalf("read %s: %v", PostgresURL, err)
	}
	t.Cleanup(func() { admin.Close() })
	return admin, server
}

func databaseURL(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

func templateName(sum string) string    { return "mezzo_fresh_" + sum }
func keptName(sum string, n int) string { return fmt.Sprintf("mezzo_kept_%s_%d", sum, n) }

// lockClass is the first half of the advisory locks on the kept databases of a schema.
func lockClass(sum string) int32 { return int32(crc32.ChecksumIEEE([]byte(sum))) }

// lentDatabase is a kept database that nobody else uses while lock, a connection, is open.
type lentDatabase struct {
	name string
	lock *sql.Conn
}

// lend finds a kept database that nobody uses and empties it, or creates one more.
func lend(admin *sql.DB, server, sum string) (lentDatabase, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := admin.Conn(ctx)
	if err != nil {
		return lentDatabase{}, err
	}
	for n := range maxKept {
		var mine, exists bool
		name := keptName(sum, n)
		err := c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, $2), EXISTS (SELECT 1 FROM pg_database WHERE datname = $3)`,
			lockClass(sum), n, name).Scan(&mine, &exists)
		if err != nil {
			return lentDatabase{}, errors.Join(err, c.Close())
		}
		if !mine {
			continue
		}
		if exists && empty(ctx, databaseURL(server, name)) == nil {
			return lentDatabase{name, c}, nil
		}
		for _, q := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name + " TEMPLATE " + templateName(sum)} {
			if _, err := c.ExecContext(ctx, q); err != nil {
				return lentDatabase{}, errors.Join(err, c.Close())
			}
		}
		return lentDatabase{name, c}, nil
	}
	return lentDatabase{}, errors.Join(fmt.Errorf("all %d test databases are in use", maxKept), c.Close())
}

// ensureTemplate makes the database that test databases are copied from, once per server and
// schema. Processes that would make it take turns.
func ensureTemplate(admin *sql.DB, server, sum string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := templateName(sum)
	c, err := admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var exists bool
	const look = `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)`
	if err := c.QueryRowContext(ctx, look, name).Scan(&exists); err != nil || exists {
		return err
	}
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, turnLock); err != nil {
		return err
	}
	defer c.ExecContext(context.Background(), `SELECT pg_advisory_unlock($1)`, turnLock)
	if err := c.QueryRowContext(ctx, look, name).Scan(&exists); err != nil || exists {
		return err
	}
	if err := dropOld(ctx, c); err != nil {
		return err
	}
	for _, q := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	d, err := db.Open(ctx, db.Options{URL: databaseURL(server, name), Clock: clock.NewManual(Start)})
	if err != nil {
		return err
	}
	if err := errors.Join(d.Close(), remember(ctx, databaseURL(server, name))); err != nil {
		return err
	}
	var now string
	if err := c.QueryRowContext(ctx, `SELECT CAST(CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) AS TEXT)`).Scan(&now); err != nil {
		return err
	}
	for _, q := range []string{"COMMENT ON DATABASE " + name + " IS '" + now + "'",
		"ALTER DATABASE " + name + " WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// dropOld drops the databases of schemas whose template was made more than keptFor ago.
func dropOld(ctx context.Context, c *sql.Conn) error {
	old, err := texts(ctx, c, `SELECT substr(datname, 13) FROM pg_database
		WHERE datname LIKE 'mezzo\_fresh\_%' AND datistemplate
		AND COALESCE(CAST(shobj_description(oid, 'pg_database') AS BIGINT), 0) < EXTRACT(EPOCH FROM now()) - $1`, keptFor.Seconds())
	if err != nil {
		return err
	}
	for _, sum := range old {
		kept, err := texts(ctx, c, `SELECT datname FROM pg_database WHERE datname LIKE $1`,
			strings.ReplaceAll("mezzo_kept_"+sum, "_", `\_`)+`\_%`)
		if err != nil {
			return err
		}
		free := true
		for _, name := range kept {
			var mine bool
			var n int32
			fmt.Sscanf(strings.TrimPrefix(name, "mezzo_kept_"+sum+"_"), "%d", &n)
			if err := c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockClass(sum), n).Scan(&mine); err != nil {
				return err
			}
			if free = free && mine; !mine {
				continue
			}
			if _, err := c.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
				return err
			}
			if _, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock($1, $2)`, lockClass(sum), n); err != nil {
				return err
			}
		}
		if !free {
			continue
		}
		for _, q := range []string{"ALTER DATABASE " + templateName(sum) + " WITH IS_TEMPLATE false", "DROP DATABASE " + templateName(sum)} {
			if _, err := c.ExecContext(ctx, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// queryer is what a connection and a transaction have in common.
type queryer interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

// texts returns the one column of a query.
func texts(ctx context.Context, c queryer, q string, args ...any) (out []string, err error) {
	rows, err := c.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
