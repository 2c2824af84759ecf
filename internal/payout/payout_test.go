package payout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

func TestAPayoutArrives(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(100_00, 25_00)
		h.known()
		dst := must(h.AddDestination(ctx, h.maker, h.makers(), right, bank))(t)
		got := must(h.Ask(ctx, h.maker, h.makers(), usd(20_00), dst.ID))(t)
		if got.State != payout.Confirmed || got.Net != usd(20_00) || got.Label != "Lone Star ·· 6789" || got.Reference == "" || got.SettledAt == nil {
			t.Errorf("%+v", got)
		}
		if left := h.balance(ledger.CreatorAvailable(h.creator)); left != 5_00 {
			t.Errorf("%d is left", left)
		}
		if list := must(h.List(ctx, h.maker, h.makers(), "", 10))(t); len(list) != 1 || list[0].ID != got.ID {
			t.Errorf("the list: %+v", list)
		}
		_, err := h.Ask(ctx, h.maker, h.makers(), usd(9_99), dst.ID)
		refused(t, err, fault.Invalid, "")
		_, err = h.Ask(ctx, h.maker, h.makers(), usd(10_00), dst.ID)
		refused(t, err, fault.Conflict, "insufficient_balance")
		brand := must(h.AddDestination(ctx, h.owner, h.brands(), right, bank))(t)
		if got := must(h.Ask(ctx, h.owner, h.brands(), usd(100_00), brand.ID))(t); got.State != payout.Confirmed {
			t.Errorf("the brand's: %+v", got)
		}
		h.sound()
	})
}

func TestWhoIsNotPaid(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(100_00, 25_00)
		ask := func() error { _, err := h.Ask(ctx, h.maker, h.makers(), usd(10_00), "dst_any"); return err }
		refused(t, ask(), fault.Conflict, "payee_incomplete")
		if v := must(h.Payee(ctx, h.maker, h.makers()))(t); !v.Asked || v.Complete || len(v.Missing) == 0 {
			t.Errorf("after the first sale: %+v", v)
		}
		half := ada
		half.TaxID = ""
		if v := must(h.PutPayee(ctx, h.maker, h.makers(), 0, half))(t); v.Complete || len(v.Missing) != 1 || v.Missing[0] != "tax_id" {
			t.Errorf("half filled in: %+v", v)
		}
		refused(t, ask(), fault.Conflict, "payee_incomplete")
		h.known()
		h.exec(`UPDATE accounts SET over_18 = 0 WHERE id = 'acc_maker'`)
		refused(t, ask(), fault.Conflict, "age_not_stated")
		h.exec(`UPDATE accounts SET over_18 = 1, standing = 'removed' WHERE id = 'acc_maker'`)
		refused(t, ask(), fault.Forbidden, "account_removed")
		h.exec(`UPDATE accounts SET standing = 'visible' WHERE id = 'acc_maker'`)
		h.must(ask())
		h.exec(`INSERT INTO brand_members (brand_id, account_id, role, created_at) VALUES ($1, 'acc_owner', 'owner', 1), ($1, 'acc_op0', 'staff', 1)`, string(h.brand))
		h.exec(`UPDATE accounts SET over_18 = 0 WHERE id = 'acc_owner'`)
		sells := func() error { _, err := h.Ask(ctx, h.owner, h.brands(), usd(10_00), "dst_any"); return err }
		refused(t, sells(), fault.Conflict, "age_not_stated")
		if v := must(h.Payee(ctx, h.owner, h.brands()))(t); v.Over18 {
			t.Error("a brand whose owner is not known to be of age reads that it is")
		}
		h.exec(`UPDATE accounts SET over_18 = 1 WHERE id = 'acc_owner'`)
		h.must(sells())
		for name, who := range map[string]account.Asker{"nobody": {}, "a shopper": {Account: "acc_x"}, "another creator": {Account: "acc_y", Creator: id.Creator("").Next(h.clock.Now())},
			"an operator": h.ops[0], "staff": {Account: "acc_s", Brands: map[id.Brand]account.Role{h.brand: account.Staff}}} {
			for _, o := range []payout.Owner{h.makers(), h.brands()} {
				_, err := h.Ask(ctx, who, o, usd(10_00), "dst_any")
				if k := fault.KindOf(err); k != fault.Missing && k != fault.Forbidden && k != fault.Unauthorized {
					t.Errorf("%s pays %s out: %v", name, o, err)
				}
				_, err = h.Payee(ctx, who, o)
				if k := fault.KindOf(err); k != fault.Missing && k != fault.Forbidden && k != fault.Unauthorized {
					t.Errorf("%s reads who %s is: %v", name, o, err)
				}
				_, err = h.AddDestination(ctx, who, o, right, bank)
				if k := fault.KindOf(err); k != fault.Missing && k != fault.Forbidden && k != fault.Unauthorized {
					t.Errorf("%s adds a place to %s: %v", name, o, err)
				}
			}
		}
		h.sound()
	})
}

