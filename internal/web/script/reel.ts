// One film of the feed: how it is drawn from the API's answer, and how long it was truly watched.

import { all, clone, one, say } from "./dom";
import { teller } from "./events";
import { count, disclosure, money, type Money } from "./format";

export interface Item {
  impression: string;
  slot: number;
  why?: string[];
  exploration?: boolean;
  video: {
    id: string;
    caption: string;
    sources: { url: string; type: string; height: number; bitrate: number }[];
    poster_url?: string;
    creator: { handle: string; display_name: string; avatar_url?: string; following?: boolean };
    disclosure: string[];
    products: Product[];
    counts: { likes: number; comments: number };
    liked?: boolean;
  };
}

interface Product {
  id: string;
  title: string;
  price: Money;
  from?: boolean;
  image_url?: string;
  available?: number;
  rating?: { average: number; count: number } | null;
}

/** Draws a film from the page's own <template>, so that there is one markup of it. */
export function draw(item: Item): HTMLElement | null {
  const e = clone("clip");
  if (!e) return null;
  const v = item.video;
  const c = v.creator;
  e.dataset.clip = v.id;
  e.dataset.impression = item.impression;
  e.dataset.creator = c.display_name;
  e.dataset.liked = String(v.liked ?? false);
  const words = `Video by ${c.display_name}`;
  e.setAttribute("aria-label", words);
  const still = one<HTMLImageElement>("img.still", e);
  if (still && v.poster_url) still.src = v.poster_url;
  const video = one<HTMLVideoElement>("video", e);
  if (video) {
    video.setAttribute("aria-label", words);
    video.replaceChildren(...v.sources.map((s) => {
      const source = document.createElement("source");
      source.src = s.url;
      source.type = s.type;
      source.dataset.height = String(s.height);
      source.dataset.bitrate = String(s.bitrate);
      return source;
    }));
  }
  e.dataset.handle = c.handle;
  const hidden = one<HTMLInputElement>("form[data-hide] input[name=video]", e);
  if (hidden) hidden.value = v.id;
  const handle = one<HTMLInputElement>("form[data-hide-creator] input[name=handle]", e);
  if (handle) handle.value = c.handle;
  say(e, "form[data-hide-creator] button", `Hide ${c.display_name}`);
  for (const a of all<HTMLAnchorElement>("[data-creator-link]", e)) a.href = `/c/${c.handle}`;
  say(e, ".who-line > a", c.display_name);
  face(one("[data-face]", e), c.display_name, c.avatar_url);
  one("[data-labels]", e)?.replaceChildren(...v.disclosure.map(label).filter((x) => x !== null));
  say(e, "[data-text]", v.caption);
  const more = one("[data-more]", e);
  if (more) more.hidden = v.caption.length < 90;
  say(e, "[data-likes]", count(v.counts.likes));
  say(e, "[data-comment-count]", count(v.counts.comments));
  one("button.like", e)?.setAttribute("aria-pressed", String(v.liked ?? false));
  link(e, "[data-comments]", `/v/${v.id}/comments`);
  link(e, "[data-share]", `/v/${v.id}`);
  link(e, "[data-report]", `/v/${v.id}/report`);
  const follow = one<HTMLFormElement>("form[data-follow]", e);
  if (follow) {
    follow.action = `/c/${c.handle}/follow`;
    one("button", follow)?.setAttribute("aria-label", `Follow ${c.display_name}`);
    if (c.following) follow.remove();
  }
  one("[data-why]", e)?.replaceChildren(...(item.why ?? []).map((w) => {
    const li = document.createElement("li");
    li.textContent = w;
    return li;
  }));
  one("[data-offers]", e)?.replaceChildren(...v.products.map((p) => offer(p, item.impression)).filter((x) => x !== null));
  return e;
}

function link(e: HTMLElement, selector: string, url: string): void {
  const a = one<HTMLAnchorElement>(selector, e);
  if (a) a.href = url;
}

function face(a: HTMLElement | null, name: string, url?: string): void {
  a?.setAttribute("aria-label", name);
  const f = a && one(".face", a);
  if (!f) return;
  f.textContent = url ? "" : name.slice(0, 1).toUpperCase();
  if (url) f.append(image(url));
}

function image(url: string): HTMLImageElement {
  const img = document.createElement("img");
  img.alt = "";
  img.loading = "lazy";
  img.src = url;
  return img;
}

function label(kind: string): HTMLElement | null {
  const e = clone("disclosure");
  e?.replaceChildren(e.firstElementChild ?? "", disclosure(kind)); // words in the icon would be there and not be seen
  return e;
}

function offer(p: Product, impression: string): HTMLElement | null {
  const e = clone("offer");
  if (!e) return null;
  e.dataset.offer = p.id;
  say(e, "[data-title]", p.title);
  say(e, "[data-price]", `${p.from ? "from " : ""}${money(p.price)}`);
  if (p.available !== undefined) say(e, "[data-left]", p.available <= 0 ? "sold out" : p.available > 99 ? "in stock" : `${p.available} left`);
  const tile = one(".tile", e);
  if (tile && p.image_url) tile.replaceChildren(image(p.image_url));
  link(e, "[data-view]", `/go?t=${encodeURIComponent(impression)}&p=${encodeURIComponent(p.id)}`);
  return e;
}

/** The smallest rendition that is sharp enough here, or the smallest of all when data is dear. */
export function choose(video: HTMLVideoElement, pixels = innerHeight * Math.min(devicePixelRatio, 2)): string {
  const sources = all<HTMLSourceElement>("source", video)
    .map((s) => ({ url: s.src, height: Number(s.dataset.height) || 0 }))
    .sort((a, b) => a.height - b.height);
  const connection = (navigator as { connection?: { saveData?: boolean; effectiveType?: string } }).connection;
  const dear = connection?.saveData || /2g|3g/.test(connection?.effectiveType ?? "");
  if (dear) return sources[0]?.url ?? "";
  return (sources.find((s) => s.height >= pixels * 0.6) ?? sources.at(-1))?.url ?? "";
}

/** Counts the time a film truly plays on screen: a view after two seconds, a delta every five. */
export class Watch {
  private played = 0;
  private told = 0;
  private viewed = false;
  private last = 0;

  constructor(private readonly named: { impression: string; video_id: string }, private readonly video: HTMLVideoElement) {}

  /** Called while the film may be playing, a few times a second. */
  tick(at = performance.now()): void {
    const playing = !this.video.paused && !this.video.seeking && this.video.readyState >= 3;
    if (playing && this.last) this.played += Math.min(at - this.last, 1000);
    this.last = playing ? at : 0;
    if (!this.viewed && this.played >= 2000) {
      this.viewed = true;
      teller.note({ type: "view", ...this.named });
    }
    if (this.played - this.told >= 5000) this.tell();
  }

  /** Tells what was watched since it was told last: on pause, on leaving, every five seconds. */
  tell(): void {
    const watched = Math.round(this.played - this.told);
    if (watched < 250) return;
    this.told = this.played;
    teller.note({ type: "watch", ...this.named, watch_ms: watched, position_ms: Math.round(this.video.currentTime * 1000) });
  }

  stop(): void {
    this.tick();
    this.last = 0;
    this.tell();
  }
}
