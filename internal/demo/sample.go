package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"mezzo/internal/client"
)

// wish is a free sample that a creator asks for, and what comes of it on which days of the past. A video that tags the
// goods answers it by itself.
type wish struct {
	by         *creator
	goods      string // in the manifest
	note       string
	asked      int
	answered   int    // never: it waits
	refused    string // why; "": it is approved
	sent, came int    // never: not yet
}

// Days of samples beside those of the past.
const (
	never      = -1
	presentDay = Days // when it is over; what is sent then goes with a label
)

// wishes returns the samples of the demo: answered by a video, on its way, to be sent, waiting, refused, and one
// whose content did not come.
func (w *World) wishes() []wish {
	marisol, tomas, wren, bea, priya := w.creators[1], w.creators[2], w.creators[5], w.creators[7], w.creators[9]
	return []wish{
		{marisol, "pan", "I would fry one egg in it every morning for a week.", 3, 4, "", 4, 6},
		{wren, "teapot", "For a slow Sunday.", 3, 4, "", 4, 5},
		{priya, "mug", "Two steeps, two colours: I would like to show both.", 8, 9, "", 9, 11},
		{bea, "apron", "Mine has seen three summers.", 9, 10, "This season's linen is all given. Please ask again in March: we liked your market film.", never, never},
		{tomas, "board", "A launch deserves a loaf of its own.", 17, 18, "", never, never},
		{marisol, "knife", "Onions, a whole bag of them.", 18, 19, "", presentDay, never},
		{tomas, "knife", "To see whether it goes through a proper crust.", lastDay, never, "", never, never},
	}
}

// giveSamples does what a day brings to the samples.
func (w *World) giveSamples(ctx context.Context, today int) error {
	for _, x := range w.wishes() {
		if err := w.giveSample(ctx, x, today); err != nil {
			return fmt.Errorf("a sample of %s for %s: %w", x.goods, x.by.handle, err)
		}
	}
	return nil
}

func (w *World) giveSample(ctx context.Context, x wish, today int) error {
	at := slices.IndexFunc(w.brands, func(b *brand) bool { return slices.Contains(b.goods, x.goods) })
	b, key := w.brands[at], x.by.handle+" "+x.goods
	if today == x.asked {
		variant := w.product(x.goods).Variants[0]
		ask := map[string]any{"program_id": b.program, "variant_id": variant.ID, "note": x.note,
			"address": client.Address{Name: x.by.name, Line1: x.by.street, City: "Austin", Region: "TX", PostalCode: "78702", Country: "US"}}
		if b.samples["charged"] == true {
			ask["charge"] = variant.Price
		}
		var made client.ID
		if err := x.by.Call(ctx, http.MethodPost, "/api/v1/samples", ask, &made); err != nil {
			return err
		}
		w.samples[key] = made.ID
	}
	path := "/api/v1/samples/" + w.samples[key]
	if today == x.answered {
		if err := b.Call(ctx, http.MethodPost, path+"/decision", map[string]any{"approve": x.refused == "", "reason": x.refused}, nil); err != nil {
			return err
		}
	}
	if today == x.sent {
		if err := w.sendSample(ctx, b, path, today == presentDay); err != nil {
			return err
		}
	}
	if today == x.came {
		return x.by.Call(ctx, http.MethodPost, path+"/receipt", nil, nil)
	}
	return nil
}

// sendSample sends a sample with the platform's label, where that is wanted and what is ready for the brand pays for it;
// else the brand carries it.
func (w *World) sendSample(ctx context.Context, b *brand, path string, labelled bool) error {
	if labelled {
		err := b.Call(ctx, http.MethodPost, path+"/shipment", map[string]any{"label_rate_id": w.labels[smallParcel]}, nil)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != http.StatusConflict {
			return err
		}
	}
	return b.Call(ctx, http.MethodPost, path+"/shipment", map[string]any{"carrier": "Post", "tracking": "RS" + path[len(path)-8:]}, nil)
}
