// The sheet that opens over the film: a dialog with a fragment of a page in it.

import { one } from "./dom";
import { enhance } from "./forms";
import { labels } from "./shop";

export class Over {
  private readonly dialog = one<HTMLDialogElement>("#over")!;
  readonly body = one("[data-over-body]", this.dialog)!;
  private pushed = false;

  constructor() {
    one("[data-close]", this.dialog)?.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (e) => {
      if (e.target === this.dialog) this.dialog.close(); // the film behind it was tapped
    });
    this.dialog.addEventListener("close", () => {
      this.body.replaceChildren();
      if (this.pushed) {
        this.pushed = false;
        history.back();
      }
    });
    addEventListener("popstate", () => {
      if (!this.dialog.open) return;
      this.pushed = false;
      this.dialog.close();
    });
    this.swipe();
  }

  get isOpen(): boolean { return this.dialog.open; }

  /** Opens with the fragment; when it cannot be had, goes to the whole page at url instead. */
  async show(html: Promise<string>, url: string, name: string): Promise<void> {
    this.dialog.setAttribute("aria-label", name);
    let late = 0;
    if (!this.dialog.open) {
      late = window.setTimeout(() => {
        this.body.innerHTML = '<div class="scroll stack" role="status" aria-label="Loading"><div class="skeleton tile"></div><p class="skeleton">·</p><p class="skeleton">·</p></div>';
        this.open();
      }, 200);
    }
    const got = await html;
    clearTimeout(late);
    if (!got) {
      location.assign(url);
      return;
    }
    this.fill(got);
    this.open();
  }

  /** Replaces what stands in the sheet. */
  fill(html: string): void {
    this.body.innerHTML = html;
    labels(this.body, one("[data-over-labels]", this.dialog));
    enhance(this.body);
  }

  private open(): void {
    if (this.dialog.open) return;
    this.dialog.showModal();
    history.pushState({ over: true }, "");
    this.pushed = true;
  }

  /** A drag downwards from the top of the sheet closes it. */
  private swipe(): void {
    let from = -1;
    this.dialog.addEventListener("touchstart", (e) => {
      const scroller = (e.target as Element).closest(".scroll");
      from = !scroller || scroller.scrollTop <= 0 ? e.touches[0]!.clientY : -1;
    }, { passive: true });
    this.dialog.addEventListener("touchend", (e) => {
      if (from >= 0 && e.changedTouches[0]!.clientY - from > 90) this.dialog.close();
    }, { passive: true });
  }
}
