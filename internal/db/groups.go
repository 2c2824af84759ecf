package db

import (
	"context"
	"errors"
	"slices"
)

// InGroups calls do, which runs a transaction, for groups of a list in turn, of at most size each. Where a group fails, do is
// called for each of it by itself: what is wrong with one is no other's harm, and is returned. Nothing more is
// begun when ctx has ended.
func InGroups[T any](ctx context.Context, list []T, size int, do func([]T) error) (err error) {
	for group := range slices.Chunk(list, size) {
		e := do(group)
		if e == nil {
			continue
		}
		if len(group) == 1 {
			err = errors.Join(err, e)
			continue
		}
		for i := range group {
			if ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			err = errors.Join(err, do(group[i:i+1:i+1]))
		}
	}
	return err
}
