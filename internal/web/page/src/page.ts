// The page of a room: who invites, a name, consent, waiting, the meeting, and its end.
import { button, element, type Entry, type Events, type Join, type Leave } from "./component";

interface View {
  room: string;
  state: "waiting" | "open" | "locked" | "ended";
  by?: string;
  recorded: boolean;
  ask: boolean;
  meeting?: string;
  starts_at: string | null;
}
type Entered = View & { component?: "daily" | "whereby" | "livekit"; url?: string; access?: string; guest?: string; name?: string };

/** Problem is a failed request, in words for the guest. A lasting one can't be retried. */
class Problem extends Error {
  constructor(message: string, readonly lasting = false) { super(message); }
}

const components: Record<string, () => Promise<{ join: Join }>> = {
  // The files are in the same folder, and are loaded after consent.
  daily: () => import("./daily.js" as string), whereby: () => import("./whereby.js" as string), livekit: () => import("./livekit.js" as string),
};
const waitingEvery = 3000, insideEvery = 5000, patience = 20000;
const base = new URL(".", import.meta.url);
const main = document.getElementById("main")!, stage = document.getElementById("stage")!, status = document.getElementById("status")!;

let view: View = JSON.parse(document.body.dataset["view"]!);
let name = remembered("name"), consent = "", asked = "";
const host = new URLSearchParams(location.hash.slice(1)).get("host") ?? "";
const visit = remembered("visit") || secret();
remember("visit", visit);
if (host) history.replaceState(null, "", location.pathname + location.search); // it works once, and must not be passed on
let hostToken = host;
let leave: Leave | undefined, timer: ReturnType<typeof setTimeout> | undefined;

function secret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), (b) => b.toString(16).padStart(2, "0")).join("");
}
function remembered(key: string): string {
  try { return sessionStorage.getItem(base.pathname + key) ?? ""; } catch { return ""; } // storage may be off
}
function remember(key: string, value: string): void {
  try { sessionStorage.setItem(base.pathname + key, value); } catch { /* as above */ }
}

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const limit = AbortSignal.timeout(patience);
  const init: RequestInit = body === undefined ? { signal: limit }
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: limit };
  let answer: Response;
  try { answer = await fetch(new URL(path, base), init); } catch { throw new Problem("The host's computer can't be reached. It may be asleep or offline."); }
  if (answer.ok) return answer.json() as Promise<T>;
  if (answer.status === 404) throw new Problem("This address is no longer valid. Ask the host for the new one.", true);
  let text = "";
  try { text = ((await answer.json()) as { error?: string }).error ?? ""; } catch { /* not ours */ }
  throw new Problem(text || `The page is not available now (${answer.status}). Try again in a moment.`, answer.status === 403);
}

/** show replaces the card. The heading gets the focus, so that it is read out. */
function show(title: string, ...content: (Node | string)[]): void {
  const heading = element("h1", { tabindex: "-1" }, title);
  const room = title === view.room ? [] : [element("p", { class: "room-name" }, view.room)];
  main.replaceChildren(element("div", { class: "card" }, ...room, heading, ...content));
  main.hidden = false;
  document.title = title === view.room ? title : `${title} – ${view.room}`;
  const lost = document.activeElement === document.body || !document.activeElement?.isConnected;
  if (lost) heading.focus();
  status.textContent = lost ? "" : title; // else screen readers would read it twice
}
function soft(text: string): HTMLElement { return element("p", { class: "soft" }, text); }
function row(...buttons: HTMLElement[]): HTMLElement { return element("div", { class: "row" }, ...buttons); }
function later(ms: number, act: () => void): void {
  clearTimeout(timer);
  timer = setTimeout(act, ms);
}
function start(): string {
  if (!view.starts_at) return "";
  const at = new Date(view.starts_at);
  return new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" }).format(at);
}

/** form asks for a name and, where the meeting is recorded, for consent. */
function form(problem = ""): void {
  clearTimeout(timer);
  const input = element("input", { id: "name", name: "name", autocomplete: "name", maxlength: "64", required: "", value: name });
  const invites = element("p", { class: "soft" }, view.by ? `${view.by} invites you to this meeting.` : "You are invited to this meeting.");
  const error = element("p", { class: "error", role: "alert", id: "error" }, problem);
  error.hidden = problem === "";
  const buttons: HTMLButtonElement[] = [];
  const send = (answer: string) => {
    if (input.value.trim() === "") {
      error.textContent = "Enter your name first.";
      error.hidden = false;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", "error");
      input.focus();
      return;
    }
    name = input.value.trim();
    remember("name", name);
    consent = answer;
    for (const b of buttons) b.disabled = true;
    void enter();
  };
  const parts: Node[] = [invites];
  if (view.state === "waiting") {
    const at = start();
    parts.push(soft(at ? `It starts on ${at}. You will join when it starts.` : "It hasn't started yet. You will join when it starts."));
  }
  if (view.recorded) {
    parts.push(element("p", { class: "notice", id: "recorded" }, view.ask
      ? "This meeting is recorded. What you say, show and write may be kept. You can join only if you consent."
      : "This meeting is recorded."));
  }
  const yes = element("button", { type: "submit", class: "main", ...(view.recorded ? { "aria-describedby": "recorded" } : {}) }, view.ask ? "I consent, join" : "Join");
  buttons.push(yes);
  if (view.ask) buttons.push(button("I don't consent", () => send("no")));
  const f = element("form", { novalidate: "" }, element("label", { for: "name" }, "Your name"), input, error, row(...buttons));
  f.addEventListener("submit", (e) => {
    e.preventDefault();
    send(view.ask ? "yes" : "");
  });
  show(view.room, ...parts, f);
  if (problem !== "" || name === "") input.focus();
}

