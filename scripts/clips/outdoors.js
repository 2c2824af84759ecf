// Scenes outside, and at tables where the outside comes in.

const awning = (y, t, drop0 = 74) => {
  let out = rect(0, y - 60, W, 60, C.paprika);
  for (let i = 0; i < 7; i++) {
    const x = i * 78 - 4, hang = drop0 + 7 * wave(t, 3.4, i * 0.14), fill = i % 2 ? C.honey : C.paprika;
    out += path(`M${x} ${y - 60}h78v${r(hang)}a39 34 0 0 1-78 0Z`, fill) + path(`M${x} ${y - 60}h16v${r(hang + 22)}a39 34 0 0 1-16-22Z`, i % 2 ? C.amber : C.deep);
  }
  return out + rect(0, y - 66, W, 10, C.deep);
};

const lemon = (x, y, size, fill = C.honey, shade = C.amber) => disc(x, y, size, fill) + path(`M${r(x - size * 0.2)} ${r(y - size)}a${size} ${size} 0 0 0 0 ${2 * size}a${r(size * 1.5)} ${r(size * 1.5)} 0 0 1 0-${2 * size}Z`, shade) + line(`M${r(x + size * 0.5)} ${r(y - size * 0.45)}a${r(size * 0.7)} ${r(size * 0.7)} 0 0 1 ${r(size * 0.12)} ${r(size * 0.7)}`, '#FFF3D6', size * 0.13);

const crate = (x, y, w, fruit) => fruit + rect(x, y, w, 26, '#C98B4E') + rect(x, y + 32, w, 26, '#B27740') + rect(x, y + 64, w, 26, '#9A6130') + rect(x, y, 14, 94, '#6B4020') + rect(x + w - 14, y, 14, 94, '#8A5528');

// An apron swings on its hook in a market stall.
const market = (t) => {
  const swing = 5.5 * wave(t, 3.2) + 1.5 * wave(t, 1.7, 0.2);
  const fruits = (x, y, n, fill, shade, size) => Array.from({ length: n }, (_, i) => lemon(x + i * size * 1.7, y - (i % 2) * size * 0.5, size, fill, shade)).join('');
  return down('noon', '#8CC1BD', '#D8ECD8', '#FBE3B0') + rect(0, 0, W, H, 'url(#noon)') + sun(430, 196, 46, t)
    + hill(420, 40, 0.5, '#7FB0A0') + hill(466, 34, 0.35, '#4F8A74') + [0, 1, 2, 3].map((i) => cypress(60 + i * 128, 480, 60 + (i % 2) * 26, '#2F6A58')).join('')
    + [0, 1, 2].map((i) => g(`translate(${i * 190 - 30} 452)`, rect(0, 20, 120, 50, '#DCC69D'), [0, 1, 2, 3, 4].map((k) => path(`M${k * 26 - 4} 0h26v18a13 11 0 0 1-26 0Z`, (k + i) % 2 ? C.cream : ['#23797A', C.clay, C.honey][i])).join(''))).join('')
    + rect(0, 520, W, 440, '#E7C79A') + rect(20, 60, 18, 640, '#8A5528') + rect(20, 60, 7, 640, '#6B4020') + rect(500, 60, 18, 640, '#9A6130') + rect(0, 150, W, 12, '#6B4020')
    + g(`rotate(${r(swing)} 262 160)`, line('M262 150v18a8 8 0 1 0 9 9', '#3A2419', 5), bare('apron', 66, 150, 400))
    + use('tote', 392, 398, 150) + fruits(62, 640, 6, '#D9602F', '#A23A12', 21) + fruits(330, 646, 6, C.honey, C.amber, 20)
    + crate(36, 640, 230, '') + crate(286, 640, 226, '') + rect(0, 728, W, 232, '#6B3320') + rect(0, 728, W, 14, '#8A4A30')
    + awning(92, t)
    + say('Pockets for a whole market.', t, 0.7, 4, 560, 44) + say('Washed linen, two sizes.', t, 4.4, 7.6, 560, 44);
};

