#!/usr/bin/env bash
# Makes the small videos that the tests of package media read. Run it in this folder; it needs
# ffmpeg with libx264, libx265, libvpx and libopus. The results are committed, so tests need none of them.
set -eu
cd "$(dirname "$0")"
picture="testsrc2=size=108x192:rate=24:duration=1"
sound="sine=frequency=440:sample_rate=44100:duration=1"
h264="-c:v libx264 -preset veryslow -crf 38 -g 24 -pix_fmt yuv420p"
aac="-c:a aac -b:a 24k -ac 1"
# Camera apps leave the place and the device in the file; here they are, to be taken out again.
place="-metadata location=+38.7139-009.1394/ -metadata comment=+38.7139-009.1394/ -metadata title=Kitchen"
run() { ffmpeg -nostdin -hide_banner -v error -y -f lavfi -i "$picture" -f lavfi -i "$sound" "$@"; }

run $h264 $aac $place tail.mp4                                          # index at the end, as phones record
run $h264 $aac -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -movflags +faststart front.mp4 # index in front, nothing else in it
run $h264 $aac -movflags +frag_keyframe+empty_moov+default_base_moof fragmented.mp4
# QuickTime, held upright by a phone that records lying: the same samples, turned by 90 degrees when shown
# (this ffmpeg counts the turn the other way round).
ffmpeg -nostdin -hide_banner -v error -y -i tail.mp4 -c copy $place -metadata:s:v:0 rotate=270 -f mov turned.mov
run $h264 -an silent.mp4
run $h264 -vn -c:a aac -b:a 24k sound.mp4
run -c:v libx265 -preset veryslow -crf 40 -x265-params log-level=none:info=0 -tag:v hvc1 $aac hevc.mp4
run -c:v libx264 -preset veryslow -crf 40 -pix_fmt yuv420p10le $aac deep.mp4
run $h264 -c:a libopus -b:a 24k -strict -2 opus.mp4
run -fflags +bitexact -c:v libvpx-vp9 -crf 50 -b:v 0 -c:a libopus -b:a 24k vp9.webm
# Two languages of sound and a text track between them.
printf '1\n00:00:00,000 --> 00:00:01,000\nNo oil.\n' > text.srt
ffmpeg -nostdin -hide_banner -v error -y -i tail.mp4 -i text.srt -map 0:v -map 0:a -map 1 -map 0:a -c:v copy -c:a copy -c:s mov_text tracks.mp4
rm text.srt
# A picture with a red, a green, a blue and a white quarter.
ffmpeg -nostdin -hide_banner -v error -y -f lavfi -i "color=0xdc1e1e:s=32x24" -f lavfi -i "color=0x14a028:s=32x24" \
	-f lavfi -i "color=0xffffff:s=32x24" -f lavfi -i "color=0x1e28c8:s=32x24" \
	-filter_complex "[0][1]hstack[a];[2][3]hstack[b];[a][b]vstack,format=bgra" -frames:v 1 -c:v libwebp -lossless 1 quarters.webp
