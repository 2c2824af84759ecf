// A product, in its page, in the sheet and beside the film: prices follow the choice, adding to
// the bag does not leave the page.

import { all, one, toast } from "./dom";
import { teller } from "./events";

/** Wires the product forms under root. */
export function shop(root: ParentNode = document): void {
  for (const f of all<HTMLFormElement>("form[data-product]", root)) product(f);
}

function product(f: HTMLFormElement): void {
  const named = { product_id: f.dataset.product || undefined, impression: f.dataset.impression || undefined };
  teller.note({ type: "product_view", ...named });
  f.addEventListener("change", (e) => {
    const price = (e.target as HTMLElement).dataset.price;
    if (price) for (const p of all("[data-price-shown]", f)) p.textContent = price;
  });
  f.addEventListener("submit", (e) => {
    const b = e.submitter as HTMLButtonElement | null;
    if (e.defaultPrevented) return;
    const data = new FormData(f);
    const variant = String(data.get("variant_id") ?? "");
    if (!variant) return;
    teller.now({ type: "add_to_cart", ...named, variant_id: variant, quantity: Number(data.get("quantity") ?? 1) || 1 });
    if (b?.value === "checkout") {
      teller.now({ type: "begin_checkout", ...named });
      return;
    }
    e.preventDefault();
    void add(f, data);
  }, { capture: true });
}

async function add(f: HTMLFormElement, data: FormData): Promise<void> {
  const button = one<HTMLButtonElement>("[data-add]", f);
  if (button?.disabled) return;
  if (button) button.disabled = true;
  data.set("then", "bag");
  try {
    const answer = await fetch(f.action, {
      method: "POST",
      body: new URLSearchParams(data as unknown as Record<string, string>),
      redirect: "manual",
      credentials: "same-origin",
    });
    if (answer.type === "opaqueredirect" || answer.ok) {
      bump(Number(data.get("quantity") ?? 1) || 1);
      toast("In your bag.", { text: "Open it", url: "/bag" });
    } else {
      f.submit(); // the page that answers says what is wrong
    }
  } catch {
    toast("We lost the line. Nothing was put in your bag.");
  } finally {
    if (button) button.disabled = false;
  }
}

function bump(by: number): void {
  for (const b of all("[data-bag-count]")) {
    b.textContent = String(Number((b.textContent ?? "0").replace(/\D/g, "")) + by);
    b.hidden = false;
  }
}

/** Fetches a fragment of a page; "" when it cannot be had. */
export async function fragment(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
    return answer.ok ? await answer.text() : "";
  } catch {
    return "";
  }
}

/** Says in the sheet's head who is paid. */
export function labels(from: ParentNode, to: Element | null): void {
  const found = one("[data-sheet-labels]", from);
  if (!to) return;
  to.replaceChildren(...(found && !found.hidden ? Array.from(found.children) : []));
  if (found) found.hidden = true;
}
