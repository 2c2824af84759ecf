package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// registerPayoutDesk adds what the operator does about payouts.
func (a *API) registerPayoutDesk() {
	if a.deps.Payouts == nil {
		return
	}
	route := func(method, path string, scope account.Scope, summary string) Route {
		return Route{Method: method, Path: "/operator" + path, Who: Operator, Scope: scope, Tag: "operator", Summary: summary}
	}
	status := func(r Route, s int) Route { r.Status = s; return r }
	register(a, route(http.MethodGet, "/payouts", account.MoneyRead, "Payouts: all, or those that wait for approval, the rail, or are in trouble"), a.allPayouts)
	register(a, status(route(http.MethodPost, "/payouts/{payout}/approval", "", "Approve or decline a payout above the limit; two operators must agree, neither of them its owner"), 200), a.approvePayout)
	if a.deps.Payouts.Reverses() {
		register(a, status(route(http.MethodPost, "/payouts/{payout}/take_back", "", "Take back a payout that has arrived, where its rail can: a transfer at Stripe"), 200), a.takeBackPayout)
	}
	register(a, status(route(http.MethodPost, "/payout_batches", "", "Put the payouts that wait for the bank into a file, and note them as sent"), 201), a.handPayouts)
	register(a, route(http.MethodGet, "/payout_batches", account.MoneyRead, "The files handed to the bank, newest first"), a.payoutBatches)
	file := route(http.MethodGet, "/payout_batches/{batch}", "", "What a file holds; with ?format=csv the file itself, the same whenever it is asked for")
	file.Gives = batchView{}
	a.raw(file, a.payoutFile)
	results := status(route(http.MethodPost, "/payout_results", "", "Read a CSV of what came of payouts: payout_id,state,amount,currency,reference,reason"), 200)
	results.MaxBody, results.Gives, results.Idempotency = payout.MaxResults, payout.Results{}, Ignored // a line applies once, however often it is read
	results.Description = "The CSV as the body, text/csv. Each line is taken by itself: applied once, repeated without effect, or refused with the reason and kept on the list of unmatched lines."
	a.raw(results, a.payoutResults)
	preview := results
	preview.Path, preview.Summary = "/operator/payout_results/preview", "Say what a CSV of results would do, line by line, and change nothing"
	preview.Description = "The CSV as the body, text/csv; answers as payout_results would."
	a.raw(preview, a.previewResults)
	register(a, route(http.MethodGet, "/payout_unmatched", account.MoneyRead, "Lines of files of results that fit no payout"), a.unmatched)
	register(a, route(http.MethodDelete, "/payout_unmatched/{line}", "", "Take a line off the list: it was dealt with"), a.settleUnmatched)
	register(a, route(http.MethodGet, "/payout_settings", account.MoneyRead, "Minimums, approval limits and withholding in force"), a.payoutSettings)
	register(a, route(http.MethodPut, "/payout_settings", "", "Put others in force, for payouts asked for from now on"), a.putPayoutSettings)
	register(a, route(http.MethodGet, "/solvency", account.MoneyRead, "What is owed to whom, and who holds the money"), a.solvency)
	register(a, route(http.MethodGet, "/reconciliation", account.MoneyRead, "Where the payment provider and the books differ, and when that was last looked at"), a.differences)
	compare := status(route(http.MethodPost, "/reconciliation", "", "Compare provider and books now"), 200)
	compare.Idempotency = Ignored // it looks, and what it finds is as of now
	register(a, compare, a.reconcile)
	register(a, status(route(http.MethodPost, "/reconciliation/notes", "", "Say how a difference was dealt with; it leaves the list until either side changes"), 201), a.settleDifference)
	register(a, route(http.MethodGet, "/settlements", account.MoneyRead, "What the provider has paid to our bank, newest first"), a.settlements)
	register(a, status(route(http.MethodPost, "/settlements", "", "Note what the provider has paid to our bank: manual payouts are paid from there"), 201), a.settleToBank)
	register(a, route(http.MethodGet, "/debts", account.MoneyRead, "Who owes the platform something, and what of theirs is still held"), a.debts)
	register(a, route(http.MethodGet, "/write_offs", account.MoneyRead, "Debts that were given up, or are proposed to be, newest first"), a.writeOffs)
	off := status(route(http.MethodPost, "/write_offs", "", "Give up a debt of a brand or creator, or part of it: at most what is owed"), 201)
	off.Idempotency = Required
	off.Description = "It is booked at once: bad debt for the platform, and nothing of it is recovered later. Above the approval limit of the payout settings it waits until another operator agrees."
	register(a, off, a.writeOff)
	register(a, status(route(http.MethodPost, "/write_offs/{write_off}/decision", "", "Agree to a write-off above the limit, or decline it; another operator than the one who proposed it"), 200), a.decideWriteOff)
	register(a, route(http.MethodGet, "/exchanges", account.MoneyRead, "Own money that our bank has changed into another currency, newest first"), a.exchanges)
	register(a, status(route(http.MethodPost, "/exchanges", "", "Note own money that our bank has changed into another currency: both sides are booked, or neither"), 201), a.exchange)
	years := route(http.MethodGet, "/payees/{year}", "", "Yearly totals of every payee, for tax offices: ?form=1099k or dac7, ?format=json or csv")
	years.Gives = Page[payout.Year]{}
	a.raw(years, a.payeeYears)
}

