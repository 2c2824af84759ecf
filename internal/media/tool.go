package media

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/fault"
)

// Bounds on the programs that decode what strangers send.
const (
	inspectTime  = 20 * time.Second
	encodeBase   = time.Minute
	encodeFactor = 30               // times the duration of the video
	encodeMost   = 30 * time.Minute // and never longer
	toolThreads  = 2
	toolAlloc    = 1 << 30 // bytes in one piece
	toolSays     = 4 << 10 // bytes of what they complain that are kept
	stopPatience = 5 * time.Second
)

// Tool is ffmpeg: it reads what browsers do not play and makes smaller renditions. It is given
// files only, told what they are and which way it may open them, and killed with whatever it
// started when its time is up or the job is stopped.
type Tool struct {
	ffmpeg, ffprobe string
	tonemap         bool // it can bring HDR down to what every screen shows
}

// FindTool looks for ffmpeg and ffprobe on the PATH; nil when one of them is missing or cannot
// make H.264 and AAC.
func FindTool(ctx context.Context) *Tool {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil
	}
	ffprobe, err := exec.LookPath("ffprobe")
	if err != nil {
		return nil
	}
	t := &Tool{ffmpeg: ffmpeg, ffprobe: ffprobe}
	ctx, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	var encoders, filters bytes.Buffer
	if err := t.run(ctx, "", &encoders, ffmpeg, "-hide_banner", "-encoders"); err != nil || !bytes.Contains(encoders.Bytes(), []byte(" libx264 ")) {
		return nil
	}
	if err := t.run(ctx, "", &filters, ffmpeg, "-hide_banner", "-filters"); err == nil {
		t.tonemap = bytes.Contains(filters.Bytes(), []byte(" zscale ")) && bytes.Contains(filters.Bytes(), []byte(" tonemap "))
	}
	return t
}

// run runs a program with an environment of its own in the folder, its output to out.
// The error holds the end of what it complained about.
func (t *Tool) run(ctx context.Context, dir string, out io.Writer, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Stdout = out
	complaint := &tail{}
	cmd.Stderr = complaint
	cmd.WaitDelay = stopPatience
	err := runGroup(cmd)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("media: %s: %w", filepath.Base(program), context.Cause(ctx))
	}
	return fmt.Errorf("media: %s: %w: %s", filepath.Base(program), err, complaint.b)
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > toolSays {
		t.b = append(t.b[:0], t.b[len(t.b)-toolSays:]...)
	}
	return len(p), nil
}

// demuxers names the one reader of each container, so that no playlist, script or capture device
// passes for a video.
var demuxers = map[string]string{
	"mp4": "mov", "mov": "mov", "webm": "matroska", "matroska": "matroska", "avi": "avi", "flv": "flv",
	"asf": "asf", "mpeg": "mpeg", "mpegts": "mpegts", "ogg": "ogg",
}

// input is how both programs are told to read a file of the container.
func input(path, container string) []string {
	return []string{"-protocol_whitelist", "file", "-max_alloc", strconv.Itoa(toolAlloc), "-f", demuxers[container], "-i", "file:" + path}
}

