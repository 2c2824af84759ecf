// tus 1.0: an upload in pieces that goes on where it stopped, also after the page was closed.

const piece = 4 << 20; // bytes a request
const endpoint = "/api/v1/uploads";
const head = { "Tus-Resumable": "1.0.0" };

/** The part of the Upload-Metadata header for one pair; values are UTF-8 in base64. */
export function metadata(pairs: Record<string, string>): string {
  const base64 = (s: string) => btoa(Array.from(new TextEncoder().encode(s), (b) => String.fromCharCode(b)).join(""));
  return Object.entries(pairs).map(([k, v]) => `${k} ${base64(v)}`).join(",");
}

/** Names a file so that the same one is known again. */
export const fingerprint = (f: { name: string; size: number; lastModified: number }): string =>
  `mezzo.upload.${f.name}.${f.size}.${f.lastModified}`;

/** What a server refused, with its sentence. */
export class Refused extends Error {}

export class Upload {
  private address = "";
  private stopped = false;

  constructor(private readonly file: File, private readonly sent: (bytes: number) => void, private readonly waiting: () => void) {}

  /** Sends the file and returns the upload's id. Broken lines are waited out; a refusal is thrown. */
  async run(): Promise<string> {
    this.address = localStorage.getItem(fingerprint(this.file)) ?? "";
    let offset = await this.resume();
    let pause = 1000;
    while (offset < this.file.size && !this.stopped) {
      try {
        offset = await this.patch(offset);
        pause = 1000;
      } catch (e) {
        if (e instanceof Refused) throw e;
        this.waiting();
        await this.line(pause);
        pause = Math.min(pause * 2, 30_000);
        offset = await this.ask().catch(() => offset);
      }
    }
    localStorage.removeItem(fingerprint(this.file));
    return this.address.replace(/\/+$/, "").split("/").pop() ?? "";
  }

  /** Gives the upload up; the server forgets it. */
  stop(): void {
    this.stopped = true;
    localStorage.removeItem(fingerprint(this.file));
    if (this.address) void fetch(this.address, { method: "DELETE", headers: head, credentials: "same-origin" }).catch(() => undefined);
  }

  private async resume(): Promise<number> {
    if (this.address) {
      try {
        return await this.ask();
      } catch {
        this.address = ""; // gone after a day: begin again
      }
    }
    const answer = await fetch(endpoint, {
      method: "POST",
      credentials: "same-origin",
      headers: {
        ...head,
        "Upload-Length": String(this.file.size),
        "Upload-Metadata": metadata({ filename: this.file.name, filetype: this.file.type || "video/mp4" }),
      },
    });
    if (!answer.ok) throw new Refused(await sentence(answer));
    this.address = new URL(answer.headers.get("Location") ?? "", location.href).pathname;
    localStorage.setItem(fingerprint(this.file), this.address);
    return 0;
  }

  private async ask(): Promise<number> {
    const answer = await fetch(this.address, { method: "HEAD", headers: head, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const offset = Number(answer.headers.get("Upload-Offset") ?? 0);
    this.sent(offset);
    return offset;
  }

  /** Sends one piece. XMLHttpRequest, because fetch tells nothing of what has left. */
  private patch(offset: number): Promise<number> {
    return new Promise((done, fail) => {
      const x = new XMLHttpRequest();
      x.open("PATCH", this.address);
      x.setRequestHeader("Tus-Resumable", "1.0.0");
      x.setRequestHeader("Upload-Offset", String(offset));
      x.setRequestHeader("Content-Type", "application/offset+octet-stream");
      x.upload.onprogress = (e) => this.sent(offset + e.loaded);
      x.onload = () => {
        if (x.status >= 200 && x.status < 300) done(Number(x.getResponseHeader("Upload-Offset") ?? offset));
        else if (x.status >= 500 || x.status === 409 || x.status === 423 || x.status === 429) fail(new Error(String(x.status)));
        else fail(new Refused(detail(x.responseText)));
      };
      x.onerror = () => fail(new Error("line"));
      x.send(this.file.slice(offset, offset + piece));
    });
  }

  /** Waits for a while, or until the line is back. */
  private line(ms: number): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(timer);
        removeEventListener("online", end);
        done();
      };
      const timer = window.setTimeout(end, ms);
      addEventListener("online", end);
    });
  }
}

function detail(body: string): string {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? "The server did not take this file.";
  } catch {
    return "The server did not take this file.";
  }
}

const sentence = async (answer: Response): Promise<string> => detail(await answer.text().catch(() => ""));