// A tube of cream and a soap stand by the sea.
const sea = (t) => {
  const glints = Array.from({ length: 26 }, (_, i) => { const y = 372 + rand(i) * 180, x = (rand(i + 30) * 620 + t * (6 + rand(i) * 10)) % 620 - 40, long = 14 + (y - 372) * 0.22 + 10 * wave(t, 2.6, rand(i + 3)); return long < 6 ? '' : rect(x, y, long, 3, '#D8ECE8', `rx="1.500" opacity="${r(0.4 + 0.3 * wave(t, 3, rand(i + 8)))}"`); }).join('');
  const branch = (rot, len) => g(`rotate(${r(rot)} 0 0)`, line(`M-20-20C60 30 ${len * 0.6} 60 ${len} 150`, '#5C6B2F', 5), Array.from({ length: 9 }, (_, i) => { const k = 0.16 + i * 0.095, x = mix(-10, len, k), y = mix(0, 150, k * k * 0.6 + k * 0.4) + 6; return g(`translate(${r(x)} ${r(y)}) rotate(${r((i % 2 ? 96 : 2) + 5 * wave(t, 2.8, i * 0.12))})`, path('M0 0C12-16 40-18 56-4 40 10 14 12 0 0Z', i % 3 ? '#7C8A3E' : '#8A9A42'), path('M0 0C16-2 38-4 56-4 40 10 14 12 0 0Z', '#5C6B2F')) + (i % 3 === 1 ? oval(x + 8, y + 20, 9, 12, '#4E5B26') : ''); }).join(''));
  const bubbles = Array.from({ length: 9 }, (_, i) => { const k = ((t + rand(i) * 4) % 4) / 4; return disc(424 + (rand(i + 4) - 0.5) * 90 + 12 * wave(t, 2, rand(i)), 520 - k * 220, (5 + rand(i + 2) * 9) * (0.5 + k * 0.5), '#FFFDF8', `opacity="${r(0.66 * Math.sin(Math.PI * k))}"`); }).join('');
  const boat = mix(-60, 600, t / 8);
  return down('air', '#8CC1BD', '#CFE8DC', '#FBE9C4') + down('water', '#3A9A99', '#1F6F70', '#0A5C61') + down('stone', '#FFFDF8', '#EADBC0', '#CDB586') + rect(0, 0, W, H, 'url(#air)') + sun(404, 190, 50, t)
    + path('M0 372c60-38 120-44 176-18 40 12 70 12 104 18Z', '#6FA79C') + rect(0, 368, W, 220, 'url(#water)') + glints
    + g(`translate(${r(boat)} ${r(384 + 3 * wave(t, 2.4))}) rotate(${r(2 * wave(t, 2.4, 0.2))})`, path('M-2-52v42h-26Z', C.cream), path('M3-58v48h34Z', C.paprika), path('M-34-6h76c-5 12-14 16-24 16h-30c-10 0-18-6-22-16Z', '#6B3320'))
    + rect(0, 570, W, 390, 'url(#stone)') + rect(0, 570, W, 16, '#FFFDF8') + line('M60 640c90 20 120-16 210 10M330 720c60-20 110 10 180-6', '#DCC9A0', 3) + path('M540 586v374H330Z', '#FFF0C4', 'opacity=".35"')
    + g(`rotate(${r(0.8 * wave(t, 4))} 210 640)`, use('cream', 30, 278, 366)) + use('soap', 330, 478, 180) + bubbles
    + g(`translate(-6 8)`, branch(3 + 3 * wave(t, 4), 250)) + g('translate(-20 -30) rotate(-24)', branch(2.5 * wave(t, 4.6, 0.3), 210))
    + say('Olive oil. Beeswax.', t, 0.8, 4, 626, 44) + say('That is the list.', t, 4.3, 7.6, 626, 44);
};

