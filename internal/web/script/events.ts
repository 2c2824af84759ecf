// What happens in the page, told to the server: batches in the background, clicks and carts at
// once. Every event carries an id of its own, so that telling it twice is harmless; what has not
// been acknowledged stays in localStorage and is told again.

export interface Happening {
  type: string;
  impression?: string;
  video_id?: string;
  product_id?: string;
  variant_id?: string;
  creator_id?: string;
  watch_ms?: number;
  position_ms?: number;
  quantity?: number;
}

interface Stamped extends Happening {
  id: string;
  at: string;
  session_id: string;
  seq: number;
}

const path = "/api/v1/events";
const most = 500; // kept unacknowledged; the oldest give way
const batch = 100; // the server's limit
const bytes = 60_000; // browsers refuse keepalive bodies of more than 64 KB
const prefix = "mezzo.events.";

/** A UUID, also where the page is not served over TLS. */
export function uuid(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6]! & 15) | 64;
  b[8] = (b[8]! & 63) | 128;
  const h = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

/** Takes as many events from the front as one request may hold. */
export function portion<T>(queue: readonly T[], count = batch, size = bytes): T[] {
  const out: T[] = [];
  let sum = 60;
  for (const e of queue) {
    sum += JSON.stringify(e).length + 1;
    if (out.length >= count || (out.length > 0 && sum > size)) break;
    out.push(e);
  }
  return out;
}

class Teller {
  private queue: Stamped[] = [];
  private seq = 0;
  private timer = 0;
  private busy = false;
  private wait = 1000;
  private readonly session = uuid();
  private readonly key = prefix + this.session;

  constructor() {
    this.adopt();
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.leave();
    });
    addEventListener("online", () => void this.flush());
    if (this.queue.length) this.soon(500);
  }

  /** Notes what happened; it leaves with the next batch. */
  note(h: Happening): void {
    this.queue.push(this.stamp(h));
    this.keep();
    this.soon(this.queue.length >= 20 ? 0 : 3000);
  }

  /** Tells what happened at once: clicks and carts, which may earn somebody something. */
  now(h: Happening): void {
    this.queue.push(this.stamp(h));
    this.keep();
    void this.flush();
  }

  /** Waits until all is told, for a few seconds: what undoes a thing must come after it. */
  async told(): Promise<void> {
    for (let k = 0; k < 30 && (this.busy || this.queue.length > 0); k++) {
      void this.flush();
      await new Promise((done) => window.setTimeout(done, 100));
    }
  }

  private stamp(h: Happening): Stamped {
    return { id: uuid(), at: new Date().toISOString(), session_id: this.session, seq: ++this.seq, ...h };
  }

  private soon(ms: number): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.flush(), ms);
  }

  private async flush(): Promise<void> {
    if (this.busy || this.queue.length === 0) return;
    this.busy = true;
    const part = portion(this.queue);
    let done = false;
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "text/plain" },
        body: JSON.stringify({ sent_at: new Date().toISOString(), events: part }),
        keepalive: true,
        credentials: "same-origin",
      });
      // Refused as malformed: telling it again would not help.
      done = answer.ok || (answer.status >= 400 && answer.status < 500 && answer.status !== 429 && answer.status !== 408);
      const after = Number(answer.headers.get("Retry-After"));
      if (!done && after > 0) this.wait = Math.max(this.wait, after * 1000);
    } catch {
      // The line is down: the same events are told again, with the same ids.
    }
    this.busy = false;
    if (done) {
      const told = new Set(part.map((e) => e.id));
      this.queue = this.queue.filter((e) => !told.has(e.id));
      this.wait = 1000;
      this.keep();
      if (this.queue.length) this.soon(this.queue.length >= 20 ? 0 : 1500);
    } else {
      this.soon(this.wait);
      this.wait = Math.min(this.wait * 2, 60_000);
    }
  }

  /** The page may be gone in a moment: beacons carry what is left. They are not acknowledged, so
   *  the events stay kept and are told once more by the next page. */
  private leave(): void {
    let rest: readonly Stamped[] = this.queue;
    while (rest.length) {
      const part = portion(rest);
      const body = JSON.stringify({ sent_at: new Date().toISOString(), events: part });
      if (!navigator.sendBeacon(path, new Blob([body], { type: "text/plain" }))) break;
      rest = rest.slice(part.length);
    }
    this.keep();
  }

  private keep(): void {
    if (this.queue.length > most) this.queue = this.queue.slice(-most);
    try {
      if (this.queue.length) localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), queue: this.queue }));
      else localStorage.removeItem(this.key);
    } catch {
      // Storage is full or forbidden: the queue lives in memory alone.
    }
  }

  /** Takes over what pages before this one could not tell. */
  private adopt(): void {
    try {
      for (const k of Object.keys(localStorage).filter((k) => k.startsWith(prefix))) {
        const kept = JSON.parse(localStorage.getItem(k) ?? "{}") as { at?: number; queue?: Stamped[] };
        localStorage.removeItem(k);
        if (Array.isArray(kept.queue) && Date.now() - (kept.at ?? 0) < 72 * 3600_000) this.queue.push(...kept.queue);
      }
      this.keep();
    } catch {
      // Nothing can be read: nothing is taken over.
    }
  }
}

export const teller = new Teller();

/** Notes an impression of every element with a token, once half of it has been on screen. */
export function watchImpressions(root: ParentNode = document): void {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const e of entries) {
        if (!e.isIntersecting) continue;
        seen.unobserve(e.target);
        const impression = (e.target as HTMLElement).dataset.impression;
        if (impression) teller.note({ type: "impression", impression });
      }
    },
    { threshold: 0.5 },
  );
  for (const e of root.querySelectorAll("a[data-impression]:not([data-impression=''])")) seen.observe(e);
}