func (a *API) allPayouts(ctx context.Context, in *struct {
	List
	Waiting payout.Waits `query:"waiting" enum:"approval,rail,trouble" doc:"Leave it out for all"`
}) (*PageOutput[payout.Seen], error) {
	from, err := after[id.Payout](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Payouts.Find(ctx, asker(ctx), in.Waiting, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(s payout.Seen) string { return string(s.ID) }), nil
}

func (a *API) approvePayout(ctx context.Context, in *struct {
	Payout id.Payout `path:"payout"`
	Body   struct {
		Approve bool   `json:"approve"`
		Reason  string `json:"reason,omitempty" maxLength:"200" doc:"Needed to decline: its owner reads it"`
	}
}) (*Output[payout.Seen], error) {
	return answered(a.deps.Payouts.Approve(ctx, asker(ctx), in.Payout, in.Body.Approve, in.Body.Reason))
}

func (a *API) takeBackPayout(ctx context.Context, in *struct {
	Payout id.Payout `path:"payout"`
	Body   struct {
		Reason string `json:"reason" maxLength:"200" doc:"Its owner reads it"`
	}
}) (*Output[payout.Seen], error) {
	return answered(a.deps.Payouts.TakeBack(ctx, asker(ctx), in.Payout, in.Body.Reason))
}

func (a *API) handPayouts(ctx context.Context, _ *None) (*Output[payout.Batch], error) {
	return answered(a.deps.Payouts.Hand(ctx, asker(ctx)))
}

func (a *API) payoutBatches(ctx context.Context, in *struct{ List }) (*PageOutput[payout.Batch], error) {
	from, err := after[id.Batch](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Payouts.Batches(ctx, asker(ctx), from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(b payout.Batch) string { return string(b.ID) }), nil
}

type batchView struct {
	payout.Batch
	Payouts []payout.Seen `json:"items" nullable:"false"`
}

func (a *API) payoutFile(w http.ResponseWriter, r *http.Request) error {
	batch := r.PathValue("batch")
	if !wantsCSV(r) {
		b, list, err := a.deps.Payouts.Batch(r.Context(), asker(r.Context()), id.Batch(batch))
		if err != nil {
			return err
		}
		return sendJSON(w, batchView{b, list})
	}
	text, err := a.deps.Payouts.File(r.Context(), asker(r.Context()), id.Batch(batch))
	if err != nil {
		return err
	}
	return sendCSV(w, "payouts-"+batch+".csv", text)
}

func (a *API) payoutResults(w http.ResponseWriter, r *http.Request) error {
	return resultsWith(w, r, a.deps.Payouts.Read)
}

func (a *API) previewResults(w http.ResponseWriter, r *http.Request) error {
	return resultsWith(w, r, a.deps.Payouts.Preview)
}

func resultsWith(w http.ResponseWriter, r *http.Request, take func(context.Context, account.Asker, []byte) (payout.Results, error)) error {
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, payout.MaxResults))
	if err != nil {
		return fault.Wrap(fault.TooLarge, err, "A file of results has at most 1 MB.")
	}
	out, err := take(r.Context(), asker(r.Context()), file)
	if err != nil {
		return err
	}
	return sendJSON(w, out)
}

