// Scenes inside: a kitchen, a sill, a desk, a night, a table.

// Three eggs in a pan by a window at sunset.
const eggs = (t) => {
  const shake = 7 * wave(t, 2) * ease(t, 0.6, 1.2) * (1 - ease(t, 6.6, 7.4)), slide = 9 * wave(t, 2, -0.12) * ease(t, 0.6, 1.2) * (1 - ease(t, 6.8, 7.6));
  const egg = (x, y, k, flip) => g(`translate(${r(x + slide * k)} ${r(y + 2 * wave(t, 2, 0.3 + k))}) scale(${flip} 1)`,
    path('M-66 8c-6-19 21-35 48-31s48-4 59 12-3 32-27 36-72 8-80-17Z', '#FFF7E6'), path('M-66 8c0 12 13 23 40 23-13-5-21-21-16-43-13 4-25 11-24 20Z', '#EAD9B8'),
    oval(-12, -2, 25, 17, '#F0A521'), line('M-15-15c8-1 17 3 20 8', '#FFE7A6', 4.6));
  const view = rect(0, 0, W, 420, 'url(#sky)') + sun(330, 276, 54, t)
    + hill(330, 46, 0.5, '#C9653A', 60, 420) + hill(362, 30, 0.4, '#9C4528', 60, 420) + hill(392, 14, 0.6, '#6E2F20', 60, 420) + cypress(148, 380, 70, '#57261B') + cypress(182, 384, 54, '#57261B')
    + bird(mix(60, 470, ease(t, 0.4, 7.8)), 150 + 12 * wave(t, 5), 15, 1 + 0.8 * wave(t, 0.9)) + bird(mix(20, 430, ease(t, 0.4, 7.8)), 176 + 9 * wave(t, 4, 0.3), 11, 1 + 0.8 * wave(t, 0.8, 0.4));
  return down('sky', '#F9C873', '#F7A45C', '#E9743F') + `<linearGradient id="wall" x1="1" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#D98A52"/><stop offset="1" stop-color="#A9532F"/></linearGradient>`
    + rect(0, 0, W, H, 'url(#wall)') + pane('kitchen', 92, 84, 356, 330, view)
    + path('M330 276 540 470v260L190 430Z', '#FFDF9A', `opacity="${r(0.12 + 0.03 * wave(t, 8))}"`)
    + use('plant', 92, 298, 134) + use('mug', 352, 352, 82) + steam(390, 372, 74, t, 0.7, 0.26)
    + tiles(470, 118) + path('M540 470v118H330Z', '#FFDF9A', 'opacity=".14"') + table(584)
    + path('M40 640h420l34 120H6Z', '#1C1311') + path('M40 640h420l4 14H36Z', '#40302A')
    + [0, 1, 2, 3, 4, 5, 6, 7].map((i) => line(`M${150 + i * 32} ${r(716 + 4 * Math.abs(i - 3.5))}l${(i - 3.5) * 1.2} ${r(15 + 2.5 * wave(t, 0.5, i * 0.37))}`, '#3B8F93', 7)).join('')
    + steam(170, 566, 150, t, 0.1) + steam(258, 556, 176, t, 0.45) + steam(346, 566, 140, t, 0.8)
    + g(`translate(${r(shake)} 0) rotate(${r(shake * 0.1)} 256 640)`,
      line('M102 676C54 696 14 716-36 748', '#26201D', 36), line('M92 668C52 684 14 702-24 724', '#5B4F47', 5),
      path('M78 632c6 66 74 94 180 94s174-28 180-94Z', '#171210'), oval(258, 630, 180, 66, '#37302C'), oval(258, 631, 165, 56, '#1B1614'), oval(258, 639, 150, 46, '#2A2421'),
      line('M314 570c54 7 96 22 112 44', '#A08C79', 5), egg(200, 622, 1, 1), egg(322, 612, 0.8, -1), egg(262, 660, 1.15, 1),
      g(`rotate(${r(-5 + 9 * wave(t, 2, 0.1) * ease(t, 1, 2) * (1 - ease(t, 6, 7)))} 470 520)`, line('M372 632l84-84', C.wood, 12), path('M326 656c16-19 30-33 46-35 11 8 16 16 14 27-14 14-30 22-49 22-8 0-14-8-11-14Z', '#A5672F'), line('M332 661c19-3 35-11 49-22', '#D9A066', 4)))
    + say('Week six. Still no oil.', t, 0.8, 4.2, 458) + say('Patience is the trick.', t, 4.5, 7.6, 458);
};

