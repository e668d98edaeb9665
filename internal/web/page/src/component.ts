// The interface between the page and the platforms' components.

/** Entry is the access to a meeting, which the server returns after consent. */
export interface Entry {
  url: string;
  access?: string;
  guest: string;
  name: string;
  room: string;
}

/** Events are reported by a component. After left or failed it no longer exists. */
export interface Events {
  joined(): void;
  /** news is announced to screen readers. */
  news(text: string): void;
  left(why?: "removed" | "ended" | "moved"): void;
  failed(text: string): void;
}

/** Leave leaves the meeting and removes the component. */
export type Leave = () => void;

/** Join shows a meeting in an element. */
export type Join = (place: HTMLElement, entry: Entry, on: Events) => Leave;

/** element makes an element with attributes and content. Strings become text, never HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...content);
  return e;
}

/** button makes a button that calls act. */
export function button(text: string, act: () => void, kind = ""): HTMLButtonElement {
  const b = element("button", { type: "button", class: kind }, text);
  b.addEventListener("click", act);
  return b;
}
