// Charts of numbers over time, on a canvas that is as sharp as the screen.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { one } from "./dom";
import { moment, written } from "./intl";
import { rawOf } from "./live";

interface Point {
  start: string;
  [field: string]: unknown;
}

interface Chart {
  of: string;
  /** Told of each item of the stream about it. */
  heard(item: Record<string, unknown> & { entity: string }): void;
}

const height = 180;

/** How often a chart is read anew at most, in milliseconds. */
const pause = 1500;

/** How many seconds a chart that only the stream moves holds. */
const held = 120;

const grains: Record<string, [grain: string, span: number]> = { "1h": ["minute", 3600], "24h": ["hour", 86400], "7d": ["hour", 604800], "28d": ["day", 2419200] };

export function chart(figure: HTMLElement): Chart {
  const box = one(".canvas", figure)!;
  const { field = "", as = "count", window: span = "24h", plot: path = "", of = "" } = figure.dataset;
  let data: [number[], number[]] = [[], []];
  let currency = "";
  let drawn: uPlot | null = null;
  const text = (v: number) => written(as, as === "money" ? (currency ? `${v} ${currency}` : "") : String(v));

  const draw = () => {
    drawn?.destroy();
    box.replaceChildren();
    drawn = new uPlot(options(figure, box, data, text, path === "" ? "s" : span), data, box);
  };
  const set = (next: [number[], number[]]) => {
    data = next;
    if (drawn) drawn.setData(data);
    else if (data[0].length > 1) draw();
  };
  new ResizeObserver(() => {
    if (drawn && box.clientWidth && drawn.width !== box.clientWidth) drawn.setSize({ width: box.clientWidth, height });
  }).observe(box);
  for (const query of ["(prefers-color-scheme: dark)", `(resolution: ${devicePixelRatio}dppx)`]) matchMedia(query).addEventListener("change", () => drawn && draw());

  const load = async () => {
    const [grain, length] = grains[span] ?? grains["24h"]!;
    const from = new Date(Date.now() - length * 1000).toISOString();
    const answer = await fetch(`${path}?grain=${grain}&from=${from}`);
    if (!answer.ok) return;
    const s = (await answer.json()) as { points: Point[]; currency: string };
    currency = s.currency;
    set([s.points.map((p) => Date.parse(p.start) / 1000), s.points.map((p) => numberOf(p[field]))]);
  };
  if (path === "") {
    const before = (figure.dataset.past ?? "").split(" ").filter(Boolean).map((p) => p.split(":").map(Number) as [number, number]);
    set([before.map((p) => p[0]), before.map((p) => p[1])]);
    return {
      of,
      heard(item) {
        const raw = rawOf(item, field);
        if (raw === undefined || raw === "") return;
        const at = Date.parse(String(item.as_of ?? "")) / 1000 || Date.now() / 1000;
        const from = Math.max(0, data[0].length + 1 - held);
        set([[...data[0], at].slice(from), [...data[1], Number(raw)].slice(from)]);
      },
    };
  }
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    window.setTimeout(() => {
      waiting = false;
      void load();
    }, pause);
  };
  void load();
  window.setInterval(() => !document.hidden && void load(), 60_000);
  return { of, heard: soon };
}

const numberOf = (v: unknown): number => (typeof v === "number" ? v : v ? (v as { amount: number }).amount : 0);

function options(figure: HTMLElement, box: HTMLElement, data: [number[], number[]], text: (v: number) => string, span: string): uPlot.Options {
  const style = getComputedStyle(figure);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const font = `500 11px ${style.fontFamily}`;
  const label = one("[data-at]", figure);
  const days = span === "28d" || span === "7d";
  const when = (t: number) => {
    const at = new Date(t * 1000);
    if (span === "s") return at.toLocaleTimeString(undefined, { hour12: false });
    return span === "7d" ? `${moment(at, true)}, ${moment(at, false)}` : moment(at, days);
  };
  const axis = { stroke: colour("ink-3"), font, ticks: { show: false } };
  return {
    width: box.clientWidth,
    height,
    padding: [10, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
    scales: { x: span === "s" ? { time: true, range: (_u, _min, max) => [max - held + 1, max] } : { time: true }, y: { range: (_u, _min, max) => [0, nice(max)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 64, ...(span === "s" ? { incrs: [15, 30, 60] } : {}), values: (_u, ticks) => ticks.map((t) => (span === "s" ? when(t) : moment(new Date(t * 1000), days))) },
      { ...axis, grid: { stroke: colour("line"), width: 1 }, size: (_u, values) => 10 + 6.5 * Math.max(2, ...(values ?? []).map((v) => v.length)), splits: (u) => thirds(u.scales.y!.max ?? 1), values: (_u, ticks) => ticks.map((v) => (v ? text(v) : "")) },
    ],
    series: [
      {},
      {
        stroke: colour("accent"),
        fill: `color-mix(in srgb, ${colour("accent")} 10%, transparent)`,
        width: 2.25,
        // Only the last one, at now: a dot.
        points: { show: true, size: 9, width: 2, fill: colour("accent"), stroke: colour("surface"), filter: () => (data[0].length ? [data[0].length - 1] : []) },
      },
    ],
    hooks: {
      setCursor: [
        (u) => {
          if (!label) return;
          const i = u.cursor.idx;
          label.textContent = i == null ? "" : `${when(u.data[0][i]!)}: ${text(u.data[1]![i] ?? 0)}`;
        },
      ],
      setData: [
        (u) => {
          const n = u.data[0].length;
          u.series[1]!.points!.filter = () => (n ? [n - 1] : []);
        },
      ],
    },
  };
}

/** The next round number that three equal steps reach. */
function nice(max: number): number {
  if (!(max > 0)) return 3;
  const step = max / 3;
  const ten = 10 ** Math.floor(Math.log10(step));
  const whole = [1, 2, 5, 10].find((m) => m * ten >= step) ?? 10;
  return Math.max(3, 3 * Math.ceil(whole * ten));
}

const thirds = (max: number): number[] => [0, max / 3, (2 * max) / 3, max];
