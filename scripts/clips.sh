#!/usr/bin/env bash
# Draws the demo's clips, posters and product pictures anew from scripts/clips: flat scenes of Mezzo's
# own goods, moved by nothing but the second, painted frame by frame in Chromium, coded by ffmpeg
# with a few soft synthetic notes. Needs chromium, ffmpeg with libx264, and the DejaVu fonts.
#   clips.sh            all of it (some minutes)
#   clips.sh eggs sea   these clips alone
#   clips.sh pictures   the product pictures alone
# The results are committed in internal/demo, so nothing else needs this script.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
chromium=$(need_chromium)
need ffmpeg ffmpeg
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
clips=internal/demo/clips pictures=internal/demo/pictures
seconds=8 rate=24
mkdir -p "$clips" "$pictures"

# name, second of the poster, four notes in Hz
scenes="
eggs     3.0  220.00 277.18 329.63 440.00
morning  6.0  261.63 329.63 392.00 523.25
evening  6.0  174.61 220.00 261.63 349.23
growing  6.6  293.66 369.99 440.00 587.33
rain     5.0  164.81 196.00 246.94 329.63
crust    6.4  233.08 293.66 349.23 466.16
market   2.4  261.63 311.13 392.00 466.16
sea      2.4  196.00 246.94 293.66 392.00
grove    3.6  207.65 261.63 311.13 415.30
saturday 6.6  293.66 349.23 440.00 523.25
dusk     3.6  174.61 207.65 261.63 311.13
hives    6.0  329.63 392.00 493.88 587.33
"

# page EXPRESSION: a page that runs the expression with every scene at hand.
page() {
	echo '<!doctype html><meta charset="utf-8"><body><script>const GOODS = `'
	sed -n '/<defs>/,/<\/defs>/p' scripts/clips/goods.svg
	echo '`;'
	cat scripts/clips/stage.js scripts/clips/indoors.js scripts/clips/outdoors.js
	echo "$1.catch((e) => { document.body.textContent = 'failed: ' + e; });</script>"
}

# painted FOLDER EXPRESSION: runs it and leaves what it painted as FOLDER/001.png and so on.
painted() {
	local folder=$1 n=0 line
	mkdir -p "$folder"
	page "$2" >"$folder/page.html"
	"$chromium" --headless --no-sandbox --disable-gpu --virtual-time-budget=36000000 --dump-dom "file://$folder/page.html" 2>/dev/null >"$folder/dump"
	while read -r line; do
		case $line in
		iVBOR*) n=$((n + 1)) && base64 -d <<<"$line" >"$folder/$(printf %03d "$n").png" ;;
		esac
	done <"$folder/dump"
	[ "$n" -gt 0 ] || { grep -m1 'failed:' "$folder/dump" >&2; return 1; }
	rm "$folder/dump"
}

# sound NOTES…: four notes in turn, each dying away, over a low hum of the first.
sound() {
	local i=0 f sum="0.05*sin(PI*$1*t)*(0.7+0.3*sin(PI*t/4))+0.03*sin(PI*$3*t)"
	for f in "$@" "$3" "$2"; do
		sum="$sum+0.15*(1-exp(-70*mod(t+3-$i*0.5\\,3)))*exp(-3.4*mod(t+3-$i*0.5\\,3))*(sin(2*PI*$f*t)+0.25*sin(4*PI*$f*t))"
		i=$((i + 1))
	done
	echo "aevalsrc=$sum:s=44100:d=$seconds,lowpass=f=2600,aecho=0.8:0.7:190|330:0.28|0.16,volume=9dB,alimiter=limit=0.8:level=false,afade=t=in:d=0.5,afade=t=out:st=$((seconds - 1)):d=1"
}

clip() {
	local name=$1 poster=$2 folder=$scratch/$1
	shift 2
	painted "$folder" "frames({ draw: $name }, Array.from({ length: $((seconds * rate)) }, (_, i) => i / $rate))"
	ffmpeg -nostdin -v error -y -framerate $rate -i "$folder/%03d.png" -f lavfi -i "$(sound "$@")" -shortest -map_metadata -1 -fflags +bitexact \
		-c:v libx264 -preset veryslow -tune animation -crf 27 -maxrate 420k -bufsize 840k -g $((2 * rate)) -pix_fmt yuv420p -profile:v high -flags:v +bitexact \
		-color_primaries bt709 -color_trc bt709 -colorspace bt709 -vf "scale=out_color_matrix=bt709:out_range=tv" \
		-c:a aac -b:a 40k -ac 1 -flags:a +bitexact -movflags +faststart "$clips/$name.mp4"
	ffmpeg -nostdin -v error -y -i "$folder/$(printf %03d "$(awk -v t="$poster" -v r=$rate 'BEGIN { print int(t * r) + 1 }')").png" \
		-map_metadata -1 -fflags +bitexact -pix_fmt yuvj420p -q:v 5 "$clips/$name.jpg"
	printf '%-9s %s\n' "$name" "$(wc -c <"$clips/$name.mp4") + $(wc -c <"$clips/$name.jpg") bytes"
	rm -rf "$folder"
}

goods="pan mug apron cream plant lamp candle board teapot oil knife tote honey soap basket throw"
draw_pictures() {
	local n=0 id
	painted "$scratch/goods" "pictures('$goods'.split(' '))"
	for id in $goods; do
		n=$((n + 1))
		ffmpeg -nostdin -v error -y -i "$scratch/goods/$(printf %03d $n).png" -map_metadata -1 -fflags +bitexact -pix_fmt yuvj444p -q:v 3 "$pictures/$id.jpg"
	done
	printf 'pictures  %s bytes\n' "$(cat "$pictures"/*.jpg | wc -c)"
}

[ $# -gt 0 ] || set -- pictures $(awk 'NF { print $1 }' <<<"$scenes")
for wanted in "$@"; do
	if [ "$wanted" = pictures ]; then
		draw_pictures
		continue
	fi
	line=$(awk -v name="$wanted" '$1 == name' <<<"$scenes")
	[ -n "$line" ] || { say "there is no scene $wanted"; exit 2; }
	clip $line
done
