// Package media owns what people upload: videos and pictures as they arrive, what is made of
// them, and how the result is served.
package media
