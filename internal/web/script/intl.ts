// Numbers as the viewer's own language writes them.

const languages = navigator.languages.length ? Array.from(navigator.languages) : undefined;

const kept = new Map<string, Intl.NumberFormat>();

function format(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  let f = kept.get(key);
  if (!f) {
    try {
      f = new Intl.NumberFormat(languages, options);
    } catch {
      f = new Intl.NumberFormat("en", options);
    }
    kept.set(key, f);
  }
  return f;
}

const plain = (digits: number) => format(`n${digits}`, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A whole number; in a narrow place short from ten thousand on. */
export function count(n: number, narrow = false): string {
  if (narrow && n >= 10_000) return format("short", { notation: "compact", maximumFractionDigits: 1 }).format(n);
  return plain(0).format(n);
}

/** Minor units of a currency, with all its decimals. */
export function amount(minor: number, currency: string): string {
  const f = format(`m${currency}`, { style: "currency", currency });
  const places = f.resolvedOptions().maximumFractionDigits ?? 2;
  return f.format(minor / 10 ** places);
}

/** A share in percent with as many figures as help. */
export function share(v: number): string {
  const digits = v >= 0.1 ? 0 : v > 0 && v < 0.01 ? 2 : 1;
  return format(`p${digits}`, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(v);
}

const each = (v: number, of: string) => `${plain(v >= 100 ? 0 : 1).format(v)} / ${of}`;

export const millis = (ms: number): string =>
  ms >= 1000 ? `${plain(1).format(ms / 1000)} s` : `${plain(ms >= 10 ? 0 : 1).format(ms)} ms`;

export function seconds(s: number): string {
  return plain(1).format(s);
}

function bytes(n: number): string {
  for (const [of, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]] as const) if (n >= of) return `${plain(1).format(n / of)} ${name}`;
  return `${plain(0).format(n)} B`;
}

/** A span as one says it: "40 min", "5 h", "3 days". */
function span(s: number): string {
  if (s < 3600) return `${count(Math.floor(s / 60))} min`;
  if (s < 48 * 3600) return `${count(Math.floor(s / 3600))} h`;
  return `${count(Math.floor(s / 86400))} days`;
}

function time(s: number): string {
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two((s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** Writes a raw value the way its place asks for; "–" for nothing. Raw money is "1999 USD". */
export function written(as: string, raw: string, narrow = false): string {
  if (raw === "") return "–";
  const [first, currency] = raw.split(" ");
  const n = Number(first);
  switch (as) {
    case "money":
      return amount(n, currency ?? "USD");
    case "share":
      return share(n);
    case "hourly":
      return each(n, "h");
    case "persec":
      return each(n, "s");
    case "ms":
      return millis(n);
    case "bytes":
      return bytes(n);
    case "span":
      return span(n);
    case "time":
      return time(n);
  }
  return count(n, narrow);
}

const clock = new Intl.DateTimeFormat(languages, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** "18:42:07". */
export const clockTime = (t: Date): string => clock.format(t);

/** A moment of a chart: by the day, else by the minute. */
export function moment(t: Date, days: boolean): string {
  return new Intl.DateTimeFormat(languages, days ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hour12: false }).format(t);
}
