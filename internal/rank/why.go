package rank

// Why says in plain words why the item of a slot is on the page, the strongest reason first; category
// is the name of its category for people, because the name of the video that brought it, "" where none did
// or it has no name.
func (p *Page) Why(slot Slot, category, because string) []string {
	if p.Control {
		return []string{"shown by chance, to measure the ranking against"}
	}
	c := &p.Candidates[slot.Candidate]
	var why []string
	if slot.Kind == Explore {
		why = append(why, "new: being tested")
	}
	together, intent, best := "watched together with what you watched", "like what you looked at to buy", "does well in "+category
	if because != "" {
		together, intent = "because you watched “"+because+"”", "because you opened “"+because+"”"
	}
	if c.Worth.Sale > c.Worth.Watch {
		best = "sells well in " + category
	}
	sources := c.Sources
	if because != "" && sources&FromTogether != 0 {
		sources &^= FromIntent // the same deed is one reason
	}
	for _, reason := range []struct {
		from  Source
		words string
	}{
		{FromFollowed, "you follow this creator"},
		{FromTogether, together},
		{FromIntent, intent},
		{FromTaste, "like what you watch"},
		{FromBest, best},
		{FromAgain, "you have seen everything else"},
	} {
		if sources&reason.from != 0 {
			why = append(why, reason.words)
		}
	}
	if len(why) == 0 && c.Testing {
		why = append(why, "new: being tested")
	}
	if len(why) == 0 {
		why = append(why, "picked by chance")
	}
	return why
}
