package insight_test

import (
	"slices"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/metric"
)

func TestWhoMayReadWhichNumbers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c)
		unscoped := w.token
		unscoped.Scopes = account.Scopes{account.OrdersRead: true}
		of := map[string]account.Asker{"nobody": {Viewer: "vwr_x"}, "maker": w.maker, "other": w.other, "owner": w.owner, "token": w.token, "operator": w.operator, "unscoped": unscoped}
		for _, try := range []struct {
			what  string
			e     metric.Entity
			whose string // who may, besides operators
		}{
			{"the creator", metric.OfCreator(w.creator), "maker"},
			{"a creator's video", metric.OfVideo(w.video), "maker"},
			{"another creator", metric.OfCreator(w.rival), "other"},
			{"the brand", metric.OfBrand(w.brand), "owner token"},
			{"its product", metric.OfProduct(w.product), "owner token"},
			{"its own site", metric.OfBrandSite(w.brand), "owner token"},
			{"its product on its own site", metric.OfProductSite(w.product), "owner token"},
			{"its program", metric.OfProgram(w.program), "owner token"},
			{"another brand's product", metric.OfProduct(w.rivalProduct), "other"},
			{"what the creator does for the product", metric.OfCreatorProduct(w.creator, w.product), "maker owner token"},
			{"what the video does for the product", metric.OfVideoProduct(w.video, w.product), "maker owner token"},
			{"what the creator does for another brand", metric.OfCreatorProduct(w.creator, w.rivalProduct), "maker other"},
			{"what a rival's video does for the product", metric.OfVideoProduct(w.rivalVideo, w.product), "other owner token"},
			{"a brand that is none", metric.OfBrand(w.brand.Next(c.Now())), "-"},
			{"a video that is none, for the product", metric.OfVideoProduct(w.video.Next(c.Now()), w.product), "-"},
			{"a room", metric.OfRoom(id.Room("").Next(c.Now())), "-"},
		} {
			for name, who := range of {
				_, err := w.insight.Numbers(ctx, who, try.e, metric.Day)
				want := fault.Missing
				switch {
				case name == "nobody":
					want = fault.Unauthorized
				case name == "unscoped":
					want = fault.Forbidden
				case slices.Contains(strings.Fields(try.whose), name), name == "operator" && try.whose != "-":
					want = ""
				}
				if got := fault.KindOf(err); got != want {
					t.Errorf("%s for %s: %q, want %q (%v)", try.what, name, got, want, err)
				}
				_, err = w.insight.Series(ctx, who, try.e, insight.Span{})
				if got := fault.KindOf(err); got != want {
					t.Errorf("the series of %s for %s: %q, want %q", try.what, name, got, want)
				}
				s, err := w.insight.Subscribe(ctx, who, []insight.Topic{{Entity: try.e}}, "")
				if got := fault.KindOf(err); got != want {
					t.Errorf("a stream of %s for %s: %q, want %q", try.what, name, got, want)
				}
				if err == nil {
					s.Close()
				}
			}
		}
		for name, who := range of {
			want := map[string]fault.Kind{"operator": "", "nobody": fault.Unauthorized}
			kind, ok := want[name]
			if !ok {
				kind = fault.Missing
			}
			if _, err := w.insight.Rates(who); fault.KindOf(err) != kind {
				t.Errorf("%s asks for the rates of the machine: %v", name, err)
			}
			if _, err := w.insight.House(ctx, who); fault.KindOf(err) != kind {
				t.Errorf("the machine for %s: %v, want %q", name, err, kind)
			}
		}
	})
}
