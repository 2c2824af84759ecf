// What every scene is made of. A scene is a function of the second t that returns SVG on 540 × 960;
// nothing else moves it, so that the same script always makes the same frames.
const W = 540, H = 960;
const C = {
  paprika: '#B3370E', deep: '#8C2A08', honey: '#F0B33A', amber: '#C48A1A', teal: '#0A5C61', sea: '#23797A', mint: '#A9DDD5',
  ink: '#231912', paper: '#FAF3E6', cream: '#F6E9D2', sand: '#E9D2AC', wood: '#C98B4E', bark: '#6B3320', clay: '#C9653A', sun: '#FFF0C4',
};
const r = (v) => Math.round(v * 100) / 100;
const mix = (a, b, k) => a + (b - a) * k;
const clamp = (v) => Math.max(0, Math.min(1, v));
const ease = (t, from, to) => { const k = clamp((t - from) / (to - from)); return k * k * (3 - 2 * k); };
const drop = (t, from, to) => { // falls and settles
  const k = clamp((t - from) / (to - from));
  return k >= 1 ? 1 : 1 - Math.exp(-5 * k) * Math.cos(8 * k);
};
const wave = (t, period, phase = 0) => Math.sin(2 * Math.PI * (t / period + phase));
const tint = (a, b, k) => '#' + [1, 3, 5].map((i) => Math.round(mix(parseInt(a.slice(i, i + 2), 16), parseInt(b.slice(i, i + 2), 16), clamp(k))).toString(16).padStart(2, '0')).join('');
const rand = (seed) => { const x = Math.sin(seed * 127.1 + 311.7) * 43758.5453; return x - Math.floor(x); };

const use = (id, x, y, size, more = '') => `<use href="#a-${id}" x="${r(x)}" y="${r(y)}" width="${r(size)}" height="${r(size)}" ${more}/>`;
const g = (transform, ...parts) => `<g transform="${transform}">${parts.join('')}</g>`;
const fade = (opacity, ...parts) => opacity <= 0.004 ? '' : `<g opacity="${r(opacity)}">${parts.join('')}</g>`;
const rect = (x, y, w, h, fill, more = '') => `<rect x="${r(x)}" y="${r(y)}" width="${r(w)}" height="${r(h)}" fill="${fill}" ${more}/>`;
const disc = (x, y, radius, fill, more = '') => `<circle cx="${r(x)}" cy="${r(y)}" r="${r(radius)}" fill="${fill}" ${more}/>`;
const oval = (x, y, rx, ry, fill, more = '') => `<ellipse cx="${r(x)}" cy="${r(y)}" rx="${r(rx)}" ry="${r(ry)}" fill="${fill}" ${more}/>`;
const path = (d, fill, more = '') => `<path d="${d}" fill="${fill}" ${more}/>`;
const line = (d, stroke, width, more = '') => `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${r(width)}" stroke-linecap="round" stroke-linejoin="round" ${more}/>`;
const down = (id, ...stops) => `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops.map((s, i) => `<stop offset="${r(i / (stops.length - 1))}" stop-color="${s}"/>`).join('')}</linearGradient>`;
const glow = (id, colour, strength) => `<radialGradient id="${id}"><stop offset="0" stop-color="${colour}" stop-opacity="${r(strength)}"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`;

const sun = (x, y, radius, t) => disc(x, y, radius * (2 + 0.05 * wave(t, 8)), C.sun, 'opacity=".16"') + disc(x, y, radius * (1.45 + 0.03 * wave(t, 8, 0.2)), C.sun, 'opacity=".28"') + disc(x, y, radius, C.sun);

// hill is a ridge from edge to edge that falls to the bottom of what it is clipped by.
const hill = (y, height, shift, fill, x = 0, w = W) => {
  const p = (k, up) => `${r(x + w * k)} ${r(y - height * up)}`;
  return path(`M${p(-0.1, shift)}C${p(0.15, 1)} ${p(0.3, 1 - shift)} ${p(0.5, shift)}S${p(0.85, 1 - shift)} ${p(1.1, 0.5)}V${H}H${r(x - w * 0.1)}Z`, fill);
};
const cypress = (x, y, h, fill) => path(`M${r(x - h * 0.16)} ${y}c0-${r(h * 0.5)} ${r(h * 0.1)}-${r(h * 0.84)} ${r(h * 0.16)}-${h} ${r(h * 0.06)} ${r(h * 0.16)} ${r(h * 0.16)} ${r(h * 0.5)} ${r(h * 0.16)} ${h}Z`, fill);

// pane is a window with its view, a frame and a sill.
const pane = (id, x, y, w, h, view, frame = C.bark, sill = '#83432A') =>
  rect(x - 14, y - 14, w + 28, h + 28, frame) + `<clipPath id="${id}"><rect x="${x}" y="${y}" width="${w}" height="${h}"/></clipPath><g clip-path="url(#${id})">${view}</g>`
  + rect(x + w / 2 - 5, y, 10, h, frame) + rect(x, y + h * 0.44, w, 9, frame) + rect(x - 34, y + h + 8, w + 68, 20, sill) + rect(x - 34, y + h + 28, w + 68, 8, '#5A2A1A');

const tiles = (y, h, base = '#2C6A68', face = '#3A7F7A') => {
  let out = rect(0, y, W, h, base);
  for (let row = 0; row * 62 < h; row++) {
    for (let i = -1; i < 8; i++) {
      const x = i * 78 + (row % 2) * 39 + 4, tall = Math.min(56, h - row * 62 - 4);
      if (tall > 8) out += rect(x, y + row * 62 + 4, 72, tall, (i * 5 + row * 3) % 11 === 3 ? '#9C8A50' : face);
    }
  }
  return out;
};

