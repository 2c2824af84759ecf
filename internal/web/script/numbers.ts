// Pages whose numbers move: the studio, a brand's first page, the operator's.

import "./page";
import { all, one } from "./dom";
import { enhance } from "./forms";
import { follow, localize } from "./live";
import { chart } from "./plot";
import { fragment } from "./shop";

localize();

const charts = all("[data-plot]").map(chart);

/** How long after news the parts that are made by the server are read anew, in milliseconds. */
const soon = 600;

let waiting = false;
let loaded = true; // the page itself is fresh: the snapshot is no news
let took = 0;

/** Reads the page again and puts its parts in the place of the old ones, unless somebody is at work in them. */
async function refresh(): Promise<void> {
  const begun = performance.now();
  const page = await fragment(location.href);
  took = performance.now() - begun;
  if (!page) return;
  const fresh = new DOMParser().parseFromString(page, "text/html");
  for (const old of all<HTMLElement>("[data-fresh]")) {
    const next = fresh.getElementById(old.id);
    if (!next || old.contains(document.activeElement) || one("details[open]", old) || old.innerHTML === next.innerHTML) continue;
    localize(next);
    if (old.innerHTML === next.innerHTML) continue;
    old.replaceWith(next);
    enhance(next);
  }
}

follow((item) => {
  for (const c of charts) if (c.of === item.entity) c.heard(item);
  if (loaded || waiting || !one("[data-fresh]")) return;
  waiting = true;
  // A page that takes long to make is asked for less often.
  window.setTimeout(() => {
    waiting = false;
    if (!document.hidden) void refresh();
  }, Math.max(soon, 5 * took));
});
window.setTimeout(() => (loaded = false), 1000);

// A definition opens beside its number where there is room; it lies over the page and moves nothing.
document.addEventListener(
  "toggle",
  (e) => {
    const d = e.target as HTMLElement;
    const text = one("p", d);
    if (!text || !d.matches("details.defn[open]") || innerWidth < 900) return;
    const at = d.getBoundingClientRect();
    text.classList.add("near");
    text.style.left = `${Math.max(12, Math.min(at.left, innerWidth - 360))}px`;
    text.style.top = at.bottom + 140 > innerHeight ? `${at.top - text.offsetHeight - 6}px` : `${at.bottom + 6}px`;
  },
  true,
);

// One definition is open at a time, until something else is tapped.
document.addEventListener("click", (e) => {
  for (const d of all<HTMLDetailsElement>("details.defn[open]")) if (!d.contains(e.target as Node)) d.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape") for (const d of all<HTMLDetailsElement>("details.defn[open]")) d.open = false;
});
