// Money and counts, written as the server writes them.

const signs: Record<string, string> = {
  USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹", KRW: "₩", BRL: "R$", MXN: "MX$",
  CAD: "CA$", AUD: "A$", NZD: "NZ$", ILS: "₪", VND: "₫", PHP: "₱",
};

const none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(" ");
const three = "BHD IQD JOD KWD LYD OMR TND".split(" ");

export interface Money {
  amount: number;
  currency: string;
}

/** "$1,234.50" of minor units; the minus is a true one. */
export function money(m: Money): string {
  const exponent = none.includes(m.currency) ? 0 : three.includes(m.currency) ? 3 : 2;
  const digits = String(Math.abs(m.amount)).padStart(exponent + 1, "0");
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ",");
  const cents = exponent ? `.${digits.slice(-exponent)}` : "";
  const sign = signs[m.currency] ?? `${m.currency} `;
  return `${m.amount < 0 ? "−" : ""}${sign}${whole}${cents}`;
}

/** Exact below ten thousand, then "12.4 k". */
export function count(n: number): string {
  const scaled = (unit: number, letter: string) => `${(Math.floor((n * 10) / unit) / 10).toFixed(1)} ${letter}`;
  if (n >= 1e6) return scaled(1e6, "M");
  if (n >= 1e4) return scaled(1e3, "k");
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** The words of a disclosure; nothing else is ever shown for them. */
export function disclosure(kind: string): string {
  return { commission: "Earns commission", sample: "Free sample", own_brand: "Own brand" }[kind] ?? kind;
}
