// Every page but the feed and the upload.

import { all } from "./dom";
import { enhance } from "./forms";
import { shop } from "./shop";
import { teller, watchImpressions } from "./events";

shop();
enhance();
watchImpressions();

for (const g of all<HTMLAnchorElement>("a[data-good]")) {
  g.addEventListener("click", () => {
    teller.now({ type: "product_click", product_id: g.dataset.good, impression: g.dataset.impression || undefined });
  });
}