// Oil is poured into a bowl in the olive grove.
const grove = (t) => {
  const tilt = -104 * ease(t, 0.8, 1.9) * (1 - ease(t, 5, 6)), full = ease(t, 1.9, 5.2);
  const tree = (x, y, s, k) => g(`translate(${x} ${y}) scale(${s})`, path('M-8 0c2-30-10-40-4-70h14c-4 26 10 40 6 70Z', '#6B4020'), g(`rotate(${r(1.4 * wave(t, 5, k))})`, oval(-26, -86, 44, 34, '#5C6B2F'), oval(24, -92, 46, 38, '#7C8A3E'), oval(-2, -114, 40, 30, '#8A9A42'), [0, 1, 2, 3, 4].map((i) => oval(-40 + i * 22, -84 - (i % 2) * 24, 3, 4, '#3C4720')).join('')));
  return down('late', '#F9C873', '#FBE3B0', '#F6D9A4') + rect(0, 0, W, H, 'url(#late)') + sun(392, 180, 56, t) + hill(360, 50, 0.5, '#C9B26A') + hill(410, 40, 0.35, '#A9A04F')
    + [0, 1, 2, 3, 4].map((i) => tree(30 + i * 122, 424 + (i % 2) * 8, 0.5, i * 0.2)).join('') + hill(468, 26, 0.6, '#8C8A3E') + tree(60, 520, 1, 0.1) + tree(480, 530, 1.1, 0.6)
    + down('plank', '#E3B06C', '#B27740') + rect(0, 560, W, 400, 'url(#plank)') + rect(0, 560, W, 14, '#F6D9A4') + line('M0 640h540M0 740h540', '#A9703A', 3)
    + oval(196, 682, 178, 22, '#6B4020', 'opacity=".34"') + oval(390, 612, 76, 12, '#6B4020', `opacity="${r(0.34 * (1 - ease(t, 0.4, 1.2) * (1 - ease(t, 5.6, 6.4))))}"`)
    + path('M48 580h312c0 66-58 104-156 104S48 646 48 580Z', '#23797A') + path('M48 580h84c4 50 34 84 74 103C106 684 48 646 48 580Z', '#0A5C61') + oval(204, 580, 156, 40, '#2F9192') + oval(204, 583, 142, 33, '#0A4A4E') + oval(204, 594 - 8 * full, 40 + 92 * full, (8 + 18 * full), '#D8C24A', `opacity="${r(ease(t, 2, 2.6))}"`) + oval(228 - 10 * full, 591 - 8 * full, (20 + 52 * full) * (1 + 0.03 * wave(t, 0.9)), 4 + 9 * full, '#F0E08A', `opacity="${r(0.8 * ease(t, 2.2, 3))}"`) + line('M340 600c-6 26-20 44-40 58', '#A9DDD5', 4)
    + pour(286, 392, 222, 584, t, 1.9, 5.1, '#D8C24A', 11)
    + g(`translate(${r(-40 * ease(t, 0.8, 1.9) * (1 - ease(t, 5, 6)))} ${r(-112 * ease(t, 0.5, 1.5) * (1 - ease(t, 5.2, 6.3)))}) rotate(${r(tilt)} 424 480)`, bare('oil', 284, 368, 270))
    + g('translate(40 622)', [0, 1, 2].map((i) => g(`translate(${i * 26} ${60 + (i % 2) * 18})`, oval(0, 0, 15, 20, i % 2 ? '#5C6B2F' : '#7C8A3E', `transform="rotate(${i * 40})"`), disc(5, -6, 3, '#C4D08A'))).join(''))
    + say('Pressed in October.', t, 2.2, 5, 474, 44) + say('Gone by spring.', t, 5.3, 7.7, 474, 44);
};

// A tote is unpacked after the market.
const saturday = (t) => {
  const things = [['oil', 1.6, 26, 560, 150], ['honey', 2.3, 128, 586, 128], ['board', 3, 372, 552, 168], ['soap', 3.7, 296, 606, 112], ['candle', 4.4, 226, 592, 118]];
  const hop = ([id, at, x, y, size], i) => {
    if (t < at) return '';
    const k = clamp((t - at) / 0.7), land = drop(t, at + 0.62, at + 1.2), fromX = 270 - size / 2, fromY = 330;
    const px = mix(fromX, x, k), py = mix(fromY, y, k) - 210 * Math.sin(Math.PI * k);
    const squash = k < 1 ? 1 : 1 - 0.1 * (1 - land);
    return g(`translate(${r(px + size / 2)} ${r(py + size)}) rotate(${r((i % 2 ? 1 : -1) * 200 * k * (1 - k))}) scale(${r(2 - squash)} ${r(squash)})`, use(id, -size / 2, -size, size));
  };
  const flying = (thing) => t < thing[1] + 0.36, bump = Math.max(...things.map((x) => Math.sin(Math.PI * clamp((t - x[1] + 0.15) / 0.5))));
  return down('room', '#CFE0D6', '#B9D2C6') + rect(0, 0, W, H, 'url(#room)') + path('M540 0v560L150 0Z', '#FFF0C4', 'opacity=".4"')
    + rect(60, 96, 150, 190, '#FBF3E0') + rect(74, 110, 122, 162, '#F4D9A4') + g('translate(84 130) scale(2.100)', MARK) + rect(320, 150, 170, 14, '#9A6130') + use('plant', 342, 42, 112) + line('M470 150v-44', '#0A5C61', 4) + disc(470, 98, 15, C.honey)
    + down('cloth', '#FFFDF8', '#EADBC0') + rect(0, 560, W, 400, 'url(#cloth)') + [0, 1, 2, 3, 4, 5].map((i) => rect(i * 108 - 20, 560, 26, 400, C.paprika, 'opacity=".1"') + rect(0, 590 + i * 76, W, 20, C.teal, 'opacity=".08"')).join('') + rect(0, 560, W, 8, '#FFFFFF')
    + things.filter(flying).map((thing) => hop(thing, things.indexOf(thing))).join('')
    + g(`translate(270 640) scale(${r(1 + 0.03 * bump)} ${r(1 - 0.04 * bump)}) translate(-270 -640)`, use('tote', 96, 290, 350))
    + things.filter((thing) => !flying(thing)).map((thing) => hop(thing, things.indexOf(thing))).join('')
    + say('Everything from Saturday.', t, 0.2, 1.9, 296, 44) + say('It still fits.', t, 5.4, 7.7, 296, 44);
};

