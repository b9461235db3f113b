// Filters at the side of a list: each is a parameter of the address, so that what is seen can be shared.
import { h, icon } from "./dom.js";
import { t } from "./words.js";

const NO_FILTERS = ["sort", "page", "figures"];

// The address of a list with some parameters changed; an empty value leaves one out, and a new filter starts at page 1.
export function address(base, parameters, changes) {
  const next = new URLSearchParams(parameters);
  if (!("page" in changes)) next.delete("page");
  for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
  return next.size ? `${base}?${next}` : base;
}

const without = (base, parameters) =>
  address(base, parameters, Object.fromEntries([...parameters.keys()].filter((name) => !NO_FILTERS.includes(name)).map((name) => [name, ""])));

// The column of filters; `fields` are made by those below, `rest` comes under them.
export function side({ base, parameters, change, go, fields, rest = null }) {
  const active = [...parameters.keys()].filter((name) => !NO_FILTERS.includes(name)).length;
  const wide = matchMedia("(min-width: 900px)").matches;
  return h("details", { class: "side", open: wide },
    h("summary", {}, icon("filter"), t("filters"), active ? h("span", { class: "chip" }, active) : null),
    h("form", { onsubmit: (event) => event.preventDefault(), "aria-label": t("filters") },
      find(parameters, change), fields,
      active ? h("button", { class: "plain", type: "button", "data-key": "reset", onclick: () => go(without(base, parameters)) }, t("reset")) : null),
    rest);
}

function find(parameters, change) {
  const search = (event) => (parameters.get("q") ?? "") !== event.target.value && change({ q: event.target.value });
  return h("div", { class: "find" }, icon("search"), h("input", {
    id: "find", type: "search", "data-key": "find", placeholder: t("find_short"), "aria-label": t("find"), title: t("find"), value: parameters.get("q") ?? "",
    onkeydown: (event) => event.key === "Enter" && search(event), onsearch: search, onchange: search,
  }));
}

export const field = (text, control) => h("label", { class: "field" }, h("span", {}, text), control);

export function choice(name, options, value, onchange, key = name) {
  return h("select", { name, "data-key": key, onchange: (event) => onchange(event.target.value) },
    options.map(([one, text]) => h("option", { value: one, selected: one === value }, text)));
}

// One of some words, or any.
export function oneOf(name, words, { parameters, change, title = t(name), label = t }) {
  const options = [["", t("any")], ...words.map((word) => [word, label(word)])];
  return field(title, choice(name, options, parameters.get(name) ?? "", (value) => change({ [name]: value })));
}

// From one number to another; `factor` turns what is in the address into what is shown.
export function range(title, name, { parameters, change, factor = 1 }) {
  const figure = (end, word) => h("input", {
    type: "number", min: 0, inputmode: "numeric", "aria-label": `${title} ${t(word)}`, placeholder: t(word), "data-key": `${name}_${end}`,
    value: parameters.get(`${name}_${end}`) ? Math.round(parameters.get(`${name}_${end}`) * factor) : "",
    onchange: (event) => change({ [`${name}_${end}`]: event.target.value === "" ? "" : String(event.target.value / factor) }),
  });
  return h("fieldset", { class: "field range" }, h("legend", {}, title), figure("min", "from"), h("span", { "aria-hidden": "true" }, "–"), figure("max", "to"));
}

export function days(title, { parameters, change }) {
  const day = (name, word) => h("label", {}, h("span", {}, t(word)), h("input", {
    type: "date", "aria-label": `${title} ${t(word)}`, "data-key": name, value: parameters.get(name) ?? "", onchange: (event) => change({ [name]: event.target.value }),
  }));
  return h("fieldset", { class: "field" }, h("legend", {}, title), h("div", { class: "days" }, day("date_min", "from"), day("date_max", "to")));
}

export function pager(found, parameters, base) {
  if (found.pages < 2) return null;
  const to = (page) => address(base, parameters, { page: String(page) });
  return h("nav", { class: "pager", "aria-label": t("page", { n: found.page, m: found.pages }) },
    found.page > 1 ? h("a", { class: "button", href: to(found.page - 1), rel: "prev" }, icon("back"), t("previous")) : h("span", {}),
    h("span", {}, t("page", { n: found.page, m: found.pages })),
    found.page < found.pages ? h("a", { class: "button", href: to(found.page + 1), rel: "next" }, t("next"), icon("next")) : h("span", {}));
}
