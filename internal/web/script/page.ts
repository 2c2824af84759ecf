// Every page but the feed and the upload.

import { all, one } from "./dom";
import { enhance } from "./forms";
import { fragment, shop } from "./shop";
import { teller, watchImpressions } from "./events";

shop();
enhance();
watchImpressions();

// On a phone the row of tabs is wider than the screen: the one that is open is brought into sight.
for (const here of all(".tabs > [aria-current]")) {
  const row = here.parentElement!;
  const at = here.getBoundingClientRect();
  const edge = row.getBoundingClientRect();
  if (at.right > edge.right) row.scrollLeft += at.right - edge.right + (edge.width - at.width) / 2;
}

for (const g of all<HTMLAnchorElement>("a[data-good]")) {
  g.addEventListener("click", () => {
    teller.now({ type: "product_click", product_id: g.dataset.good, impression: g.dataset.impression || undefined });
  });
}

// A list in which something is being made ready is read anew until it is, unless somebody is at work in it.
function renew(): void {
  const list = one("[data-live]");
  if (!list) return;
  window.setTimeout(async () => {
    if (!document.hidden && !one("details[open]", list)) {
      const page = await fragment(location.href);
      const fresh = page ? one(`ul.${list.classList[2] ?? "list"}`, new DOMParser().parseFromString(page, "text/html")) : null;
      if (fresh && !one("details[open]", list)) {
        list.replaceWith(fresh);
        enhance(fresh);
      }
    }
    renew();
  }, 2000);
}
renew();
