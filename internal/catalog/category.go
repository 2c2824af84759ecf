package catalog

import (
	"regexp"
	"strings"
)

// Category is one branch of the fixed tree that every product hangs on.
type Category struct {
	Slug     string     `json:"slug"`
	Name     string     `json:"name"`
	Children []Category `json:"children,omitempty"`
}

// Categories returns the whole tree, in the order shops show it. A child's slug starts with its
// parent's, so that a product of "beauty.skincare" is also one of "beauty".
func Categories() []Category {
	tree := make([]Category, 0, len(tops))
	for _, t := range tops {
		top := Category{Slug: t.slug, Name: t.name}
		for _, c := range t.children {
			top.Children = append(top.Children, Category{Slug: t.slug + "." + c[0], Name: c[1]})
		}
		tree = append(tree, top)
	}
	return tree
}

// CategoryName returns the name of a category by its slug; ok is false for an unknown one.
func CategoryName(slug string) (name string, ok bool) {
	for _, t := range Categories() {
		if t.Slug == slug {
			return t.Name, true
		}
		for _, c := range t.Children {
			if c.Slug == slug {
				return c.Name, true
			}
		}
	}
	return "", false
}

// MaxCategory is the longest slug of a category, in bytes.
const MaxCategory = 64

// slugForm is a word, or several with single dots or underscores between.
var slugForm = regexp.MustCompile(`^[a-z0-9]+([._][a-z0-9]+)*$`)

// CategoryNamed returns the slug that a text means: a slug, the last part of one ("kitchen" is
// "home.kitchen"), or a category's name, in any case. Another catalogue's own word is kept as a slug
// of its own; ok is false when it cannot be one.
func CategoryNamed(text string) (slug string, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, t := range Categories() {
		if text == t.Slug || text == strings.ToLower(t.Name) {
			return t.Slug, true
		}
	}
	for _, t := range Categories() {
		for _, c := range t.Children {
			if text == c.Slug || t.Slug+"."+text == c.Slug || text == strings.ToLower(c.Name) {
				return c.Slug, true
			}
		}
	}
	text = strings.NewReplacer(" & ", "_and_", " ", "_", "-", "_", "/", ".").Replace(text)
	return text, len(text) <= MaxCategory && slugForm.MatchString(text)
}

// besides returns what is known of the branch of a slug that no category there has: a mistyped one. Another
// catalogue's word under a branch of its own is none, and neither is a category.
func besides(slug string) (known []string) {
	branch, _, below := strings.Cut(slug, ".")
	if _, ok := CategoryName(slug); ok || !below {
		return nil
	}
	for _, t := range Categories() {
		if t.Slug == branch {
			known = append(known, t.Slug)
			for _, c := range t.Children {
				known = append(known, c.Slug)
			}
		}
	}
	return known
}

// tops is the tree: few enough to choose from on a phone, and in the words shoppers use.
var tops = []struct {
	slug, name string
	children   [][2]string
}{
	{"fashion", "Fashion", [][2]string{{"women", "Women"}, {"men", "Men"}, {"shoes", "Shoes"}, {"bags", "Bags"}, {"jewellery", "Jewellery and watches"}}},
	{"beauty", "Beauty", [][2]string{{"skincare", "Skincare"}, {"makeup", "Make-up"}, {"hair", "Hair"}, {"fragrance", "Fragrance"}}},
	{"home", "Home and living", [][2]string{{"kitchen", "Kitchen"}, {"decor", "Decoration"}, {"bedding", "Bedding and bath"}, {"furniture", "Furniture"}, {"garden", "Garden"}}},
	{"food", "Food and drink", [][2]string{{"snacks", "Snacks and sweets"}, {"coffee_tea", "Coffee and tea"}, {"pantry", "Pantry"}}},
	{"health", "Health", [][2]string{{"supplements", "Supplements"}, {"care", "Personal care"}}},
	{"electronics", "Electronics", [][2]string{{"audio", "Audio"}, {"phones", "Phones and accessories"}, {"computers", "Computers"}, {"cameras", "Cameras"}}},
	{"sports", "Sports and outdoors", [][2]string{{"fitness", "Fitness"}, {"outdoor", "Outdoor"}, {"cycling", "Cycling"}}},
	{"kids", "Baby and kids", [][2]string{{"toys", "Toys"}, {"baby", "Baby"}, {"clothing", "Clothing"}}},
	{"pets", "Pets", [][2]string{{"dogs", "Dogs"}, {"cats", "Cats"}}},
	{"crafts", "Arts and crafts", [][2]string{{"handmade", "Handmade"}, {"supplies", "Supplies"}}},
	{"media", "Books, music and games", [][2]string{{"books", "Books"}, {"music", "Music"}, {"games", "Games"}}},
	{"other", "Everything else", nil},
}
