package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"mezzo/internal/account"
)

// keysCommands are what can be done with the keys of a shop from the command line.
type keysCommands struct {
	Rotate rotateCommand `cmd:"" help:"Turn the signing keys of a stopped shop now, not when they are due. A running one has a button on the operator's page, and POST /api/v1/operator/keys/turn."`
	Payees rotatePayees  `cmd:"" help:"Seal who is paid and where to with a new key, of a stopped shop. The keys before stay in the file: older backups are sealed with them."`
}

type rotateCommand struct {
	storeFlags
	Cut bool `help:"Make everything signed before worthless at once, for a key that has leaked: guests lose their carts and the ways back to their orders. Without it, tokens of the key in force open until the next turn."`
}

// Run puts a new signing key into the database. Where several servers share one, those that run learn
// of it within account.KeyRead.
func (c *rotateCommand) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	if err := needShop(c.storeFlags); err != nil {
		return err
	}
	s, err := openDatabase(ctx, c.storeFlags, log)
	if err != nil {
		return err
	}
	turn, said := account.TurnKeys, fmt.Sprintf("A new key is announced; it signs in %v. What was signed until then opens until the next turn.", account.KeyNotice)
	if c.Cut {
		turn, said = account.CutKeys, "Two new keys are in force. Nothing signed before opens any more."
	}
	if err := turn(ctx, s.db, "command"); err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Fprintln(out, said)
	return s.Close()
}