/** enter sends the guest's answer and handles the response. After a failure, a guest who waited continues to wait. */
async function enter(waited = false): Promise<void> {
  let answer: Entered;
  try {
    answer = await ask<Entered>("enter", { visit, name, consent, host: hostToken });
  } catch (e) {
    const p = e as Problem;
    if (p.lasting) return failure(p.message, false);
    return waited ? wait(p.message + " Trying again…") : form(p.message);
  }
  view = answer;
  asked = view.meeting ?? "";
  if (answer.name) name = answer.name;
  if (consent === "no") return declined();
  if (answer.component && answer.url) {
    hostToken = "";
    return join(answer.component, { url: answer.url, guest: answer.guest ?? "", name, room: view.room, ...(answer.access ? { access: answer.access } : {}) });
  }
  if (view.ask && consent !== "yes") return form("This meeting is recorded. Please answer before you join.");
  if (view.state === "ended") return ended();
  wait();
}

function declined(): void {
  show("You didn't join", element("p", {}, "You didn't consent to being recorded. The host can see this."),
    row(button("I changed my mind", () => form())));
}

/** wait waits for the start, or for the host, and then enters. */
function wait(problem = ""): void {
  const locked = view.state === "locked";
  const at = start();
  const note = element("p", { class: "error", role: "status" }, problem);
  show(locked ? "Waiting for the host" : "Waiting for the start",
    element("p", { class: "dots" }, locked ? "The room is locked. You will join when the host arrives" : at ? `The meeting starts on ${at}. You will join automatically` : "You will join automatically when the meeting starts"),
    soft(`Your name: ${name}`), note, row(button(view.ask ? "Change name or answer" : "Change name", () => form())));
  const again = async () => {
    try {
      view = await ask<View>("state");
    } catch (e) {
      const p = e as Problem;
      if (p.lasting) return failure(p.message, false);
      note.textContent = p.message + " Trying again…";
      return later(waitingEvery, again);
    }
    note.textContent = "";
    if (view.state === "open") return enter(true);
    if (view.state === "locked" && !locked) return wait();
    later(waitingEvery, again);
  };
  later(waitingEvery, again);
}

async function join(component: string, entry: Entry): Promise<void> {
  show("Joining", element("p", { class: "dots" }, "Opening the meeting"));
  let code: { join: Join };
  try { code = await components[component]!(); } catch { return failure("Part of the page could not be loaded.", true); }
  const on: Events = {
    joined: () => { status.textContent = "You are in the meeting"; },
    news: (text) => { status.textContent = text; },
    left: (why) => {
      over();
      if (why === "ended") ended();
      else if (why === "removed") show("You were removed", element("p", {}, "A host removed you from the meeting."), soft("You can close this page."));
      else if (why === "moved") left("You joined from another window or device.");
      else left("");
    },
    failed: (text) => {
      over();
      failure(text, true);
    },
  };
  main.hidden = true;
  stage.hidden = false;
  stage.focus(); // the component may move it
  document.title = view.room;
  leave = code.join(stage, entry, on);
  later(insideEvery, inside);
}

/** inside checks whether the meeting still runs and whether it is recorded now. An unreachable host ends nothing. */
async function inside(): Promise<void> {
  try { view = await ask<View>("state"); } catch { return later(insideEvery, inside); }
  if (!leave) return;
  if (view.state === "ended" || view.state === "waiting") {
    over();
    return ended();
  }
  if (view.ask && consent !== "yes" && !document.getElementById("now-recorded")) {
    const bar = element("div", { class: "bar top", id: "now-recorded", role: "alertdialog", tabindex: "-1", "aria-labelledby": "recorded-now" },
      element("p", { id: "recorded-now" }, "This meeting is now being recorded. Do you consent?"));
    const answer = (text: string) => {
      consent = text;
      bar.remove();
      asked = view.meeting ?? "";
      void ask("enter", { visit, name, consent }).catch(() => undefined); // the page asks again if the answer is missing
    };
    bar.append(button("I consent", () => answer("yes"), "main"), button("Leave", () => {
      answer("no");
      over();
      declined();
    }, "leave"));
    stage.prepend(bar);
    bar.focus();
  }
  later(insideEvery, inside);
}

/** over removes the meeting from the page. */
function over(): void {
  clearTimeout(timer);
  const l = leave;
  leave = undefined;
  l?.();
  stage.hidden = true;
  stage.replaceChildren();
}
function left(why: string): void {
  show("You left the meeting", ...(why ? [element("p", {}, why)] : []), row(button("Join again", () => void rejoin(), "main")));
}
async function rejoin(): Promise<void> {
  try { view = await ask<View>("state"); } catch (e) { return failure((e as Problem).message, true); }
  if (view.state === "ended") return ended();
  if (view.ask && (consent !== "yes" || asked !== (view.meeting ?? ""))) return form();
  return enter();
}
function ended(): void {
  consent = "";
  show("The meeting has ended", element("p", {}, "Thank you for coming. This address stays the same for the next meeting."),
    row(button("Wait for the next one", () => void (async () => {
      try { view = await ask<View>("state"); } catch (e) { return failure((e as Problem).message, true); }
      if (view.state === "ended") view.state = "waiting";
      form();
    })())));
}
function failure(text: string, again: boolean): void {
  show("That didn't work", element("p", { role: "alert" }, text),
    ...(again ? [row(button("Try again", () => void rejoin(), "main"))] : [soft("You can close this page.")]));
}

addEventListener("pagehide", () => leave?.());
if (view.state === "ended" && !host) ended();
else form();