// steam rises as strands that wander; k tells strands apart.
const steam = (x, y, height, t, k = 0, strength = 0.34) => {
  let d = '';
  for (let i = 0; i <= 14; i++) {
    const up = i / 14, sway = (4 + 16 * up) * wave(up * 1.5 - t / 2.6, 1, k);
    d += `${i ? 'L' : 'M'}${r(x + sway)} ${r(y - height * up)}`;
  }
  const id = `st${Math.round(x)}${Math.round(k * 100)}`;
  return `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="0" y1="${r(y)}" x2="0" y2="${r(y - height)}"><stop offset="0" stop-color="#FFF3D6" stop-opacity="0"/><stop offset=".25" stop-color="#FFF3D6" stop-opacity="${r(strength)}"/><stop offset="1" stop-color="#FFF3D6" stop-opacity="0"/></linearGradient>`
    + line(d, `url(#${id})`, 7);
};

const bird = (x, y, size, flap) => line(`M${r(x - size)} ${r(y - size * 0.3 * flap)}Q${r(x - size * 0.4)} ${r(y - size * 0.5 * flap)} ${r(x)} ${r(y)}Q${r(x + size * 0.4)} ${r(y - size * 0.5 * flap)} ${r(x + size)} ${r(y - size * 0.3 * flap)}`, '#6E2F20', size * 0.16);

const table = (y, top = '#7C4026', front = 'url(#table)') => down('table', '#5A2A16', '#3F2015', '#2A140C') + rect(0, y, W, H - y, front) + rect(0, y, W, 14, top);

// say is what a creator writes over a clip: a dark label that comes and goes.
const ruler = typeof document === 'undefined' ? null : document.createElement('canvas').getContext('2d');
const say = (text, t, from, to, y = 470, x = 44) => {
  const k = ease(t, from, from + 0.35) * (1 - ease(t, to - 0.3, to));
  if (k <= 0) return '';
  ruler.font = '600 29px "DejaVu Sans Condensed", "DejaVu Sans"';
  const w = ruler.measureText(text).width + 36;
  return fade(k, g(`translate(0 ${r(14 * (1 - k))})`, rect(x, y, w, 54, '#160D08', 'rx="9" opacity=".82"'),
    `<text x="${x + 18}" y="${y + 37}" font-family="DejaVu Sans" font-stretch="condensed" font-weight="600" font-size="29" fill="#FFFFFF">${text}</text>`));
};

// pour is a stream from one place to another that begins and ends.
const pour = (x, y, toX, toY, t, from, to, colour, width = 9) => {
  if (t < from || t > to + 0.25) return '';
  const head = ease(t, from, from + 0.3), tail = ease(t, to, to + 0.25);
  const at = (k) => [mix(x, toX, 1 - (1 - k) * (1 - k)), mix(y, toY, k * k * 0.9 + k * 0.1)];
  let d = '';
  for (let i = 0; i <= 10; i++) { const [px, py] = at(mix(tail, head, i / 10)); d += `${i ? 'L' : 'M'}${r(px + (i > 2 ? 0.8 * wave(t * 3 + i, 4) : 0))} ${r(py)}`; }
  return line(d, colour, width);
};

// bare is a good without its ground shadow, for what is lifted or hangs; LAMP has no light either.
const symbol = (id) => GOODS.match(new RegExp(`<symbol id="a-${id}"[^>]*>(.*?)</symbol>`, 's'))[1];
const bare = (id, x, y, size) => g(`translate(${r(x)} ${r(y)}) scale(${r(size / 120)})`, symbol(id).replace(/<(ellipse|path)[^>]*fill="#7A4A20"[^>]*>/, ''));
const LAMP = symbol('lamp').replace(/<path[^>]*fill="#F9D27A"[^>]*>/, '');
const MARK = GOODS.match(/<symbol id="mark"[^>]*>(.*?)<\/symbol>/s)[1];

const svg = (content, w = W, h = H, scale = 1) => `<svg xmlns="http://www.w3.org/2000/svg" width="${w * scale}" height="${h * scale}" viewBox="0 0 ${w} ${h}">${GOODS}${content}</svg>`;

// paint draws an SVG and returns it as a PNG in base64.
async function paint(text, w, h) {
  const image = new Image();
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = w;
  canvas.height = h;
  canvas.getContext('2d').drawImage(image, 0, 0, w, h);
  return canvas.toDataURL('image/png').slice('data:image/png;base64,'.length);
}

// frames paints every frame of a scene and leaves them in the page, one a line.
async function frames(scene, times) {
  const lines = [];
  for (const t of times) lines.push(await paint(svg(scene.draw(t)), W, H));
  document.body.textContent = '\n' + lines.join('\n') + '\n';
}

// pictures paints goods on their tile, as a shop shows them.
async function pictures(ids) {
  const lines = [];
  for (const id of ids) {
    const tile = `<linearGradient id="tile" x1=".2" y1="0" x2=".8" y2="1"><stop offset="0" stop-color="#F4E3C6"/><stop offset="1" stop-color="#E9D2AC"/></linearGradient>` + rect(0, 0, 800, 800, 'url(#tile)');
    lines.push(await paint(svg(tile + use(id, 100, 90, 600), 800, 800), 800, 800));
  }
  document.body.textContent = '\n' + lines.join('\n') + '\n';
}
