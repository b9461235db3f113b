// Small bar plots, with the numbers in a table for those who can't see them.
import { h, svg } from "./dom.js";
import { number } from "./words.js";

const WIDTH = 320, HEIGHT = 96, FLOOR = 78;

export function bars(title, values) {
  if (!values.length) return null;
  const highest = Math.max(...values.map((one) => one.count), 1);
  const step = WIDTH / values.length;
  const drawn = values.map((one, place) => {
    const height = one.count ? Math.max(2, (one.count / highest) * (FLOOR - 6)) : 0;
    return svg("rect", { x: place * step + 1, y: FLOOR - height, width: Math.max(step - 2, 1), height, rx: 1.5 },
      svg("title", {}, `${one.label}: ${number(one.count)}`));
  });
  const shown = values.length > 12 ? [0, values.length - 1] : values.map((_, place) => place);
  const names = shown.map((place) => {
    const last = values.length > 12 && place > 0;
    const x = last ? WIDTH : values.length > 12 ? 0 : (place + 0.5) * step;
    return svg("text", { x, y: HEIGHT - 5, "text-anchor": last ? "end" : values.length > 12 ? "start" : "middle" }, values[place].label);
  });
  const table = h("table", { class: "unseen" }, h("caption", {}, title),
    values.map((one) => h("tr", {}, h("th", { scope: "row" }, one.label), h("td", {}, number(one.count)))));
  return h("figure", { class: "plot" }, h("figcaption", {}, title),
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, drawn,
      svg("line", { x1: 0, x2: WIDTH, y1: FLOOR, y2: FLOOR }), names), table);
}
