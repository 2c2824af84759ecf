// The feed: one film a screen, the next one loading, the product over it.

import { all, askIn, icon, one, say, signedIn, toast } from "./dom";
import { enhance } from "./forms";
import { teller } from "./events";
import { choose, draw, Watch, type Item } from "./reel";
import { count } from "./format";
import { Over } from "./over";
import { fragment, shop } from "./shop";

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const wide = matchMedia("(min-width: 1180px)");
const reel = one("main.reel")!;
const panel = one("[data-panel]");
const over = new Over();

let sound = localStorage.getItem("mezzo.sound") === "1";
let current: Clip | null = null;
let cursor = reel.dataset.cursor ?? "";
let loading = false;
const clips = new Map<Element, Clip>();
const sheets = new Map<string, Promise<string>>();

class Clip {
  readonly video: HTMLVideoElement;
  readonly named: { impression: string; video_id: string };
  readonly watch: Watch;
  private halted = calm; // stands still until somebody plays it
  private seen = false;
  private clicked = false;
  private taps = 0;

  constructor(readonly root: HTMLElement) {
    this.video = one<HTMLVideoElement>("video", root)!;
    this.video.controls = false;
    this.named = { impression: root.dataset.impression ?? "", video_id: root.dataset.clip ?? "" };
    this.watch = new Watch(this.named, this.video);
    this.video.addEventListener("playing", () => root.classList.add("playing"));
    this.video.addEventListener("pause", () => this.watch.stop());
    one(".screen", root)?.addEventListener("click", (e) => this.tap(e));
    one("form[data-like]", root)?.addEventListener("submit", (e) => { e.preventDefault(); this.like(!this.liked); });
    one("form[data-follow]", root)?.addEventListener("submit", (e) => { e.preventDefault(); void this.follow(e.target as HTMLFormElement); });
    one("[data-share]", root)?.addEventListener("click", (e) => { e.preventDefault(); void this.share(); });
    one("[data-comments]", root)?.addEventListener("click", (e) => { e.preventDefault(); void this.talk(); });
    one("[data-sound]", root)?.addEventListener("click", () => setSound(!sound));
    one("form[data-hide]", root)?.addEventListener("submit", (e) => { e.preventDefault(); this.hide(); });
    one("form[data-hide-creator]", root)?.addEventListener("submit", (e) => { e.preventDefault(); void this.hideCreator(); });
    one("[data-go-next]", root)?.addEventListener("click", () => go(1));
    one("[data-offers]", root)?.addEventListener("click", (e) => {
      const card = (e.target as Element).closest<HTMLElement>("[data-offer]");
      if (card && !e.ctrlKey && !e.metaKey) { e.preventDefault(); void this.open(card.dataset.offer!); }
    });
    one(".caption", root)?.addEventListener("click", (e) => e.stopPropagation());
  }

  get liked(): boolean { return this.root.dataset.liked === "true"; }
  get product(): string { return one("[data-offer]", this.root)?.dataset.offer ?? ""; }

  impress(): void {
    if (this.seen || !this.named.impression) return;
    this.seen = true;
    teller.note({ type: "impression", impression: this.named.impression, video_id: this.named.video_id });
  }

  load(how: "auto" | "metadata"): void {
    if (!this.video.src) this.video.src = choose(this.video);
    this.video.preload = how;
  }

  unload(): void {
    if (!this.video.src) return;
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    this.root.classList.remove("playing");
  }

  async play(): Promise<void> {
    if (this.halted || document.hidden) {
      this.root.classList.toggle("halted", this.halted);
      return;
    }
    this.load("auto");
    this.video.muted = !sound;
    try {
      await this.video.play();
    } catch {
      // Browsers let nothing sound before a tap: play it silently instead.
      this.video.muted = true;
      await this.video.play().catch(() => undefined);
    }
  }

  leave(): void {
    this.video.pause();
    this.watch.stop();
    one<HTMLDetailsElement>("details.menu[open]", this.root)?.removeAttribute("open");
  }

  turn(): void {
    this.halted = !this.video.paused;
    if (this.halted) this.video.pause();
    else void this.play();
    this.root.classList.toggle("halted", this.halted);
  }

  private tap(e: MouseEvent): void {
    if ((e.target as Element).closest("a,button,summary,details,form,.offer")) return;
    this.taps++;
    if (this.taps === 2) {
      this.burst(e);
      if (!this.liked) this.like(true);
    }
    window.setTimeout(() => {
      if (this.taps === 1) this.turn();
      this.taps = 0;
    }, this.taps === 1 ? 240 : 0);
  }

  private burst(e: MouseEvent): void {
    const heart = icon("heart", false);
    heart.setAttribute("class", "heart-burst");
    const box = this.root.getBoundingClientRect();
    heart.style.left = `${e.clientX - box.left}px`;
    heart.style.top = `${e.clientY - box.top}px`;
    this.root.append(heart);
    window.setTimeout(() => heart.remove(), 700);
  }