// A mug is filled on a sill while the sun comes up.
const morning = (t) => {
  const up = ease(t, 0, 7), day = ease(t, 0.5, 7);
  const tilt = -52 * ease(t, 0.5, 1.4) * (1 - ease(t, 3.5, 4.3)), away = 240 * (1 - ease(t, 0, 0.9)) + 260 * ease(t, 4.1, 5);
  return down('dawn', tint('#4A6A78', '#8CC1BD', day), tint('#C98563', '#F6CE86', day), tint('#E9743F', '#F7A45C', day)) + rect(0, 0, W, H, 'url(#dawn)')
    + sun(350, mix(470, 236, up), 66, t) + [0, 1, 2].map((i) => fade(0.55 * day, oval(90 + i * 190 + 10 * wave(t, 16, i * 0.3), 130 + (i % 2) * 60, 86, 15, '#FFF7E6'))).join('')
    + hill(430, 60, 0.5, tint('#8A4A3C', '#C9653A', day)) + hill(486, 44, 0.35, tint('#6A342C', '#9C4528', day)) + cypress(84, 520, 110, '#57261B') + cypress(122, 528, 80, '#57261B') + hill(540, 26, 0.6, tint('#4A241E', '#6E2F20', day))
    + bird(mix(-30, 330, ease(t, 3, 8)), 300 - 60 * ease(t, 3, 8), 16, 1 + 0.8 * wave(t, 0.9)) + bird(mix(-70, 290, ease(t, 3, 8)), 322 - 50 * ease(t, 3, 8), 12, 1 + 0.8 * wave(t, 0.8, 0.3))
    + rect(0, 0, 40, H, '#6B3320') + rect(500, 0, 40, H, '#5A2A1A') + rect(0, 0, W, 34, '#6B3320')
    + down('sill', '#E7C79A', '#B98550') + rect(0, 640, W, 320, 'url(#sill)') + rect(0, 640, W, 16, '#F6E1BC') + path('M540 640v320H250Z', '#FFF0C4', `opacity="${r(0.1 + 0.16 * day)}"`)
    + pour(326, 290, 262, 462, t, 1.2, 3.6, '#5B2F17', 11)
    + use('mug', 94, 354, 356) + oval(254, 452, mix(24, 76, ease(t, 1.4, 3.7)), mix(5, 18.5, ease(t, 1.4, 3.7)), '#7A4420')
    + g(`translate(${r(away)} ${r(-away * 0.35)}) rotate(${r(tilt)} 400 200) translate(756 0) scale(-1 1)`, bare('teapot', 282, 112, 210))
    + steam(220, 440, 190, t, 0.2, 0.5 * ease(t, 2.4, 4)) + steam(286, 436, 220, t, 0.6, 0.5 * ease(t, 2.6, 4.4))
    + say('First cup, first light.', t, 4.4, 7.6, 150, 64);
};

