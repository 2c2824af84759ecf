package catalog

// Words shows tests how text is split.
func Words(text string) []string { return words(text) }