func TestANewPlaceCoolsOff(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(100_00, 100_00)
		h.known()
		_, err := h.AddDestination(ctx, h.maker, h.makers(), "wrong", bank)
		refused(t, err, fault.Forbidden, "wrong_password")
		first := must(h.AddDestination(ctx, h.maker, h.makers(), right, bank))(t)
		_, err = h.AddDestination(ctx, h.maker, h.makers(), right, bank)
		refused(t, err, fault.Conflict, "destination_known")
		other := bank
		other.Number = "99887766"
		second := must(h.AddDestination(ctx, h.maker, h.makers(), right, other))(t)
		must(h.Ask(ctx, h.maker, h.makers(), usd(10_00), first.ID))(t)
		_, err = h.Ask(ctx, h.maker, h.makers(), usd(10_00), second.ID)
		refused(t, err, fault.Conflict, "destination_cooling_off")
		_, err = h.Ask(ctx, h.owner, h.brands(), usd(10_00), first.ID)
		refused(t, err, fault.Missing, "")
		h.clock.Advance(payout.CoolingOff - time.Second)
		_, err = h.Ask(ctx, h.maker, h.makers(), usd(10_00), second.ID)
		refused(t, err, fault.Conflict, "destination_cooling_off")
		h.clock.Advance(time.Second)
		must(h.Ask(ctx, h.maker, h.makers(), usd(10_00), second.ID))(t)
		// Taking the first away and adding another makes that no first one.
		h.must(h.RemoveDestination(ctx, h.maker, h.makers(), first.ID))
		h.must(h.RemoveDestination(ctx, h.maker, h.makers(), second.ID))
		third := must(h.AddDestination(ctx, h.maker, h.makers(), right, bank))(t)
		_, err = h.Ask(ctx, h.maker, h.makers(), usd(10_00), third.ID)
		refused(t, err, fault.Conflict, "destination_cooling_off")
	})
}

func TestAPayoutFailsComesLateAndComesBack(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(0, 100_00)
		h.known()
		failing := bank
		failing.Number = "fail-1"
		dst := must(h.AddDestination(ctx, h.maker, h.makers(), right, failing))(t)
		got := must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), dst.ID))(t)
		if got.State != payout.Failed || got.Failure == "" || h.balance(ledger.CreatorAvailable(h.creator)) != 100_00 {
			t.Errorf("refused: %+v", got)
		}
		_, err := h.Ask(ctx, h.maker, h.makers(), usd(40_00), dst.ID)
		refused(t, err, fault.Conflict, "destination_flagged")
		_, err = h.ConfirmDestination(ctx, h.maker, h.makers(), dst.ID, "wrong")
		refused(t, err, fault.Forbidden, "wrong_password")
		must(h.ConfirmDestination(ctx, h.maker, h.makers(), dst.ID, right))(t)
		if got := must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), dst.ID))(t); got.State != payout.Failed {
			t.Errorf("it fails again: %+v", got)
		}
		slow := must(h.Ask(ctx, h.maker, h.makers(), usd(40_00), "dst_slow"))(t)
		if slow.State != payout.Sent || slow.SentAt == nil || slow.SettledAt != nil {
			t.Errorf("on its way: %+v", slow)
		}
		h.sweep(time.Minute)
		if now := must(h.One(ctx, h.maker, h.makers(), slow.ID))(t); now.State != payout.Sent {
			t.Errorf("a minute later: %+v", now)
		}
		h.sweep(time.Hour)
		if now := must(h.One(ctx, h.maker, h.makers(), slow.ID))(t); now.State != payout.Confirmed {
			t.Errorf("an hour later: %+v", now)
		}
		back := must(h.Ask(ctx, h.maker, h.makers(), usd(30_00), "dst_return"))(t)
		if back.State != payout.Confirmed || h.balance(ledger.CreatorAvailable(h.creator)) != 30_00 {
			t.Errorf("arrived: %+v", back)
		}
		h.sweep(49 * time.Hour)
		if now := must(h.One(ctx, h.maker, h.makers(), back.ID))(t); now.State != payout.Returned || now.Failure != "The account was closed." || h.balance(ledger.CreatorAvailable(h.creator)) != 60_00 {
			t.Errorf("came back: %+v, %d", now, h.balance(ledger.CreatorAvailable(h.creator)))
		}
		h.sound()
	})
}