// A lamp is switched on, and a drawing begins.
const evening = (t) => {
  const on = t < 1.5 ? 0 : t < 1.58 ? 1 : t < 1.66 ? 0.35 : 1, drawn = ease(t, 2.4, 6.4);
  const dash = (length, from, to) => `stroke-dasharray="${length}" stroke-dashoffset="${r(length * (1 - clamp((drawn - from) / (to - from))))}"`;
  const at = drawn < 0.55 ? [mix(168, 318, drawn / 0.55), 690 - 62 * Math.sin(Math.PI * drawn / 0.55)] : [243, mix(690, 742, (drawn - 0.55) / 0.45)];
  const stars = Array.from({ length: 16 }, (_, i) => disc(84 + rand(i) * 214, 96 + rand(i + 40) * 200, 1.4 + rand(i + 9) * 1.4, '#F4E3C6', `opacity="${r(0.45 + 0.4 * wave(t, 3 + rand(i + 3) * 3, rand(i)))}"`)).join('');
  const view = rect(60, 70, 260, 300, 'url(#night)') + stars + disc(240, 146, 34, '#F4E3C6') + disc(226, 138, 30, '#1B3F4A')
    + hill(330, 36, 0.5, '#0D2B33', 60, 270) + hill(360, 20, 0.3, '#081E24', 60, 270) + [0, 1, 2, 3].map((i) => rect(100 + i * 46, 340 + (i % 2) * 8, 7, 7, '#F0B33A', `opacity="${r(0.6 + 0.3 * wave(t, 4, i * 0.3))}"`)).join('');
  return down('night', '#102F3B', '#1B4F5A', '#2F6F72') + down('room', tint('#123237', '#1F6468', on), tint('#0B2226', '#134A4E', on)) + glow('pool', '#F9D27A', 0.62)
    + rect(0, 0, W, H, 'url(#room)') + pane('study', 72, 84, 230, 270, view, '#08282B', '#0A3438')
    + fade(on, oval(262, 560, 330, 300, 'url(#pool)')) + table(600, tint('#3A2116', '#9A5A32', on), tint('#1D110B', '#6B3A20', on))
    + g('translate(20 650)', path('M0 40 60 0h300l54 172H-46Z', tint('#6E6250', '#FBF3E0', on)), path('M0 40 60 0h26L-8 172h-38Z', tint('#564B3C', '#E4CFA4', on)))
    + g('translate(-52 34)', line('M168 690a75 62 0 0 1 150 0', C.paprika, 6, dash(240, 0, 0.55)) + line('M168 690a18.700 18.700 0 0 0 37.500 0 18.700 18.700 0 0 0 37.500 0 18.700 18.700 0 0 0 37.500 0 18.700 18.700 0 0 0 37.500 0', C.amber, 6, dash(240, 0.3, 0.8)) + line('M243 690v52', C.teal, 7, dash(54, 0.75, 1))
      + fade(ease(t, 2, 2.5) * (1 - ease(t, 6.5, 7)), g(`translate(${r(at[0])} ${r(at[1])}) rotate(28)`, path('M0 0-7-22h14Z', '#E9D2AC'), path('M0 0-2.400-7h4.800Z', C.ink), rect(-7, -120, 14, 98, C.honey), rect(-7, -120, 5, 98, C.amber), rect(-7, -134, 14, 14, C.paprika))))
    + `<linearGradient id="cone" gradientUnits="userSpaceOnUse" x1="0" y1="400" x2="0" y2="780"><stop offset="0" stop-color="#F9D27A" stop-opacity=".5"/><stop offset="1" stop-color="#F9D27A" stop-opacity="0"/></linearGradient>` + fade(on, path('M214 400 10 780h420Z', 'url(#cone)'))
    + g('translate(66 300) scale(3.2)', LAMP.replace('#FFF0C4', on > 0.5 ? '#FFF0C4' : '#8B7A52'))
    + fade(1 - on, rect(0, 0, W, H, '#06181B', 'opacity=".42"'))
    + say('One click.', t, 0.3, 2.4, 508, 44) + say('My evening.', t, 2.8, 7.6, 508, 44);
};