  like(on: boolean): void {
    if (!signedIn()) return askIn("Sign in to like it.");
    const show = (liked: boolean, by: number) => {
      this.root.dataset.liked = String(liked);
      one("button.like", this.root)?.setAttribute("aria-pressed", String(liked));
      const n = one("[data-likes]", this.root);
      if (n && /^[\d,]+$/.test(n.textContent ?? "")) n.textContent = count(Math.max(0, Number(n.textContent!.replaceAll(",", "")) + by));
    };
    show(on, on ? 1 : -1);
    if (on) teller.note({ type: "like", ...this.named });
    void call(on ? "PUT" : "DELETE", `/videos/${this.named.video_id}/like`).then((ok) => {
      if (!ok) show(!on, on ? -1 : 1);
    });
  }

  private async follow(form: HTMLFormElement): Promise<void> {
    if (!signedIn()) return askIn("Sign in to follow.");
    const handle = form.action.match(/\/c\/([^/]+)\/follow/)?.[1];
    if (!handle || !(await call("PUT", `/creators/${handle}/follow`))) return;
    teller.note({ type: "follow", ...this.named });
    form.remove();
    toast(`You follow ${this.root.dataset.creator}.`, { text: "See them all", url: "/following" });
  }

  private async share(): Promise<void> {
    const url = new URL(`/v/${this.named.video_id}`, location.href).href;
    teller.note({ type: "share", ...this.named });
    try {
      if (navigator.share) await navigator.share({ url, title: this.root.dataset.creator });
      else {
        await navigator.clipboard.writeText(url);
        toast("The address is copied.");
      }
    } catch {
      // The person closed the choice, or the browser keeps the clipboard shut: nothing is lost.
    }
  }

  private async talk(): Promise<void> {
    const url = `/v/${this.named.video_id}/comments?sheet=1`;
    await over.show(fragment(url), `/v/${this.named.video_id}/comments`, "Comments");
    const wire = () => {
      one("form[data-talk]", over.body)?.addEventListener("submit", (e) => {
        e.preventDefault();
        const area = one<HTMLTextAreaElement>("textarea, input[name=text]", e.target as HTMLElement);
        const text = area?.value.trim();
        if (!text) return;
        void call("POST", `/videos/${this.named.video_id}/comments`, { text }).then(async (ok) => {
          if (!ok) return;
          teller.note({ type: "comment", ...this.named });
          over.fill(await fragment(url));
          wire();
        });
      });
    };
    wire();
  }

  private hide(): void {
    teller.now({ type: "hide", ...this.named });
    go(1);
    toast("You will see less like this.", undoing(async () => {
      await teller.told();
      if (await call("DELETE", `/feed/hidden_videos/${this.named.video_id}`)) this.back("It may come again.");
    }));
  }

  private async hideCreator(): Promise<void> {
    const path = `/feed/hidden_creators/${this.root.dataset.handle}`;
    if (!(await call("PUT", path))) return;
    go(1);
    toast(`${this.root.dataset.creator} is in your feed no more.`, undoing(async () => {
      if (await call("DELETE", path)) this.back(`${this.root.dataset.creator} may be in your feed again.`);
    }));
  }

  private back(says: string): void {
    this.root.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    toast(says);
  }

  clickProduct(product: string): void {
    if (this.clicked && product === this.product) return;
    this.clicked = true;
    teller.now({ type: "product_click", ...this.named, product_id: product });
  }

  sheetURL(product: string): string {
    return `/products/${product}?sheet=1&impression=${encodeURIComponent(this.named.impression)}`;
  }

  async open(product: string): Promise<void> {
    this.clickProduct(product);
    if (wide.matches && panel) {
      one<HTMLElement>("input, button", panel)?.focus();
      return;
    }
    await over.show(fetchSheet(this.sheetURL(product)), `/products/${product}?impression=${encodeURIComponent(this.named.impression)}`, "Product");
    shop(over.body);
  }
}

async function call(method: string, path: string, body?: unknown): Promise<boolean> {
  try {
    const answer = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body ? JSON.stringify(body) : undefined,
    });
    if (answer.ok) return true;
    if (answer.status === 401) askIn("Sign in first.");
    else toast(((await answer.json().catch(() => ({}))) as { detail?: string }).detail ?? "That did not work. Nothing was changed.");
  } catch {
    toast("We lost the line. Nothing was changed.");
  }
  return false;
}

const undoing = (act: () => Promise<void>) => ({ text: "Undo", url: "/ranking", act: () => void act() });

function fetchSheet(url: string): Promise<string> {
  let s = sheets.get(url);
  if (!s) {
    s = fragment(url);
    sheets.set(url, s);
    window.setTimeout(() => sheets.delete(url), 60_000); // prices and stock go stale
  }
  return s;
}

