package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/payout"
)

// registerMoney adds the balances and books of API.md §8.
func (a *API) registerMoney() {
	if a.deps.Payouts == nil {
		return
	}
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/balance", Who: Brand, Scope: account.MoneyRead, Tag: "money", Summary: "What the books hold for a brand"}, a.brandBalance)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/balance/entries", Who: Brand, Scope: account.MoneyRead, Tag: "money", Summary: "The transfers behind a brand's balance, newest first"}, a.brandEntries)
	register(a, Route{Method: http.MethodGet, Path: "/ledger/accounts", Who: Operator, Scope: account.MoneyRead, Tag: "money", Summary: "The accounts of the books"}, a.ledgerAccounts)
	register(a, Route{Method: http.MethodGet, Path: "/ledger/accounts/{name}/entries", Who: Operator, Scope: account.MoneyRead, Tag: "money", Summary: "The entries of one account, newest first"}, a.ledgerEntries)
	if a.deps.Orders != nil {
		register(a, Route{Method: http.MethodGet, Path: "/ledger/check", Who: Operator, Scope: account.MoneyRead, Tag: "money", Summary: "Prove the books, the same as mezzo check"}, a.ledgerCheck)
	}
}

func (a *API) brandBalance(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
}) (*Output[payout.Balance], error) {
	return answered(a.deps.Payouts.Brand(ctx, asker(ctx), in.ID))
}

func (a *API) brandEntries(ctx context.Context, in *struct {
	ID      id.Brand `path:"id"`
	Account string   `query:"account" enum:"pending,available,held,reserve" default:"pending"`
	List
}) (*PageOutput[ledger.Entry], error) {
	from, err := in.text()
	if err != nil {
		return nil, err
	}
	s, err := a.deps.Payouts.Entries(ctx, asker(ctx), in.ID, in.Account, from, in.Limit)
	return pageFrom(s.Entries, s.Next, err)
}

func (a *API) ledgerAccounts(ctx context.Context, in *struct {
	Prefix string `query:"prefix" maxLength:"100" doc:"Only accounts whose names begin so"`
	List
}) (*PageOutput[ledger.Balance], error) {
	from, err := in.text()
	if err != nil {
		return nil, err
	}
	list, next, err := a.deps.Payouts.Book(ctx, asker(ctx), in.Prefix, from, in.Limit)
	return pageFrom(list, next, err)
}

func (a *API) ledgerEntries(ctx context.Context, in *struct {
	Name ledger.Account `path:"name" maxLength:"200"`
	List
}) (*PageOutput[ledger.Entry], error) {
	from, err := in.text()
	if err != nil {
		return nil, err
	}
	s, err := a.deps.Payouts.Account(ctx, asker(ctx), in.Name, from, in.Limit)
	return pageFrom(s.Entries, s.Next, err)
}

func (a *API) ledgerCheck(ctx context.Context, _ *None) (*Output[ledger.Report], error) {
	report, err := a.deps.Orders.Check(ctx)
	if err != nil || a.deps.Samples == nil {
		return answered(report, err)
	}
	broken, _, err := a.deps.Samples.Check(ctx)
	report.Problems = append(report.Problems, broken...)
	report.Balanced = len(report.Problems) == 0
	return answered(report, err)
}

// text returns the one part of the cursor, "" for the first page.
func (l List) text() (string, error) {
	parts, err := l.parts(1)
	if err != nil || len(parts) == 0 {
		return "", err
	}
	return parts[0], nil
}

// pageFrom answers with a page whose use made the cursor itself.
func pageFrom[T any](items []T, next string, err error) (*PageOutput[T], error) {
	if err != nil {
		return nil, err
	}
	out := whole(items)
	if next != "" {
		c := cursor(next)
		out.Body.Next = &c
	}
	return out, nil
}