// probed is what ffprobe says.
type probed struct {
	Streams []struct {
		Type     string `json:"codec_type"`
		Codec    string `json:"codec_name"`
		Width    int    `json:"width"`
		Height   int    `json:"height"`
		Rate     string `json:"avg_frame_rate"`
		Transfer string `json:"color_transfer"`
		Duration string `json:"duration"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

// Inspect fills in what Probe could not tell of a file that needs transcoding. What ffprobe cannot
// read is an Invalid fault.
func (t *Tool) Inspect(ctx context.Context, path string, info Info) (Info, error) {
	within, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	var out bytes.Buffer
	args := append([]string{"-v", "error", "-of", "json", "-show_entries",
		"stream=codec_type,codec_name,width,height,avg_frame_rate,color_transfer,duration:format=duration"}, input(path, info.Container)...)
	if err := t.run(within, filepath.Dir(path), &out, t.ffprobe, args...); err != nil {
		if ctx.Err() != nil {
			return info, err
		}
		return info, damaged(err)
	}
	var p probed
	if err := json.Unmarshal(out.Bytes(), &p); err != nil {
		return info, damaged(err)
	}
	seconds := func(s string) int64 {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 0 || f > 1e9 {
			return 0
		}
		return int64(f * 1000)
	}
	info.DurationMS = max(info.DurationMS, seconds(p.Format.Duration))
	picture, sound := false, false
	for _, s := range p.Streams {
		switch {
		case s.Type == "video" && !picture:
			picture = true
			info.VideoCodec, info.HDR = s.Codec, s.Transfer == "smpte2084" || s.Transfer == "arib-std-b67"
			info.Width, info.Height = s.Width, s.Height
			info.DurationMS = max(info.DurationMS, seconds(s.Duration))
			if a, b, ok := strings.Cut(s.Rate, "/"); ok {
				n, _ := strconv.Atoi(a)
				d, _ := strconv.Atoi(b)
				if n > 0 && d > 0 && n < 1<<40 {
					info.FrameRate = n * 1000 / d
				}
			}
		case s.Type == "audio" && !sound:
			sound = true
			info.AudioCodec = s.Codec
		}
	}
	if !picture || info.Width <= 0 || info.Height <= 0 {
		return info, fault.New(fault.Invalid, "This file has no picture that can be read. Upload a video.")
	}
	return info, nil
}

// shape is one rendition to make: the pixels of its shorter side, and how good it is to be.
type shape struct {
	role     string
	side     int
	quality  int // x264's constant rate factor: less is better
	mostKbps int // of the picture
	soundKbs int
}

var shapes = []shape{
	{"720p", 720, 23, 2500, 128},
	{"480p", 480, 24, 1200, 96},
}

// Encode makes the renditions of a video in the folder, in one pass: H.264 and AAC, index in front,
// at most 30 frames a second, nothing but picture and sound. progress is told 0–100 percent.
func (t *Tool) Encode(ctx context.Context, path string, info Info, folder string, wanted []shape, progress func(int)) error {
	limit := min(encodeBase+time.Duration(info.DurationMS)*time.Millisecond*encodeFactor, encodeMost)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took more than %v", limit))
	defer cancel()
	args := append([]string{"-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", strconv.Itoa(toolThreads), "-progress", "pipe:1"}, input(path, info.Container)...)
	for _, s := range wanted {
		args = append(args, "-map", "0:v:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1",
			"-vf", t.filter(info, s.side), "-fpsmax", "30",
			"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-crf", strconv.Itoa(s.quality),
			"-maxrate", fmt.Sprintf("%dk", s.mostKbps), "-bufsize", fmt.Sprintf("%dk", 2*s.mostKbps),
			"-force_key_frames", "expr:gte(t,n_forced*2)", "-threads", strconv.Itoa(toolThreads),
			"-c:a", "aac", "-ac", "2", "-ar", "48000", "-b:a", fmt.Sprintf("%dk", s.soundKbs),
			"-t", strconv.Itoa(MaxDurationMS/1000), "-fs", strconv.Itoa(MaxUploadBytes), "-movflags", "+faststart", "-f", "mp4", s.role+".mp4")
	}
	in, out := io.Pipe()
	read := newProgress(in, info.DurationMS, progress)
	err := t.run(ctx, folder, out, t.ffmpeg, args...)
	out.Close()
	<-read
	return err
}

// filter scales the shorter side to side pixels, never up, and brings colour to what every screen shows.
func (t *Tool) filter(info Info, side int) string {
	f := fmt.Sprintf("scale='if(lt(iw,ih),trunc(min(%d,iw)/2)*2,-2)':'if(lt(iw,ih),-2,trunc(min(%d,ih)/2)*2)',setsar=1", side, side)
	if info.HDR && t.tonemap {
		f += ",zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
	}
	return f + ",format=yuv420p"
}

// newProgress reads what ffmpeg reports while it works; what is returned is closed at the end.
func newProgress(in *io.PipeReader, durationMS int64, progress func(int)) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			text, ok := strings.CutPrefix(lines.Text(), "out_time_us=")
			us, err := strconv.ParseInt(text, 10, 64)
			if ok && err == nil && us > 0 && durationMS > 0 {
				progress(int(min(us/10/durationMS, 100)))
			}
		}
		_, _ = io.Copy(io.Discard, in)
	}()
	return done
}

// Poster takes one frame of a video, a second in or earlier, as a JPEG of at most LargeWidth.
func (t *Tool) Poster(ctx context.Context, path string, info Info, folder string) (picture, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	at := min(int64(1000), info.DurationMS/4)
	args := append([]string{"-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", strconv.Itoa(toolThreads), "-ss", fmt.Sprintf("%d.%03d", at/1000, at%1000)},
		input(path, info.Container)...)
	args = append(args, "-map", "0:v:0", "-frames:v", "1", "-vf", t.filter(info, LargeWidth), "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "2", "-f", "image2", "-update", "1", "frame.jpg")
	if err := t.run(ctx, folder, io.Discard, t.ffmpeg, args...); err != nil {
		return picture{}, err
	}
	f, err := os.Open(filepath.Join(folder, "frame.jpg"))
	if err != nil {
		return picture{}, errors.Join(errors.New("media: no frame could be taken"), err)
	}
	defer f.Close()
	large, _, err := repaint(f)
	return large, err
}
