package rank

// Why says in plain words why the item of a slot is on the page, the strongest reason first; category
// is the name of its category for people.
func (p *Page) Why(slot Slot, category string) []string {
	if p.Control {
		return []string{"shown by chance, to measure the ranking against"}
	}
	c := &p.Candidates[slot.Candidate]
	var why []string
	if slot.Kind == Explore {
		why = append(why, "new: being tested")
	}
	for _, reason := range []struct {
		from  Source
		words string
	}{
		{FromFollowed, "you follow this creator"},
		{FromTogether, "watched together with what you watched"},
		{FromIntent, "like what you looked at to buy"},
		{FromTaste, "like what you watch"},
		{FromBest, "does well in " + category},
		{FromAgain, "you have seen everything else"},
	} {
		if c.Sources&reason.from != 0 {
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
