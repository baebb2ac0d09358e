/** Returns the element of index.html with this id. */
export function element<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}

export function write(id: string, text: string): void {
  element(id).textContent = text;
}

export function show(id: string, visible = true): void {
  element(id).hidden = !visible;
}

/** Shows whether the page is connected to its server. */
export function showConnection(text: string, connected: boolean): void {
  write('server', text);
  element('server-light').classList.toggle('on', connected);
}

/** Announces a text to screen readers. */
export function announce(text: string): void {
  write('said', text);
}
