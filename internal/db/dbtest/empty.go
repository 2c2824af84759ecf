package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const tablesSQL = `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname`

// remember notes, in a schema beside the tables, which tables a fresh database has, what rows
// migrations left in them and where its sequences stand.
func remember(ctx context.Context, url string) error {
	return inTransaction(ctx, url, func(tx *sql.Tx) error {
		for _, q := range []string{
			`CREATE SCHEMA fresh`,
			`CREATE TABLE fresh.mezzo_tables AS ` + strings.Replace(tablesSQL, "relname FROM", "relname::text AS name FROM", 1),
			`CREATE TABLE fresh.mezzo_sequences AS SELECT sequencename::text AS name, last_value FROM pg_sequences WHERE schemaname = 'public'`,
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		tables, err := texts(ctx, tx, tablesSQL)
		if err != nil {
			return err
		}
		full, err := notEmpty(ctx, tx, tables)
		if err != nil {
			return err
		}
		for _, table := range full {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf(`CREATE TABLE fresh.%[1]s AS TABLE public.%[1]s`, table)); err != nil {
				return err
			}
		}
		return nil
	})
}

// empty puts a database back to what remember noted: it drops the tables tests made, and replaces
// the rows of those they changed. Triggers and foreign keys do not hold it up.
func empty(ctx context.Context, url string) error {
	return inTransaction(ctx, url, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		tables, err := texts(ctx, tx, tablesSQL)
		if err != nil {
			return err
		}
		known, err := texts(ctx, tx, `SELECT name FROM fresh.mezzo_tables`)
		if err != nil {
			return err
		}
		for _, name := range known {
			if !slices.Contains(tables, name) {
				return errors.New("a test has dropped " + name)
			}
		}
		for _, name := range tables {
			if !slices.Contains(known, name) {
				if _, err := tx.ExecContext(ctx, `DROP TABLE public.`+name+` CASCADE`); err != nil {
					return err
				}
			}
		}
		full, err := notEmpty(ctx, tx, known)
		if err != nil {
			return err
		}
		for _, name := range full {
			if _, err := tx.ExecContext(ctx, `DELETE FROM public.`+name); err != nil {
				return err
			}
		}
		return restore(ctx, tx)
	})
}

// restore puts back the rows of migrations and the sequences.
func restore(ctx context.Context, tx *sql.Tx) error {
	seeded, err := texts(ctx, tx, `SELECT relname FROM pg_class WHERE relnamespace = 'fresh'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'mezzo\_%'`)
	if err != nil {
		return err
	}
	for _, name := range seeded {
		columns, err := texts(ctx, tx, `SELECT attname FROM pg_attribute WHERE attrelid = CAST('public.' || $1 AS regclass)
			AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, name)
		if err != nil {
			return err
		}
		list := strings.Join(columns, ", ")
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO public.%[1]s (%[2]s) SELECT %[2]s FROM fresh.%[1]s`, name, list)); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `SELECT setval(CAST('public.' || f.name AS regclass), COALESCE(f.last_value, 1), f.last_value IS NOT NULL)
		FROM fresh.mezzo_sequences AS f JOIN pg_sequences AS s ON s.schemaname = 'public' AND s.sequencename = f.name
		WHERE s.last_value IS DISTINCT FROM f.last_value`)
	return err
}

// notEmpty returns those of the tables that have rows.
func notEmpty(ctx context.Context, tx *sql.Tx, tables []string) ([]string, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	parts := make([]string, len(tables))
	for i, name := range tables {
		parts[i] = fmt.Sprintf(`SELECT '%[1]s' WHERE EXISTS (SELECT 1 FROM public.%[1]s)`, name)
	}
	return texts(ctx, tx, strings.Join(parts, " UNION ALL "))
}

func inTransaction(ctx context.Context, url string, do func(*sql.Tx) error) error {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
