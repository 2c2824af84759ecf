// Forms work without this; here they answer sooner and say what is wrong under the field.

import { all, fade, icon, one, toast } from "./dom";

export function enhance(root: ParentNode = document): void {
  for (const f of all<HTMLFormElement>("form", root)) form(f);
  for (const s of all("[data-step]", root)) stepper(s);
  for (const b of all<HTMLButtonElement>("[data-copy]", root)) copying(b);
  for (const t of all<HTMLTimeElement>("time[data-local]", root)) localTime(t);
  for (const t of all("[data-toast]", root)) if (!t.closest("template")) fade(t);
  for (const i of all<HTMLInputElement>("[data-pictures]", root)) pictures(i);
  for (const g of all("[data-most]", root)) limit(g, Number(g.dataset.most));
}

function form(f: HTMLFormElement): void {
  f.noValidate = true;
  if (f.dataset.auto !== undefined) {
    for (const b of all("[data-save]", f)) b.hidden = true;
    let timer = 0;
    f.addEventListener("change", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => f.requestSubmit(), 250);
    });
  }
  f.addEventListener("submit", (e) => {
    if (e.defaultPrevented) return;
    if (f.dataset.busy !== undefined) return e.preventDefault();
    const wrong = check(f);
    if (wrong) {
      e.preventDefault();
      wrong.focus();
      return;
    }
    if (f.dataset.ask && !confirm(f.dataset.ask)) return e.preventDefault();
    if (f.method === "get") return;
    f.dataset.busy = "";
    const b = e.submitter;
    queueMicrotask(() => b?.setAttribute("aria-disabled", "true"));
    // A page that comes back from the cache, or an answer that never does, must not stay shut.
    window.setTimeout(() => open(f), 8000);
  });
  f.addEventListener("input", (e) => {
    const t = e.target as HTMLInputElement;
    if (t.getAttribute("aria-invalid") === "true" && t.checkValidity()) mark(t, "");
  });
}

function open(f: HTMLFormElement): void {
  delete f.dataset.busy;
  for (const b of all("[aria-disabled=true]", f)) b.removeAttribute("aria-disabled");
  for (const b of all(`[form="${f.id}"][aria-disabled=true]`)) if (f.id) b.removeAttribute("aria-disabled");
}

addEventListener("pageshow", (e) => {
  if (e.persisted) for (const f of all<HTMLFormElement>("form[data-busy]")) open(f);
});

/** Marks every field that is wrong and returns the first. */
function check(f: HTMLFormElement): HTMLElement | null {
  let first: HTMLElement | null = null;
  for (const e of Array.from(f.elements) as HTMLInputElement[]) {
    if (!e.willValidate) continue;
    const ok = e.checkValidity();
    if (e.closest(".field")) mark(e, ok ? "" : reason(e));
    if (!ok) {
      if (!e.closest(".field")) toast(reason(e));
      first ??= e;
    }
  }
  return first;
}

function reason(e: HTMLInputElement): string {
  const v = e.validity;
  if (v.valueMissing) return e.type === "radio" ? "Choose one." : e.type === "file" ? "Choose a file first." : "This is needed.";
  if (v.typeMismatch && e.type === "email") return "An e-mail address looks like name@house.example.";
  if (v.rangeUnderflow) return `At least ${e.min}.`;
  if (v.rangeOverflow) return `At most ${e.max}.`;
  if (v.tooLong) return `At most ${e.maxLength} characters.`;
  return e.validationMessage || "This does not fit.";
}

function mark(e: HTMLInputElement, text: string): void {
  const field = e.closest(".field");
  if (!field) return;
  one(".wrong", field)?.remove();
  if (!text) {
    e.removeAttribute("aria-invalid");
    return;
  }
  e.setAttribute("aria-invalid", "true");
  const w = document.createElement("span");
  w.className = "wrong";
  w.id = `${e.id}-wrong`;
  w.append(icon("alert"), text);
  field.append(w);
  e.setAttribute("aria-describedby", w.id);
}

function stepper(s: HTMLElement): void {
  const input = one<HTMLInputElement>("input", s);
  if (!input) return;
  const turn = (by: number) => {
    const before = input.value;
    if (by > 0) input.stepUp();
    else input.stepDown();
    if (input.value !== before) input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  one("[data-less]", s)?.addEventListener("click", () => turn(-1));
  one("[data-more]", s)?.addEventListener("click", () => turn(1));
}

function copying(b: HTMLButtonElement): void {
  if (!navigator.clipboard) return;
  b.hidden = false;
  b.addEventListener("click", () => {
    void navigator.clipboard.writeText(b.dataset.copy ?? "").then(() => toast("Copied"));
  });
}

/** Times come in the server's zone; the reader's own is kinder. */
function localTime(t: HTMLTimeElement): void {
  const at = new Date(t.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const two = (n: number) => String(n).padStart(2, "0");
  const hour = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (t.dataset.local === "hour") t.textContent = hour;
  else {
    const day = at.toLocaleDateString("en", { weekday: "short" });
    const month = at.toLocaleDateString("en", { month: "short" });
    t.textContent = `${day} ${at.getDate()} ${month}, ${hour}`;
  }
}

/** Shows the pictures that were chosen before they are sent. */
function pictures(input: HTMLInputElement): void {
  const shown = one("[data-pictures-shown]", input.parentElement ?? document);
  input.addEventListener("change", () => {
    shown?.replaceChildren(
      ...Array.from(input.files ?? [], (f) => {
        const tile = document.createElement("span");
        tile.className = "tile";
        const img = document.createElement("img");
        img.alt = f.name;
        img.src = URL.createObjectURL(f);
        img.onload = () => URL.revokeObjectURL(img.src);
        tile.append(img);
        return tile;
      }),
    );
  });
}

/** At most so many ticks in a group. */
function limit(group: HTMLElement, most: number): void {
  const boxes = all<HTMLInputElement>("input[type=checkbox]", group);
  const count = () => {
    const full = boxes.filter((b) => b.checked).length >= most;
    for (const b of boxes) b.disabled = full && !b.checked;
  };
  group.addEventListener("change", count);
  count();
}
