// Small tools over the page: find, clone, say.

export const one = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T | null =>
  root.querySelector<T>(selector);

export const all = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T[] =>
  Array.from(root.querySelectorAll<T>(selector));

/** Clones the first element of a <template>. */
export function clone(id: string): HTMLElement | null {
  const t = document.getElementById(id) as HTMLTemplateElement | null;
  return (t?.content.firstElementChild?.cloneNode(true) as HTMLElement | undefined) ?? null;
}

/** Writes text into the first match, if there is one. */
export function say(root: ParentNode, selector: string, text: string): void {
  const e = one(selector, root);
  if (e) e.textContent = text;
}

/** An icon of the sprite, whose address is read from one already in the page. */
export function icon(name: string, small = true): SVGSVGElement {
  const use = one<SVGUseElement>('use[href*="/icons."]');
  const sprite = (use?.getAttribute("href") ?? "").split("#")[0];
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", small ? "icon s" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const u = document.createElementNS(ns, "use");
  u.setAttribute("href", `${sprite}#i-${name}`);
  svg.append(u);
  return svg;
}

/** One toast at a time, six seconds, longer while it is looked at. */
export function toast(text: string, way?: { text: string; url: string; act?: () => void }): void {
  const box = one(".toasts");
  const t = clone("toast");
  if (!box || !t) return;
  say(t, "[data-text]", text);
  const link = one<HTMLAnchorElement>("[data-way]", t);
  if (link && way) {
    link.href = way.url;
    link.textContent = way.text;
    link.hidden = false;
    const act = way.act;
    if (act) link.addEventListener("click", (e) => { e.preventDefault(); t.remove(); act(); });
  }
  // An open dialog covers the whole page: what is said while it is open is said in it.
  (one<HTMLDialogElement>("dialog[open]") ?? document.body).append(box);
  box.replaceChildren(t);
  fade(t);
}

/** Takes a toast away after six seconds, unless it is hovered or holds the focus. */
export function fade(t: HTMLElement): void {
  let left = 6000;
  let since = performance.now();
  let timer = window.setTimeout(() => t.remove(), left);
  const hold = () => {
    clearTimeout(timer);
    left -= performance.now() - since;
  };
  const go = () => {
    since = performance.now();
    timer = window.setTimeout(() => t.remove(), Math.max(left, 1500));
  };
  t.addEventListener("pointerenter", hold);
  t.addEventListener("focusin", hold);
  t.addEventListener("pointerleave", go);
  t.addEventListener("focusout", go);
}

/** Whether the person at the page is signed in. */
export const signedIn = (): boolean => document.documentElement.dataset.signedIn === "1";

/** Says that this needs an account, with the way to one. */
export function askIn(what: string): void {
  toast(what, { text: "Sign in", url: `/sign-in?next=${encodeURIComponent(location.pathname)}` });
}