// A plant grows through sixty days on one sill.
const growing = (t) => {
  const days = clamp((t - 0.3) / 6.2), turn = days * 3.25, sunUp = Math.sin(Math.PI * 2 * turn), light = clamp(0.55 + 0.6 * sunUp);
  const arc = (turn * 2) % 2;
  const grown = (from, to) => { const k = clamp((days - from) / (to - from)); return k >= 1 ? 1 : k <= 0 ? 0 : 1 - (1 - k) ** 3; };
  const leaf = (from, to, x, y, sway, ...parts) => g(`translate(${x} ${y}) rotate(${r(sway * wave(t, 3.2, x / 90))}) scale(${r(grown(from, to))}) translate(${-x} ${-y})`, ...parts);
  const plant = line(`M60 76C60 52 58 40 52 26`, '#2F5A3B', 3, `stroke-dasharray="56" stroke-dashoffset="${r(56 * (1 - grown(0.05, 0.55)))}"`) + line('M60 76c0-16 8-28 24-36', '#2F5A3B', 3, `stroke-dasharray="46" stroke-dashoffset="${r(46 * (1 - grown(0.25, 0.7)))}"`) + line('M60 76C58 64 46 56 30 54', '#2F5A3B', 3, `stroke-dasharray="42" stroke-dashoffset="${r(42 * (1 - grown(0.4, 0.8)))}"`)
    + leaf(0.3, 0.75, 53, 30, 4, path('M53 30C38 26 34 12 40 2c12 3 18 15 13 28Z', '#4D8A54'), path('M53 30C44 24 40 12 40 2c-6 10-2 24 13 28Z', '#35693F'))
    + leaf(0.5, 0.9, 82, 41, 4, path('M82 41c-3-16 8-26 21-27 3 14-6 27-21 27Z', '#63A05F'), path('M82 41c3-11 11-20 21-27-13 1-24 11-21 27Z', '#4D8A54'))
    + leaf(0.6, 1, 32, 55, 4, path('M32 55C20 62 8 56 4 45c11-6 25-2 28 10Z', '#3F7A49'), path('M32 55C24 48 13 45 4 45c4 11 16 17 28 10Z', '#2F5A3B'))
    + leaf(0.12, 0.5, 60, 62, 4, path('M60 62c6-12 20-14 30-7-5 11-19 15-30 7Z', '#3F7A49'))
    + path('M28 72h64l-7 30c-1 5-4 7-9 7H44c-5 0-8-2-9-7Z', C.clay) + path('M28 72h17l4 37h-5c-5 0-8-2-9-7Z', '#9A4522') + path('M24 66h72v11H24Z', '#D97A4C') + path('M24 66h18v11H24Z', '#AE552E') + line('M84 82l-4 19', '#F3B48C', 3);
  const dark = 1 - light;
  const stars = dark > 0.45 ? Array.from({ length: 14 }, (_, i) => disc(60 + rand(i) * 420, 60 + rand(i + 20) * 200, 2, '#F4E3C6', `opacity="${r((dark - 0.45) * 1.6)}"`)).join('') : '';
  const view = rect(0, 0, W, 620, 'url(#day)') + stars + sun(mix(500, 40, arc), 420 - 300 * Math.sin(Math.PI * clamp(arc)), 42, t)
    + hill(470, 60, 0.4, tint('#7FB0A0', '#1F4A4C', dark)) + hill(520, 40, 0.6, tint('#4F8A74', '#14383B', dark)) + hill(566, 22, 0.4, tint('#2F6A58', '#0C2A2D', dark));
  return down('day', tint('#8CCBC8', '#12313C', dark), tint('#D8ECD8', '#245058', dark), tint('#FBE3B0', '#4A6A68', dark)) + down('plaster', tint('#F1E3C8', '#5E5648', dark), tint('#DCC69D', '#463F34', dark)) + rect(0, 0, W, H, 'url(#plaster)')
    + pane('sill', 62, 70, 416, 500, view, '#FBF3E0', '#F6E9D2')
    + down('shelf', '#E3B06C', '#B27740') + rect(0, 600, W, 360, 'url(#shelf)') + rect(0, 600, W, 16, '#F6D9A4')
    + oval(232 - 60 * (arc - 0.5), 668, 150, 20, '#7A4A20', `opacity="${r(0.1 + 0.22 * light)}"`) + g('translate(66 238) scale(3.9)', plant)
    + fade(dark, rect(0, 0, W, H, '#0B2A33', 'opacity=".34"')) + say(`Day ${Math.max(1, Math.round(days * 60))}`, t, 0.1, 8.2, 110, 92) + say('Water on Sundays.', t, 4.2, 7.7, 176, 92);
};