func TestFourEyes(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(9_000_00, 7_000_00)
		h.known()
		must(h.PutSettings(ctx, h.ops[0], 0, payout.Settings{Limits: nil, Approvals: 2}))(t)
		small := must(h.Ask(ctx, h.owner, h.brands(), usd(1_000_00), "dst_any"))(t)
		if small.State != payout.Confirmed {
			t.Errorf("below the limit: %+v", small)
		}
		big := must(h.Ask(ctx, h.owner, h.brands(), usd(5_000_01), "dst_any"))(t)
		if big.State != payout.Created || !big.Waiting || h.balance(ledger.BrandAvailable(h.brand)) != 2_999_99 {
			t.Errorf("above the limit: %+v", big)
		}
		h.sweep(time.Hour)
		list := must(h.Find(ctx, h.ops[0], payout.WaitApproval, "", 10))(t)
		if len(list) != 1 || list[0].To != "Kiln" || list[0].Approvals != 2 {
			t.Errorf("waiting: %+v", list)
		}
		staff := h.ops[2]
		staff.Brands = map[id.Brand]account.Role{h.brand: account.Staff}
		_, err := h.Approve(ctx, staff, big.ID, true, "")
		refused(t, err, fault.Forbidden, "own_payout")
		token := h.ops[0]
		token.Token = "tok_x"
		_, err = h.Approve(ctx, token, big.ID, true, "")
		refused(t, err, fault.Forbidden, "")
		_, err = h.Approve(ctx, h.owner, big.ID, true, "")
		refused(t, err, fault.Missing, "")
		if now := must(h.Approve(ctx, h.ops[0], big.ID, true, ""))(t); now.State != payout.Created || now.Approved != 1 {
			t.Errorf("one of two: %+v", now)
		}
		_, err = h.Approve(ctx, h.ops[0], big.ID, true, "")
		refused(t, err, fault.Conflict, "already_voted")
		if now := must(h.Approve(ctx, h.ops[1], big.ID, true, "Looks right."))(t); now.State != payout.Confirmed || len(now.Votes) != 2 {
			t.Errorf("two of two: %+v", now)
		}
		other := must(h.Ask(ctx, h.maker, h.makers(), usd(6_000_00), "dst_any"))(t)
		_, err = h.Approve(ctx, h.ops[0], other.ID, false, "")
		refused(t, err, fault.Invalid, "")
		if now := must(h.Approve(ctx, h.ops[0], other.ID, false, "Sales look made up."))(t); now.State != payout.Failed || h.balance(ledger.CreatorAvailable(h.creator)) != 7_000_00 {
			t.Errorf("declined: %+v", now)
		}
		_, err = h.Approve(ctx, h.ops[1], other.ID, true, "")
		refused(t, err, fault.Conflict, "wrong_state")
		h.sound()
	})
}

