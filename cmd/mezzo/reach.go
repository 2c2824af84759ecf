package main

import (
	"context"

	"mezzo/internal/reach"
)

// furnishReach opens the room of the ranking's policies, and writes down the one a new Mezzo begins with.
func (s *server) furnishReach(ctx context.Context) error {
	if err := reach.Declare(ctx, s.stores.db); err != nil {
		return err
	}
	s.rooms.reach = reach.New(s.stores.db, reach.Options{Log: s.stores.log})
	s.rooms.accounts.OnErase(reach.Erase)
	s.rooms.accounts.OnExport("reach_disputes", reach.Export)
	return nil
}