// A candle burns while it rains outside.
const rain = (t) => {
  const flick = 1 + 0.05 * wave(t, 0.7) + 0.04 * wave(t, 0.43, 0.3), lean = 3 * wave(t, 1.9) + 2 * wave(t, 0.8, 0.2);
  const drops = Array.from({ length: 46 }, (_, i) => {
    const x = 60 + rand(i) * 420, speed = 420 + rand(i + 7) * 260, y = ((t * speed + rand(i + 50) * 760) % 620) - 40;
    return line(`M${r(x)} ${r(y)}l-5 ${r(22 + rand(i) * 20)}`, '#8FC3C0', 2, `opacity="${r(0.22 + 0.25 * rand(i + 3))}"`);
  }).join('');
  const beads = Array.from({ length: 14 }, (_, i) => { const y = (rand(i + 70) * 500 + Math.max(0, t - rand(i) * 6) * (12 + rand(i + 4) * 40)) % 520; return oval(74 + rand(i + 30) * 392, 60 + y, 3.4, 5, '#BFE0DA', 'opacity=".5"'); }).join('');
  const view = rect(0, 0, W, 620, 'url(#wet)') + hill(420, 40, 0.5, '#12383E') + hill(480, 30, 0.4, '#0D2B31')
    + [0, 1, 2, 3, 4].map((i) => disc(110 + i * 84, 452 + (i % 3) * 20, 13 + (i % 2) * 6, '#F0B33A', `opacity="${r(0.24 + 0.05 * wave(t, 3, i * 0.3))}"`)).join('') + drops + beads;
  return down('wet', '#0E2A33', '#1C4A52', '#2A5F62') + glow('warm', '#F7A45C', 0.62) + glow('halo', '#FFF0C4', 0.55) + rect(0, 0, W, H, '#3A2018')
    + pane('rainy', 62, 70, 416, 430, view, '#2A1510', '#4A281B') + oval(250, 470, 400 * flick, 380 * flick, 'url(#warm)')
    + table(560, '#A5672F', '#5B2F1B') + g('rotate(-4 410 650)', rect(330, 640, 190, 26, C.teal, 'rx="4"'), rect(338, 616, 176, 26, C.paprika, 'rx="4"'), rect(338, 622, 176, 4, C.honey), rect(330, 646, 190, 4, '#23797A'))
    + use('throw', 300, 470, 190) + use('candle', 70, 296, 360)
    + g(`translate(250 ${r(410)}) scale(${r(3 * (1 + 0.02 * wave(t, 0.9)))} ${r(3 * flick)}) rotate(${r(lean)}) translate(-60 -38)`, path('M60 38c-8-3-8-13 0-24 8 11 8 21 0 24Z', C.honey), path('M60 37c-4-2-4-7 0-13 4 6 4 11 0 13Z', '#FFF3D6'))
    + oval(250, 366, 120 * flick, 120 * flick, 'url(#halo)')
    + say('Rain outside.', t, 0.7, 3.4, 104, 84) + say('Fig and cedar in here.', t, 3.7, 7.6, 104, 84);
};