func (a *API) unmatched(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"100"`
}) (*PageOutput[payout.Unmatched], error) {
	list, err := a.deps.Payouts.UnmatchedLines(ctx, asker(ctx), in.Limit)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) settleUnmatched(ctx context.Context, in *struct {
	Line id.Notice `path:"line"`
}) (*None, error) {
	return nil, a.deps.Payouts.SettleUnmatched(ctx, asker(ctx), in.Line)
}

func (a *API) payoutSettings(ctx context.Context, _ *None) (*Tagged[payout.SettingsView], error) {
	v, err := a.deps.Payouts.Settings(ctx, asker(ctx))
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, v), nil
}

func (a *API) putPayoutSettings(ctx context.Context, in *struct {
	Match
	Body payout.Settings
}) (*Tagged[payout.SettingsView], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	v, err := a.deps.Payouts.PutSettings(ctx, asker(ctx), match, in.Body)
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, v), nil
}

func (a *API) solvency(ctx context.Context, _ *None) (*PageOutput[payout.Solvency], error) {
	list, err := a.deps.Payouts.Solvency(ctx, asker(ctx))
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

type reconciliationView struct {
	Last  payout.Comparison   `json:"last"`
	Items []payout.Difference `json:"items" nullable:"false"`
}

func (a *API) differences(ctx context.Context, in *struct {
	Settled bool `query:"settled" doc:"Those dealt with, or agreed since"`
	Limit   int  `query:"limit" minimum:"1" maximum:"100" default:"100"`
}) (*Output[reconciliationView], error) {
	list, last, err := a.deps.Payouts.Differences(ctx, asker(ctx), in.Settled, in.Limit)
	return answered(reconciliationView{last, list}, err)
}

func (a *API) reconcile(ctx context.Context, _ *None) (*Output[payout.Comparison], error) {
	return answered(a.deps.Payouts.Reconcile(ctx, asker(ctx)))
}

func (a *API) settleDifference(ctx context.Context, in *struct {
	Body struct {
		payout.Mark
		Note string `json:"note" maxLength:"300" doc:"How it was dealt with"`
	}
}) (*Output[payout.DifferenceNote], error) {
	return answered(a.deps.Payouts.SettleDifference(ctx, asker(ctx), in.Body.Mark, in.Body.Note))
}

func (a *API) settlements(ctx context.Context, in *struct{ List }) (*PageOutput[payout.Settlement], error) {
	from, err := after[id.Settlement](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Payouts.Settlements(ctx, asker(ctx), from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(s payout.Settlement) string { return string(s.ID) }), nil
}

func (a *API) settleToBank(ctx context.Context, in *struct {
	Body struct {
		Amount    money.Amount `json:"amount"`
		Reference string       `json:"reference" maxLength:"100" doc:"The bank's own name for the line"`
	}
}) (*Output[payout.Settlement], error) {
	return answered(a.deps.Payouts.Settle(ctx, asker(ctx), in.Body.Amount, in.Body.Reference))
}

func (a *API) exchanges(ctx context.Context, in *struct{ List }) (*PageOutput[payout.Exchange], error) {
	from, err := after[id.Exchange](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Payouts.Exchanges(ctx, asker(ctx), from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(x payout.Exchange) string { return string(x.ID) }), nil
}

func (a *API) exchange(ctx context.Context, in *struct {
	Body struct {
		Out       money.Amount `json:"out" doc:"What left the bank's account in one currency: own money, no more than it holds"`
		In        money.Amount `json:"in" doc:"What came to the one in the other"`
		On        string       `json:"on" maxLength:"10" example:"2026-11-23" doc:"The day on the bank's statement"`
		Reference string       `json:"reference" maxLength:"100" doc:"The bank's own name for it"`
	}
}) (*Output[payout.Exchange], error) {
	return answered(a.deps.Payouts.Exchange(ctx, asker(ctx), in.Body.Out, in.Body.In, in.Body.On, in.Body.Reference))
}

func (a *API) payeeYears(w http.ResponseWriter, r *http.Request) error {
	year, err := strconv.Atoi(r.PathValue("year"))
	if err != nil {
		year = 0
	}
	list, err := a.deps.Payouts.Years(r.Context(), asker(r.Context()), year)
	if err != nil {
		return err
	}
	if !wantsCSV(r) {
		return sendJSON(w, Page[payout.Year]{Items: list})
	}
	form := payout.Form(r.URL.Query().Get("form"))
	text, err := payout.YearsCSV(form, list)
	if err != nil {
		return err
	}
	return sendCSV(w, "payees-"+strconv.Itoa(year)+"-"+string(form)+".csv", text)
}

func wantsCSV(r *http.Request) bool {
	if f := r.URL.Query().Get("format"); f != "" {
		return f == "csv"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/csv")
}

func sendCSV(w http.ResponseWriter, name, text string) error {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "private, no-store")
	_, err := io.WriteString(w, text)
	return err
}

func sendJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-store")
	return json.NewEncoder(w).Encode(v)
}

func (a *API) debts(ctx context.Context, in *struct{ List }) (*PageOutput[payout.Debt], error) {
	parts, err := in.parts(1)
	if err != nil {
		return nil, err
	}
	list, next, err := a.deps.Payouts.Debts(ctx, asker(ctx), parts[0], in.Limit)
	return pageFrom(list, next, err)
}

func (a *API) writeOffs(ctx context.Context, in *struct{ List }) (*PageOutput[payout.WriteOff], error) {
	from, err := after[id.WriteOff](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Payouts.WriteOffs(ctx, asker(ctx), from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(w payout.WriteOff) string { return string(w.ID) }), nil
}

func (a *API) writeOff(ctx context.Context, in *struct{ Body payout.NewWriteOff }) (*Output[payout.WriteOff], error) {
	return answered(a.deps.Payouts.WriteOff(ctx, asker(ctx), in.Body))
}

func (a *API) decideWriteOff(ctx context.Context, in *struct {
	ID   id.WriteOff `path:"write_off"`
	Body struct {
		Approve bool   `json:"approve"`
		Reason  string `json:"reason,omitempty" maxLength:"300" doc:"Needed to decline"`
	}
}) (*Output[payout.WriteOff], error) {
	return answered(a.deps.Payouts.DecideWriteOff(ctx, asker(ctx), in.ID, in.Body.Approve, in.Body.Reason))
}