func TestTaxIsWithheld(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(0, 100_00)
		h.known()
		must(h.PutSettings(ctx, h.ops[0], 0, payout.Settings{Approvals: 2, Withhold: []payout.Withholding{{Country: "US", Rate: 1000, Jurisdiction: "US", From: "creators"}}}))(t)
		got := must(h.Ask(ctx, h.maker, h.makers(), usd(100_00), "dst_return"))(t)
		if got.Net != usd(90_00) || got.Withheld != usd(10_00) || h.balance(ledger.Withheld("US")) != 10_00 || h.balance(ledger.Clearing("sandbox")) != 10_00 {
			t.Errorf("withheld: %+v", got)
		}
		h.sound()
		states := func(movements int, withheld money.Amount) {
			t.Helper()
			s := must(h.Statement(ctx, h.maker, h.makers(), "USD", h.clock.Now().Add(-7*24*time.Hour), h.clock.Now().Add(time.Second)))(t)
			if last := s.Movements[len(s.Movements)-1]; len(s.Movements) != movements || last.Withheld == nil || s.Withheld == nil || *s.Withheld != withheld {
				t.Errorf("%d movements, withheld %v; the last %+v", len(s.Movements), s.Withheld, last)
			}
			if !strings.Contains(s.CSV(), ",,10.00\r\n") {
				t.Errorf("the sheet says nothing of the tax:\n%s", s.CSV())
			}
		}
		states(4, usd(10_00))
		h.sweep(49 * time.Hour)
		states(5, usd(0))
		if h.balance(ledger.Withheld("US")) != 0 || h.balance(ledger.CreatorAvailable(h.creator)) != 100_00 {
			t.Error("what came back is not whole")
		}
		_, err := h.PutSettings(ctx, h.ops[0], 7, payout.Settings{})
		refused(t, err, fault.Stale, "")
		_, err = h.PutSettings(ctx, h.owner, 0, payout.Settings{})
		refused(t, err, fault.Missing, "")
		h.sound()
	})
}

// What is owed is taken first, and whoever still owes is not paid.
func TestDebtsComeFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(50_00, 30_00)
		h.known()
		h.owe(h.makers(), 20_00)
		_, err := h.Ask(ctx, h.maker, h.makers(), usd(30_00), "dst_any")
		refused(t, err, fault.Conflict, "insufficient_balance")
		got := must(h.Ask(ctx, h.maker, h.makers(), usd(10_00), "dst_any"))(t)
		if got.State != payout.Confirmed || h.balance(ledger.CreatorOwes(h.creator)) != 0 || h.balance(ledger.CreatorAvailable(h.creator)) != 0 {
			t.Errorf("%+v, owes %d", got, h.balance(ledger.CreatorOwes(h.creator)))
		}
		h.owe(h.brands(), 60_00)
		_, err = h.Ask(ctx, h.owner, h.brands(), usd(10_00), "dst_any")
		refused(t, err, fault.Conflict, "balance_owed")
	})
}

func TestSchedules(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.earn(50_00, 8_00)
		_, err := h.PutSchedule(ctx, h.owner, h.brands(), payout.Schedule{Every: "daily"})
		refused(t, err, fault.Invalid, "")
		_, err = h.PutSchedule(ctx, h.owner, h.brands(), payout.Schedule{Every: payout.EveryWeek})
		refused(t, err, fault.Invalid, "")
		s := must(h.PutSchedule(ctx, h.owner, h.brands(), payout.Schedule{Every: payout.EveryWeek, Destination: "dst_any"}))(t)
		if s.NextAt == nil || s.NextAt.Weekday() != time.Monday || s.NextAt.Hour() != 6 {
			t.Errorf("%+v", s)
		}
		must(h.PutSchedule(ctx, h.maker, h.makers(), payout.Schedule{Every: payout.EveryMonth, Destination: "dst_any"}))(t)
		h.sweep(7 * 24 * time.Hour)
		if s = must(h.Schedule(ctx, h.owner, h.brands()))(t); s.Note == "" || h.balance(ledger.BrandAvailable(h.brand)) != 50_00 {
			t.Errorf("without a payee: %+v", s)
		}
		h.known()
		h.sweep(7 * 24 * time.Hour)
		if s = must(h.Schedule(ctx, h.owner, h.brands()))(t); s.Note != "" || h.balance(ledger.BrandAvailable(h.brand)) != 0 {
			t.Errorf("with one: %+v", s)
		}
		h.sweep(31 * 24 * time.Hour)
		if left := h.balance(ledger.CreatorAvailable(h.creator)); left != 8_00 {
			t.Errorf("below the minimum: %d left", left)
		}
		list := must(h.List(ctx, h.owner, h.brands(), "", 10))(t)
		if len(list) != 1 || !list[0].Scheduled || list[0].State != payout.Confirmed {
			t.Errorf("%+v", list)
		}
		h.sound()
	})
}

