// The upload page: the film leaves while the caption is written.

import { one, say } from "./dom";
import { enhance } from "./forms";
import { Refused, Upload } from "./tus";

enhance();

class Sender {
  private readonly input: HTMLInputElement;
  private readonly id: HTMLInputElement;
  private readonly posterID: HTMLInputElement;
  private readonly post: HTMLButtonElement;
  private upload: Upload | null = null;
  private film = ""; // the chosen file as an address of this page
  private wanted = false; // Post was pressed before all was sent
  private drawing: Promise<void> = Promise.resolve();

  constructor(private readonly form: HTMLFormElement) {
    this.input = one<HTMLInputElement>("input[type=file]", form)!;
    this.id = one<HTMLInputElement>("[data-upload-id]", form)!;
    this.posterID = one<HTMLInputElement>("[data-poster-id]", form)!;
    this.post = one<HTMLButtonElement>("[data-post]", form)!;
    form.enctype = "application/x-www-form-urlencoded";
    this.input.removeAttribute("name"); // its id goes instead of its bytes
    this.input.addEventListener("change", () => this.choose(this.input.files?.[0]));
    one("[data-again]", form)?.addEventListener("click", () => this.choose(this.input.files?.[0]));
    form.addEventListener("submit", (e) => {
      if (this.id.value || !this.input.files?.length) return;
      e.preventDefault();
      this.wanted = true;
      this.post.textContent = "Posts itself when it is sent";
      this.post.setAttribute("aria-disabled", "true");
    }, { capture: true });
    addEventListener("beforeunload", (e) => {
      if (this.upload && !this.id.value) e.preventDefault();
    });
    if (this.input.files?.length) this.choose(this.input.files[0]);
  }

  private choose(file?: File): void {
    this.upload?.stop();
    this.upload = null;
    this.id.value = this.posterID.value = "";
    this.wrong("");
    if (!file) return;
    const most = Number(this.form.dataset.max) || 500 << 20;
    this.show(file);
    if (file.size > most) return this.wrong(`This file has ${size(file.size)}; ${size(most)} is the most. Nothing was sent.`);
    this.drawing = this.draw(file);
    void this.send(file);
  }

  private show(file: File): void {
    one("[data-drop]", this.form)?.classList.add("has-film");
    const chosen = one("[data-chosen]", this.form);
    if (chosen) chosen.hidden = false;
    say(this.form, "[data-file-name]", file.name);
    say(this.form, "[data-file-note]", `${size(file.size)} · tap to choose another`);
  }

  private async send(file: File): Promise<void> {
    const box = one("[data-sending]", this.form)!;
    const acts = one("[data-sending-acts]", this.form)!;
    box.hidden = false;
    acts.hidden = true;
    say(box, "[data-sending-words]", "Sending");
    say(box, "[data-sending-note]", "You can write the caption meanwhile.");
    const upload = new Upload(
      file,
      (bytes) => {
        const share = file.size ? bytes / file.size : 1;
        one<HTMLProgressElement>("[data-sending-bar]", box)!.value = Math.round(share * 1000);
        say(box, "[data-sending-share]", `${Math.floor(share * 100)} %`);
        say(box, "[data-sending-words]", "Sending");
      },
      () => say(box, "[data-sending-words]", "We lost the line. It goes on by itself."),
    );
    this.upload = upload;
    try {
      const id = await upload.run();
      if (this.upload !== upload) return;
      await this.drawing;
      this.id.value = id;
      say(box, "[data-sending-words]", "Sent");
      say(box, "[data-sending-share]", "100 %");
      say(box, "[data-sending-note]", "It is made ready for phones once you post it.");
      if (this.wanted) {
        this.post.removeAttribute("aria-disabled");
        this.form.requestSubmit(this.post);
      }
    } catch (e) {
      if (this.upload !== upload) return;
      this.upload = null;
      this.wanted = false;
      this.post.textContent = "Post the video";
      this.post.removeAttribute("aria-disabled");
      say(box, "[data-sending-words]", "Not sent");
      acts.hidden = false;
      this.wrong(e instanceof Refused ? e.message : "The video could not be sent. Your words are still here.");
    }
  }

  /** Makes a poster of a frame one second in, and sends it; without one the server may make its own. */
  private async draw(file: File): Promise<void> {
    if (this.film) URL.revokeObjectURL(this.film);
    this.film = URL.createObjectURL(file);
    const picture = await frame(this.film).catch(() => null);
    if (!picture) return;
    const box = one("[data-poster]", this.form);
    if (box) {
      const img = document.createElement("img");
      img.alt = "First picture of the video";
      img.src = URL.createObjectURL(picture);
      box.replaceChildren(img);
      box.hidden = false;
    }
    try {
      const answer = await fetch("/api/v1/images", { method: "POST", credentials: "same-origin", headers: { "Content-Type": "image/jpeg" }, body: picture });
      if (answer.ok) this.posterID.value = ((await answer.json()) as { image: { id: string } }).image.id;
    } catch {
      // The poster is a comfort: the video is posted without it.
    }
  }

  private wrong(text: string): void {
    const box = one("[data-upload-wrong]", this.form)!;
    box.hidden = text === "";
    say(box, "[data-upload-wrong-words]", text);
  }
}

/** A frame of a film as a JPEG of at most 720 by 1280. */
function frame(url: string): Promise<Blob | null> {
  return new Promise((done, fail) => {
    const v = document.createElement("video");
    const timer = window.setTimeout(() => fail(new Error("slow")), 15_000);
    v.muted = true;
    v.playsInline = true;
    v.preload = "auto";
    v.onloadeddata = () => (v.currentTime = Math.min(1, (v.duration || 2) / 3));
    v.onseeked = () => {
      clearTimeout(timer);
      const scale = Math.min(1, 720 / v.videoWidth, 1280 / v.videoHeight);
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(v.videoWidth * scale);
      canvas.height = Math.round(v.videoHeight * scale);
      canvas.getContext("2d")?.drawImage(v, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(done, "image/jpeg", 0.86);
    };
    v.onerror = () => fail(new Error("cannot be shown"));
    v.src = url;
  });
}

function size(bytes: number): string {
  return bytes >= 1 << 20 ? `${(bytes / (1 << 20)).toFixed(bytes > 100 << 20 ? 0 : 1)} MB` : `${Math.ceil(bytes / 1024)} KB`;
}

const form = one<HTMLFormElement>("form[data-upload]");
if (form) new Sender(form);