function setSound(on: boolean): void {
  sound = on;
  localStorage.setItem("mezzo.sound", on ? "1" : "0");
  for (const b of all("[data-sound]")) b.setAttribute("aria-pressed", String(on));
  if (current) current.video.muted = !on;
}

function order(): Clip[] {
  return all("[data-clip]", reel).map((e) => clips.get(e)).filter((c): c is Clip => c !== undefined);
}

function go(by: number): void {
  const list = order();
  const at = current ? list.indexOf(current) : -1;
  const to = list[at + by]?.root ?? (by > 0 ? one("[data-end]", reel) : null);
  to?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

function become(c: Clip): void {
  if (current === c) return;
  current?.leave();
  current = c;
  const list = order();
  const at = list.indexOf(c);
  list.forEach((x, i) => {
    if (Math.abs(i - at) > 2) x.unload();
  });
  void c.play().then(() => list[at + 1]?.load("auto"));
  if (at >= list.length - 4) void more();
  beside(c);
}

let besideTimer = 0;

/** On a wide desk the product stands beside the film. */
function beside(c: Clip): void {
  clearTimeout(besideTimer);
  if (!panel || !wide.matches) return;
  if (one("form[data-sheet]", panel)?.dataset.impression === c.named.impression) return wirePanel(c);
  besideTimer = window.setTimeout(() => void (async () => {
    const product = c.product;
    if (!product) {
      panel.replaceChildren();
      return;
    }
    panel.setAttribute("aria-busy", "true");
    const html = await fetchSheet(c.sheetURL(product));
    if (current !== c) return;
    panel.removeAttribute("aria-busy");
    if (!html) return;
    panel.innerHTML = html;
    wirePanel(c);
  })(), 220);
}

function wirePanel(c: Clip): void {
  const form = panel && one("form[data-sheet]", panel);
  if (!form || form.dataset.wired) return;
  form.dataset.wired = "1";
  shop(panel!);
  // Standing beside the film is no click; touching it is one.
  for (const kind of ["pointerdown", "focusin"]) form.addEventListener(kind, () => c.clickProduct(form.dataset.product ?? ""), { once: true });
}

async function more(): Promise<void> {
  if (loading || !cursor) return;
  loading = true;
  try {
    const url = `/api/v1/feed?limit=8&surface=${encodeURIComponent(reel.dataset.surface ?? "home")}&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = (await answer.json()) as { items: Item[]; next_cursor: string | null };
    cursor = page.next_cursor ?? "";
    const end = one("[data-end]", reel);
    for (const item of page.items) {
      const e = draw(item);
      if (!e) continue;
      reel.insertBefore(e, end);
      adopt(e);
    }
    if (!cursor && end) {
      say(end, "h2", "You have seen everything there is");
      one("[data-next]", end)?.remove();
    }
  } catch {
    window.setTimeout(() => void more(), 5000);
  }
  loading = false;
}

const sight = new IntersectionObserver((entries) => {
  for (const e of entries) {
    const c = clips.get(e.target);
    if (!c) continue;
    if (e.intersectionRatio >= 0.5) c.impress();
    if (e.intersectionRatio >= 0.6) become(c);
    else if (c === current && e.intersectionRatio < 0.4) {
      c.leave();
      current = null;
    }
  }
}, { root: reel, threshold: [0.4, 0.5, 0.6] });

function adopt(e: HTMLElement): void {
  const c = new Clip(e);
  clips.set(e, c);
  one("[data-sound]", e)?.setAttribute("aria-pressed", String(sound));
  sight.observe(e);
}

function frame(): void {
  if (current && !current.video.paused && current.video.duration > 0) {
    const bar = one<HTMLProgressElement>("progress", current.root);
    if (bar) bar.value = (current.video.currentTime / current.video.duration) * 1000;
  }
  requestAnimationFrame(frame);
}

document.addEventListener("keydown", (e) => {
  if (over.isOpen || e.ctrlKey || e.metaKey || e.altKey) return;
  const on = e.target as HTMLElement;
  if (on.closest("input,textarea,select,[contenteditable]")) return;
  const pressed = on.closest("a,button,summary") !== null;
  switch (e.key) {
    case "ArrowDown": case "PageDown": case "j": go(1); break;
    case "ArrowUp": case "PageUp": case "k": go(-1); break;
    case " ": if (pressed) return; current?.turn(); break;
    case "m": case "M": setSound(!sound); break;
    case "l": case "L": current?.like(!current.liked); break;
    case "Enter": if (pressed || !current?.product) return; void current.open(current.product); break;
    default: return;
  }
  e.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) current?.leave();
  else void current?.play();
});
addEventListener("pagehide", () => current?.watch.stop());

enhance();
for (const e of all("[data-clip]", reel)) adopt(e);
window.setInterval(() => current?.watch.tick(), 250);
requestAnimationFrame(frame);
