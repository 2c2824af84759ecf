// Numbers that move: what the stream tells is written where the page shows it.

import { all, one } from "./dom";
import { amount, clockTime, count, seconds, share, written } from "./intl";

type Item = Record<string, unknown> & { entity: string };

interface News {
  as_of: string;
  lag_ms: number;
  items?: Item[];
}

interface Amount {
  amount: number;
  currency: string;
}

type Heard = (item: Item) => void;

const dig = (item: unknown, path: string): unknown => path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], item);

/** The value of a field as data-raw holds it; undefined when the item does not have it. */
export function rawOf(item: Item, field: string): string | undefined {
  const v = dig(item, field);
  if (v === undefined) return undefined;
  if (v === null) return "";
  if (typeof v === "object") return `${(v as Amount).amount} ${(v as Amount).currency}`;
  return String(v);
}

/** Writes every number of a part in the viewer's own way. */
export function localize(root: ParentNode = document): void {
  for (const e of all<HTMLElement>("[data-raw]", root)) if (e.dataset.raw) show(e, e.dataset.raw, false);
}

function show(e: HTMLElement, raw: string, roll: boolean): void {
  const text = written(e.dataset.as ?? "count", raw, e instanceof SVGElement);
  if (e.textContent === text) return;
  e.textContent = text;
  if (!roll || e instanceof SVGElement) return;
  e.classList.remove("rolled");
  void e.offsetWidth; // begin the movement anew
  e.classList.add("rolled");
}

const rates = ["ctr", "ctor", "cvr", "aov", "gpm", "show_gpm", "epc"];

/** What stands under a number: on what it stands, and between which it lies. */
function range(item: Item, field: string): string | undefined {
  const n = dig(item, `n.${field}`) as number | undefined;
  const within = dig(item, `intervals.${field}`) as [number, number] | null | undefined;
  if (n !== undefined) {
    const base = `n = ${count(n)}`;
    return within ? `${share(within[0]).replace(/[\s%]+$/u, "")}–${share(within[1])}, ${base}` : base;
  }
  switch (field) {
    case "orders":
      return `${words(item.sku_orders as number, "SKU order")}, ${words(item.units as number, "unit")}`;
    case "gmv": {
      const net = item.net_gmv as Amount | null;
      return net ? `net ${amount(net.amount, net.currency)}` : "";
    }
    case "velocity.units_per_hour_1h":
      return `5 min ${written("hourly", rawOf(item, "velocity.units_per_hour_5m") ?? "")}, 24 h ${written("hourly", rawOf(item, "velocity.units_per_hour_24h") ?? "")}`;
  }
  return undefined;
}

const words = (n: number, one: string): string => `${count(n)} ${n === 1 ? one : `${one}s`}`;

function apply(item: Item, roll: boolean): void {
  const of = CSS.escape(item.entity);
  for (const e of all<HTMLElement>(`[data-of="${of}"][data-raw]`)) {
    const field = e.dataset.field ?? "";
    const raw = rawOf(item, field);
    if (raw === undefined || (raw === "" && e.dataset.raw && !rates.includes(field))) continue; // nothing sold is no unknown sum
    e.dataset.raw = raw;
    show(e, raw, roll);
    if (rates.includes(field)) e.classList.toggle("faint", ((dig(item, `n.${field}`) as number) ?? 0) < 30);
  }
  for (const e of all<HTMLElement>("[data-range-of]")) {
    const [entity, field] = (e.dataset.rangeOf ?? "").split(" ");
    if (entity !== item.entity || !field) continue;
    const text = range(item, field);
    if (text !== undefined && e.textContent !== text) e.textContent = text;
  }
  for (const e of all<HTMLElement>("[data-early-of]")) {
    const [entity, field] = (e.dataset.earlyOf ?? "").split(" ");
    if (entity === item.entity && field && rates.includes(field)) e.hidden = ((dig(item, `n.${field}`) as number) ?? 0) >= 30;
  }
  for (const svg of all<SVGElement>(`[data-funnel="${of}"]`)) funnel(svg, item);
}

/** True linear lengths, in the hundred and fifty units of the first; a sliver stays a sliver. */
function funnel(svg: SVGElement, item: Item): void {
  const bars = all<SVGRectElement>("[data-step]", svg);
  const first = Number(dig(item, bars[0]?.dataset.step ?? "") ?? 0);
  for (const b of bars) {
    const n = Number(dig(item, b.dataset.step ?? "") ?? 0);
    b.setAttribute("width", n > 0 && first > 0 ? Math.max(3, 150 * Math.min(1, n / first)).toFixed(1) : "0");
  }
}

/** After how long without a word the page says that it is not connected, in milliseconds. */
const silence = 12_000;

/** Follows the page's stream; heard is told of each item after it was written. */
export function follow(heard: Heard): void {
  const line = one("[data-stream]");
  if (!line || !("EventSource" in window)) return;
  const behind = one("[data-behind]", line);
  let timer = 0;
  let first = true;
  const word = (n: News) => {
    line.classList.remove("away");
    if (behind) behind.textContent = `${clockTime(new Date(n.as_of))}, ${seconds(n.lag_ms / 1000)} s behind`;
    clearTimeout(timer);
    timer = window.setTimeout(away, silence);
  };
  const away = () => {
    line.classList.add("away");
    if (behind && !behind.textContent?.includes("waiting")) behind.textContent = `${behind.textContent?.split(",")[0] ?? ""}, waiting for the server`;
  };
  let source: EventSource | null = null;
  const take = (e: MessageEvent<string>) => {
    const n = JSON.parse(e.data) as News;
    word(n);
    for (const item of n.items ?? []) {
      apply(item, !first);
      heard(item);
    }
    first = false;
  };
  const listen = () => {
    source?.close();
    const opened = (source = new EventSource(line.dataset.stream ?? ""));
    for (const name of ["snapshot", "change", "beat"]) opened.addEventListener(name, take as EventListener);
    opened.addEventListener("error", () => {
      // The browser comes back by itself, with the last id, unless the answer was a refusal.
      if (opened !== source || opened.readyState !== EventSource.CLOSED) return;
      away();
      window.setTimeout(() => opened === source && listen(), 5000);
    });
  };
  // What nobody looks at is not sent.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return listen();
    source?.close();
    source = null;
  });
  listen();
}
