package db

import "context"

type faulty struct{}

// WithFault returns a context under which every statement of a transaction asks f first, reads too, whoever
// runs it; the error f returns is the statement's. A test stops a program with it between any two of its
// statements, as a crash would; nothing else has a use for it.
func WithFault(ctx context.Context, f func() error) context.Context {
	return context.WithValue(ctx, faulty{}, f)
}

func faultOf(ctx context.Context) func() error {
	f, _ := ctx.Value(faulty{}).(func() error)
	return f
}
