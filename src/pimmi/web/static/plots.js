// Small bar plots, with the numbers in a table for those who can't see them.
import { h, svg } from "./dom.js";
import { compact, named, number, t } from "./words.js";

const HEIGHT = 108, FLOOR = 90, CEILING = 14, FEW = 12;

// `pick` is called with the value whose bar is clicked: the same can be had by the filters.
export function bars(title, values, pick = null, { wide = false } = {}) {
  if (!values.length) return null;
  const width = wide && innerWidth > 700 ? 1120 : 320;
  const highest = Math.max(...values.map((one) => one.count), 1);
  const step = width / values.length;
  const few = values.length <= FEW;
  const drawn = values.map((one, place) => {
    const high = one.count ? Math.max(2, (one.count / highest) * (FLOOR - CEILING)) : 0;
    const choose = pick && one.count ? () => pick(one) : null;
    return svg("g", { class: choose ? "pick" : null, onclick: choose ?? (() => {}) },
      svg("rect", { class: "reach", x: place * step, y: 0, width: step, height: FLOOR }),
      svg("rect", { x: place * step + 1, y: FLOOR - high, width: Math.max(step - 2, 1), height: high, rx: 1.5 }),
      few && one.count ? svg("text", { x: (place + 0.5) * step, y: FLOOR - high - 4, "text-anchor": "middle" }, compact(one.count)) : null,
      svg("title", {}, `${named(one.label)}: ${number(one.count)}`));
  });
  const names = (few ? values.map((_, place) => place) : [0, values.length - 1]).map((place) => {
    const [x, anchor] = few ? [(place + 0.5) * step, "middle"] : place ? [width, "end"] : [0, "start"];
    return svg("text", { x, y: HEIGHT - 5, "text-anchor": anchor }, named(values[place].label));
  });
  const table = h("table", { class: "unseen" }, h("caption", {}, title),
    values.map((one) => h("tr", {}, h("th", { scope: "row" }, named(one.label)), h("td", {}, number(one.count)))));
  return h("figure", { class: wide ? "plot wide" : "plot" }, h("figcaption", {}, h("span", { class: wide ? "unseen" : null }, title), few ? null : h("span", {}, t("highest", { n: highest }))),
    svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" }, drawn,
      svg("line", { x1: 0, x2: width, y1: FLOOR, y2: FLOOR }), names), table);
}