// An owner whose payout cannot be made holds up none of those paid in the same run.
func TestABadScheduleHoldsUpNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.known()
		h.earn(60_00, 40_00)
		must(h.PutSchedule(ctx, h.owner, h.brands(), payout.Schedule{Every: payout.EveryWeek, Destination: "dst_any"}))(t)
		must(h.PutSchedule(ctx, h.maker, h.makers(), payout.Schedule{Every: payout.EveryWeek, Destination: "dst_any"}))(t)
		for i := range 50 { // so many are under way that no more is made
			h.exec(`INSERT INTO payouts (id, owner, rail, destination_id, label, currency, amount_minor, withheld_minor, jurisdiction, state, approvals, scheduled, asked_by, created_at, updated_at) VALUES ($1, $2, 'sandbox', 'dst_any', '', 'USD', 1, 0, '', 'sent', 0, 0, 'x', 1, 1)`,
				fmt.Sprintf("pot_%d", i), string(h.brands()))
		}
		h.clock.Advance(8 * 24 * time.Hour)
		if err := h.Sweep(ctx); err == nil || !strings.Contains(err.Error(), "50 payouts are under way") {
			t.Errorf("the run says %v", err)
		}
		if left := h.balance(ledger.CreatorAvailable(h.creator)); left != 0 {
			t.Errorf("%d of the creator's were not paid out", left)
		}
		if left := h.balance(ledger.BrandAvailable(h.brand)); left != 60_00 {
			t.Errorf("the brand has %d left, and nothing could go", left)
		}
		h.exec(`UPDATE payouts SET state = 'confirmed', settled_at = 1 WHERE amount_minor = 1`)
		h.sweep(time.Minute)
		if left := h.balance(ledger.BrandAvailable(h.brand)); left != 0 {
			t.Errorf("%d of the brand's are left once there is room", left)
		}
		h.sound()
	})
}

// A run in groups leaves the payouts and balances that a run one by one leaves.
func TestGroupedSchedulesEqualOneByOne(t *testing.T) {
	run := func(h *house, groups int) (text string) {
		h.InGroupsOf(groups)
		h.known()
		h.earn(60_00, 40_00)
		h.must(h.d.Write(ctx, func(tx *db.Tx) error { return h.sell(tx, "EUR", 30_00, 20_00) }))
		h.owe(h.makers(), 5_00)
		must(h.PutSchedule(ctx, h.owner, h.brands(), payout.Schedule{Every: payout.EveryWeek, Destination: "dst_any"}))(h.t)
		must(h.PutSchedule(ctx, h.maker, h.makers(), payout.Schedule{Every: payout.EveryWeek, Destination: "dst_any"}))(h.t)
		h.sweep(8 * 24 * time.Hour)
		for _, x := range []struct {
			who account.Asker
			of  payout.Owner
		}{{h.owner, h.brands()}, {h.maker, h.makers()}} {
			list := must(h.List(ctx, x.who, x.of, "", 50))(h.t)
			slices.SortFunc(list, func(a, b payout.Payout) int { return strings.Compare(a.Amount.String(), b.Amount.String()) })
			for _, p := range list {
				text += fmt.Sprintln(p.State, p.Amount, p.Withheld, p.Scheduled, p.Approvals)
			}
			text += must(h.Schedule(ctx, x.who, x.of))(h.t).NextAt.String() + "\n"
		}
		for _, a := range []ledger.Account{h.brands().Purse().Available, h.makers().Purse().Available, h.makers().Purse().Owes} {
			text += fmt.Sprintln(h.balance(a))
		}
		h.sound()
		return text
	}
	d, c := dbtest.SQLite(t)
	want := run(open(t, d, c), 1)
	everywhere(t, func(t *testing.T, h *house) {
		if got := run(h, payout.ScheduleBatch); got != want {
			t.Errorf("in groups\n%s\none by one\n%s", got, want)
		}
	})
}
