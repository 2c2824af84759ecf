// Package web owns the pages: their look, parts, assets and browser code, for phone and desk.
//
// Each .templ file opens with the view structs of its pages: plain values, ready to show, that a
// handler fills from one use. Above them stands a table of the paths its forms post to and of their
// fields. Pages work as plain HTML; the scripts in script/ only make them quicker. Pages carry no
// style attribute and no script of their own, so that the policy of Policy holds.
package web

//go:generate go tool templ generate -include-version=false -log-level=error
//go:generate go tool esbuild assets/css/mezzo.css --bundle --minify --target=chrome111,firefox114,safari16.4 --charset=utf8 --log-level=warning --outfile=dist/mezzo.css
//go:generate go tool esbuild script/page.ts script/feed.ts script/upload.ts script/numbers.ts --bundle --minify --format=esm --target=es2022 --charset=utf8 --log-level=warning --outdir=dist