// A loaf is sliced on its board.
const crust = (t) => {
  const cuts = [1.3, 3, 4.7], left = 176, thick = 36;
  const swing = (at) => ease(t, at - 0.6, at - 0.2) * (1 - ease(t, at + 0.7, at + 1));
  const busy = Math.max(...cuts.map(swing)), which = t < 2.3 ? 0 : t < 4 ? 1 : 2;
  const gone = cuts.map((at) => drop(t, at + 0.45, at + 1.2)), cutting = clamp((t - cuts[which] + 0.2) / 0.7);
  const face = (k) => oval(0, 0, 46, 68, '#BF7F35') + oval(1, 1, 36, 57, '#F6E3BE') + [[-14, -22, 5], [8, -8, 6], [-4, 18, 4], [14, 24, 4], [-16, 4, 3], [12, -34, 3]].map(([x, y, s]) => disc(x, y, s + k, '#E4C794')).join('');
  const slice = (i) => gone[i] <= 0 ? '' : g(`translate(${r(mix(left + i * thick, 92 + i * 66, gone[i]))} ${r(mix(534, 634 + i * 10, gone[i]))}) rotate(${r(mix(0, -18 + i * 8, gone[i]))})`, oval(-10, 66, 62, 11, '#5A2A16', 'opacity=".35"'), oval(-9, 0, 46, 68, '#A5672F'), face(0));
  const crumbs = Array.from({ length: 16 }, (_, i) => { const k = t - cuts[i % 3] - rand(i) * 0.5; return k < 0 ? '' : disc(left + (i % 3) * thick + (rand(i + 5) - 0.5) * 170 * Math.min(k, 0.6), Math.min(612 + rand(i + 11) * 60, 560 - 60 * k + 420 * k * k), 2.8, '#E3A95C'); }).join('');
  const from = left + thick * gone.filter((k) => k > 0).length, scores = [0, 1, 2, 3, 4].map((i) => left + 62 + i * 52).filter((x) => x > from + 46);
  return down('wall', '#F4D9A4', '#E7B98A') + down('loaf', '#EDB967', '#D8984A', '#B97A33') + rect(0, 0, W, H, 'url(#wall)') + path('M540 0v470L120 0Z', '#FFF0C4', `opacity="${r(0.34 + 0.05 * wave(t, 8))}"`)
    + rect(40, 206, 250, 16, '#9A6130') + rect(40, 222, 250, 6, '#6B4020') + use('oil', 52, 90, 126) + use('honey', 150, 96, 118) + rect(330, 206, 150, 16, '#9A6130') + rect(330, 222, 150, 6, '#6B4020') + use('mug', 352, 116, 96)
    + tiles(330, 150) + table(476, '#E3A95C', '#A5672F')
    + oval(250, 706, 250, 40, '#3F2015', 'opacity=".4"') + path('M30 640 118 520h372l-76 138c-5 12-14 18-30 18H52c-22 0-34-20-22-36Z', C.wood) + path('M26 656c0 10 4 42 26 48h330c18 0 28-8 34-22l74-130v-32l-76 138c-5 12-14 18-30 18H52c-16 0-26-10-26-20Z', '#9A6130') + line('M150 560h210M120 604h170', '#B27740', 4) + disc(462, 540, 9, '#6B4020')
    + steam(330, 470, 150, t, 0.2, 0.4) + steam(400, 474, 130, t, 0.6, 0.34)
    + oval(330, 602, 176, 14, '#5A2A16', 'opacity=".35"') + path(`M${r(from)} 466H410c58 0 86 30 86 68s-28 68-86 68H${r(from)}Z`, 'url(#loaf)') + scores.map((x) => line(`M${x} 474c20 20 24 52 12 84`, '#F9DFAE', 10)).join('') + line('M448 482c22 10 34 30 34 50', '#FBE7C0', 5)
    + g(`translate(${r(from)} 534)`, face(0))
    + slice(0) + slice(1) + slice(2) + crumbs
    + g(`translate(${r(mix(300, left + which * thick + 74, busy) + busy * 20 * wave(t, 0.42))} ${r(mix(240, 396 + 120 * cutting, busy))}) rotate(${r(mix(-8, 14, busy))}) translate(-120 -134)`, bare('knife', 0, 0, 276))
    + say('Listen.', t, 0.2, 1.6, 262, 44) + say('That crust.', t, 5.5, 7.7, 262, 44);
};
