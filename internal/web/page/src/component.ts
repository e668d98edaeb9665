// What the page and the components of the platforms say to each other.

/** Entry is the way into a meeting, as the server gives it after consent. */
export interface Entry {
  url: string;
  access?: string;
  guest: string;
  name: string;
  room: string;
}

/** Events are what a component reports. After left or failed it is gone. */
export interface Events {
  joined(): void;
  /** news is said to those who don't see the meeting. */
  news(text: string): void;
  left(why?: "removed" | "ended" | "moved"): void;
  failed(text: string): void;
}

/** Leave leaves the meeting and removes the component. */
export type Leave = () => void;

/** Join shows a meeting in the place. */
export type Join = (place: HTMLElement, entry: Entry, on: Events) => Leave;

/** element makes an element with attributes and content; texts are always text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...content);
  return e;
}

/** button makes a button that does something. */
export function button(text: string, act: () => void, kind = ""): HTMLButtonElement {
  const b = element("button", { type: "button", class: kind }, text);
  b.addEventListener("click", act);
  return b;
}
