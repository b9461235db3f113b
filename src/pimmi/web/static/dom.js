// Elements from a tag, attributes and children.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

export const thumb = (id) => `/thumbs/${id}.webp`;
export const preview = (id) => `/previews/${id}.webp`;

export function picture(id, alt, attributes = {}) {
  return h("img", { src: thumb(id), alt, loading: "lazy", decoding: "async", ...attributes });
}

// Rectangles over a picture in a frame, in pixels of its file; a common element is red and dashed.
export function outline(image, elements) {
  return svg("svg", { class: "outline", viewBox: `0 0 ${image.width} ${image.height}`, "aria-hidden": "true" },
    elements.map(({ region: [x0, y0, x1, y1], common }) =>
      svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: common ? "common" : "own" })));
}

const PATHS = {
  check: "M4 12.5l5 5L20 6.5",
  cross: "M6 6l12 12M18 6L6 18",
  undo: "M4 9h10a6 6 0 0 1 0 12h-4M4 9l5-5M4 9l5 5",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13M15.5 15.5L21 21",
  next: "M9 5l7 7-7 7",
  back: "M15 5l-7 7 7 7",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  filter: "M4 6h16M7 12h10M10 18h4",
};

export function icon(name) {
  const drawn = svg("path", { d: PATHS[name] });
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, drawn);
}

// A button that opens a small list under it.
export function menu(label, items) {
  return h("details", { class: "menu" }, h("summary", { class: "button" }, label), h("div", { class: "menu-items" }, items));
}

// A dialog over the page; `body` are its children, and it returns what closes it.
export function dialog(title, body, closeLabel) {
  const opener = document.activeElement;
  const box = h("dialog", { "aria-label": title });
  const close = () => box.close();
  const head = h("div", { class: "dialog-head" }, h("h2", {}, title),
    h("button", { class: "plain", type: "button", "aria-label": closeLabel, onclick: close }, icon("cross")));
  box.append(head, ...[body].flat(9));
  box.addEventListener("close", () => {
    box.remove();
    opener?.focus?.();
  });
  box.addEventListener("click", (event) => event.target === box && close());
  document.body.append(box);
  box.showModal();
  return close;
}