// Tea is poured at dusk under string lights.
const dusk = (t) => {
  const tilt = 34 * ease(t, 0.8, 1.8) * (1 - ease(t, 4.8, 5.8)), full = ease(t, 1.9, 4.9);
  const bulbs = Array.from({ length: 9 }, (_, i) => { const k = i / 8, x = mix(-10, 550, k), y = 110 + 90 * Math.sin(Math.PI * k) - 40 * k; return disc(x, y + 20, 30, 'url(#bulb)', `opacity="${r(0.75 + 0.25 * wave(t, 2.6, i * 0.31))}"`) + line(`M${r(x)} ${r(y)}v8`, '#231912', 4) + oval(x, y + 19, 9, 12, '#F8D083') + oval(x + 2, y + 16, 3, 5, '#FFF3D6'); }).join('');
  const cord = Array.from({ length: 25 }, (_, i) => { const k = i / 24; return `${i ? 'L' : 'M'}${r(mix(-10, 550, k))} ${r(110 + 90 * Math.sin(Math.PI * k) - 40 * k)}`; }).join('');
  const moths = [0, 1].map((i) => { const a = t * (0.9 + i * 0.3) + i * 2; return bird(270 + 120 * Math.sin(a) + i * 60, 220 + 40 * Math.cos(a * 1.7), 7, 1 + wave(t, 0.24, i * 0.5)); }).join('');
  return down('violet', '#1B4F5A', '#3F7A7A', '#E7A06A') + glow('bulb', '#F9D27A', 0.7) + rect(0, 0, W, H, 'url(#violet)') + disc(452, 262, 26, '#FBF3E0', 'opacity=".9"') + disc(442, 256, 24, '#34696B')
    + hill(420, 46, 0.5, '#2F5A58') + hill(470, 34, 0.35, '#1F4446') + [0, 1, 2, 3, 4, 5, 6, 7].map((i) => rect(40 + i * 62, 452 + (i % 3) * 10, 7, 8, '#F0B33A', `opacity="${r(0.65 + 0.3 * wave(t, 4 + (i % 3), i * 0.27))}"`)).join('') + hill(520, 20, 0.6, '#143336')
    + rect(0, 520, W, 14, '#4A281B') + [0, 1, 2, 3, 4, 5, 6].map((i) => rect(20 + i * 84, 520, 12, 90, '#3A2018')).join('') + line(cord, '#231912', 3) + bulbs + moths
    + table(596, '#C9854E', '#7A4528') + oval(270, 620, 240, 20, '#F9D27A', 'opacity=".18"')
    + use('throw', 356, 512, 190) + pour(304, 430, 354, 540, t, 1.9, 4.7, '#C9763A', 9)
    + use('mug', 274, 478, 196) + oval(362, 532, mix(14, 41, full), mix(3, 10, full), '#A85A26')
    + oval(122, 612, 98, 15, '#3A2018', `opacity="${r(0.4 * (1 - 0.7 * ease(t, 0.5, 1.5) * (1 - ease(t, 5, 6))))}"`) + g(`translate(0 ${r(-128 * ease(t, 0.5, 1.5) * (1 - ease(t, 5, 6)))}) rotate(${r(tilt)} 150 560)`, bare('teapot', 10, 376, 280))
    + steam(346, 520, 150, t, 0.3, 0.5 * ease(t, 2.6, 4)) + steam(384, 518, 170, t, 0.7, 0.45 * ease(t, 2.8, 4.4))
    + say('The second steep.', t, 1, 4.6, 232, 44) + say('Stay a while.', t, 5.2, 7.7, 232, 44);
};

