/** The element with this id, which index.html has. */
export function element<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}

export function write(id: string, text: string): void {
  element(id).textContent = text;
}

export function show(id: string, visible = true): void {
  element(id).hidden = !visible;
}

/** Whether the page has a server that answers. */
export function showConnection(text: string, connected: boolean): void {
  write('server', text);
  element('server-light').classList.toggle('on', connected);
}

/** Tells people who hear the page. */
export function announce(text: string): void {
  write('said', text);
}
