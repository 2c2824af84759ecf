package metric_test

import (
	"github.com/google/uuid"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

// film is a video of the world.
type film struct {
	creator  id.Creator
	products []id.Product
	duration int64
}

// world is what there is to count for.
type world struct {
	brands   []id.Brand
	brandOf  map[id.Product]id.Brand
	products []id.Product
	creators []id.Creator
	rooms    []id.Room
	roomOf   map[id.Room]id.Creator
	list     []id.Video
	videos   map[id.Video]film
	programs []event.ProgramState
	viewers  []id.Viewer
	keys     []id.WriteKey
}

func newWorld(l *log, brands, products, creators, videos, viewers int) *world {
	w := &world{brandOf: map[id.Product]id.Brand{}, roomOf: map[id.Room]id.Creator{}, videos: map[id.Video]film{}}
	for range brands {
		w.brands = append(w.brands, id.Brand("").Next(l.now))
		w.keys = append(w.keys, id.WriteKey("").Next(l.now))
	}
	for i := range products {
		p := id.Product("").Next(l.now)
		w.products, w.brandOf[p] = append(w.products, p), w.brands[i%brands]
		l.fact(event.ProductCreated{ProductState: event.ProductState{Product: p, Brand: w.brandOf[p]}})
	}
	for range creators {
		c, r := id.Creator("").Next(l.now), id.Room("").Next(l.now)
		w.creators, w.rooms = append(w.creators, c), append(w.rooms, r)
		w.roomOf[r] = c
	}
	for i := range videos {
		v := id.Video("").Next(l.now)
		f := film{creator: w.creators[i%creators], duration: int64(1+i%4) * 5000}
		state := event.VideoState{Video: v, Creator: f.creator, DurationMS: f.duration}
		for j := range 1 + i%3 {
			p := w.products[(i+j)%products]
			f.products = append(f.products, p)
			state.Products, state.Brands = append(state.Products, p), append(state.Brands, w.brandOf[p])
		}
		w.list, w.videos[v] = append(w.list, v), f
		l.fact(event.VideoReady{VideoState: state})
	}
	w.programs = []event.ProgramState{{Program: id.Program("").Next(l.now), Brand: w.brands[0], AllProducts: true},
		{Program: id.Program("").Next(l.now), Brand: w.brandOf[w.products[len(w.products)-1]], Products: w.products[len(w.products)-1:]}}
	for _, p := range w.programs {
		l.fact(event.ProgramCreated{ProgramState: p})
	}
	for range viewers {
		w.viewers = append(w.viewers, id.Viewer("").Next(l.now))
	}
	return w
}

// entities are all that anything is counted for.
func (w *world) entities() (all []metric.Entity) {
	for _, b := range w.brands {
		all = append(all, metric.OfBrand(b), metric.OfBrandSite(b))
	}
	for _, p := range w.products {
		all = append(all, metric.OfProduct(p), metric.OfProductSite(p))
		for _, c := range w.creators {
			all = append(all, metric.OfCreatorProduct(c, p))
		}
	}
	for _, c := range w.creators {
		all = append(all, metric.OfCreator(c))
	}
	for _, r := range w.rooms {
		all = append(all, metric.OfRoom(r))
	}
	for _, v := range w.list {
		all = append(all, metric.OfVideo(v))
		for _, p := range w.videos[v].products {
			all = append(all, metric.OfVideoProduct(v, p))
		}
	}
	for _, p := range w.programs {
		all = append(all, metric.OfProgram(p.Program))
	}
	return all
}

func uuidOf(n uint64) (u uuid.UUID) {
	for i := range 8 {
		u[i] = byte(n >> (8 * i))
	}
	u[15] = 1
	return u
}