// Bees, a jar, and honey that takes its time.
const hives = (t) => {
  const strand = ease(t, 0.8, 2.4), pool = ease(t, 2.2, 6);
  const flower = (x, y, s, fill, k) => g(`translate(${x} ${y}) rotate(${r(5 * wave(t, 3, k))}) scale(${s})`, line('M0 0C4-30-4-50 0-84', '#4D8A54', 5), path('M0-30c16-14 30-10 36-2-12 8-26 10-36 2Z', '#35693F'), [0, 60, 120, 180, 240, 300].map((a) => oval(0, -102, 9, 17, fill, `transform="rotate(${a} 0 -86)"`)).join(''), disc(0, -86, 10, C.amber), disc(2, -88, 6, C.honey));
  const bee = (k, rx, ry, cx, cy, speed) => { const a = 2 * Math.PI * (t / speed + k), x = cx + rx * Math.cos(a), y = cy + ry * Math.sin(2 * a), turn = -Math.sin(a) > 0 ? 1 : -1, flap = 0.6 + 0.4 * wave(t, 0.1, k); return g(`translate(${r(x)} ${r(y)}) scale(${turn} 1) rotate(-8)`, oval(-4, -15, 8, 14 * flap, '#FFFDF8', 'opacity=".8" transform="rotate(-24)"'), oval(6, -15, 7, 13 * flap, '#FFFDF8', 'opacity=".8" transform="rotate(14)"'), oval(0, 0, 18, 12, C.honey), path('M-8-11c-3 7-3 15 0 22h6c-3-7-3-15 0-22ZM5-11c-2 7-2 15 0 21l6-2c-2-6-2-12 0-17Z', C.ink), disc(15, -1, 6, C.ink), disc(17, -3, 1.6, '#FFFDF8')); };
  const hive = (x, y, s) => g(`translate(${x} ${y}) scale(${s})`, rect(-44, -30, 88, 34, C.cream), rect(-44, -30, 22, 34, '#D9C298'), rect(-44, -66, 88, 34, '#A9DDD5'), rect(-44, -66, 22, 34, '#6FA79C'), path('M-52-82h104l-6 14h-92Z', C.paprika), rect(-14, -8, 28, 6, '#3A2419'), rect(-36, 4, 8, 16, '#6B4020'), rect(28, 4, 8, 16, '#8A5528'));
  const twirl = wave(t, 4);
  return down('spring', '#8CC1BD', '#D8ECD8', '#FBF0CF') + rect(0, 0, W, H, 'url(#spring)') + sun(420, 150, 48, t) + [0, 1].map((i) => oval(((i * 330 + t * 9) % 700) - 60, 110 + i * 70, 80, 15, '#FFFDF8', 'opacity=".7"')).join('')
    + hill(360, 50, 0.4, '#9CC08A') + hill(416, 40, 0.6, '#7FAE6C') + hive(120, 430, 0.8) + hive(226, 452, 0.9) + hive(450, 440, 0.72) + hill(480, 22, 0.4, '#63A05F')
    + [[40, 620, 1.1, '#FFFDF8', 0], [500, 612, 1.2, '#F2A37C', 0.3], [96, 596, 0.8, C.clay, 0.5], [448, 590, 0.8, '#FFFDF8', 0.7]].map((f) => flower(...f)).join('')
    + path('M60 610c0-30 420-30 420 0l14 350H46Z', '#8A5528') + path('M60 610c0-14 60-22 120-22-20 100-30 250-34 372H46Z', '#6B4020') + oval(270, 606, 210, 34, '#D9A25A') + oval(270, 606, 160, 24, '#C98B4E') + oval(270, 606, 104, 15, '#D9A25A') + oval(270, 606, 50, 7, '#B27740')
    + use('honey', 34, 306, 330)
    + oval(402, 612, 16 + 42 * pool, 5 + 9 * pool, C.amber) + oval(404, 610, 12 + 38 * pool, 4 + 7 * pool, C.honey)
    + line(`M402 420C${r(402 + 3 * twirl)} 470 ${r(402 - 4 * twirl)} 540 402 ${r(mix(424, 610, strand))}`, C.honey, 9 - 3 * strand) + line(`M404 430v${r(60 * strand)}`, '#FFE9B0', 2.5)
    + g(`translate(402 396) rotate(${r(18 + 3 * twirl)})`, line('M0-30 62-214', '#C98B4E', 13), line('M4-34 66-214', '#E3B06C', 4), [0, 1, 2, 3, 4].map((i) => oval(-i * 3.500 + 8, -34 + i * 14, 28 - Math.abs(i - 2) * 4, 8, i % 2 ? '#A5672F' : '#C98B4E')).join(''), path('M-30 4c10 26 34 34 50 14 4 20-10 36-24 34S-34 30-30 4Z', C.honey))
    + bee(0, 190, 56, 250, 250, 6) + bee(0.4, 150, 70, 300, 330, 4.7) + bee(0.7, 220, 40, 270, 190, 7.4)
    + say('From the hives', t, 0.9, 4, 196, 44) + say('behind the house.', t, 1.4, 4, 260, 44) + say('It takes its time.', t, 4.6, 7.7, 226, 44);
};
