// The wall of clusters.
import { decide, decision, get, post, study } from "./api.js";
import { go, refresh, say, sayError } from "./app.js";
import { dialog, h, icon, menu, picture } from "./dom.js";
import { bars } from "./plots.js";
import { dates, number, t } from "./words.js";

const SORTS = ["size", "quality", "first", "newest", "undecided"];
const VARIANTS = ["mirror", "negative", "mirror-negative"];
const RELATIONS = ["identical", "same", "contained", "overlap"];
const DECISIONS = ["undecided", "decided", "checked", "labelled"];
const selected = new Map();

// The address with some parameters changed; an empty value leaves one out, and a new filter starts at page 1.
function address(parameters, changes) {
  const next = new URLSearchParams(parameters);
  if (!("page" in changes)) next.delete("page");
  for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
  return next.size ? `/?${next}` : "/";
}

export async function overviewPage(parameters) {
  const query = new URLSearchParams(parameters);
  query.delete("figures");
  const open = parameters.get("figures") === "1";
  const [about, found, figures] = await Promise.all([
    study(), get(`/api/clusters?${query}`), open ? get(`/api/figures?${query}`) : null,
  ]);
  const change = (changes) => go(address(parameters, changes), { quietly: true });
  return {
    title: about.name,
    body: h("div", { class: "with-side" },
      side(about, parameters, change),
      h("section", { "aria-labelledby": "wall-title" },
        h("div", { class: "bar" },
          h("h1", { id: "wall-title" }, t("clusters", { n: found.total }), h("small", {}, t("files", { n: found.files }))),
          h("label", { class: "inline" }, t("sort"), choice("sort", SORTS.filter((sort) => about.metadata?.date_column || !["first", "newest"].includes(sort)).map((sort) => [sort, t(`sort_${sort}`)]), parameters.get("sort") ?? "size", (value) => change({ sort: value === "size" ? "" : value }))),
          menu(t("take"), takeItems(query))),
        about.originals ? null : h("p", { class: "note" }, t("away")),
        figuresBox(open, figures, change),
        found.clusters.length ? h("ul", { class: "wall" }, found.clusters.map(card)) : h("div", { class: "empty" }, h("p", {}, t("nothing")), h("p", {}, t("nothing_hint"))),
        pager(found, parameters),
        h("div", { id: "chosen" }))),
    keys: { " ": select },
    shown: showSelected,
  };
}

export const takeItems = (query) =>
  ["csv", "parquet", "gexf", "zip"].map((kind) => h("a", { href: `/api/take/${kind}?${query}`, download: true }, t(`take_${kind}`)));

export function choice(name, options, value, onchange, key = name) {
  return h("select", { name, "data-key": key, onchange: (event) => onchange(event.target.value) },
    options.map(([one, text]) => h("option", { value: one, selected: one === value }, text)));
}

function side(about, parameters, change) {
  const field = (name, text, control) => h("label", { class: "field" }, h("span", {}, text), control);
  const options = (names, label = (name) => t(name)) => [["", t("any")], ...names.map((name) => [name, label(name)])];
  const one = (name, names) => field(name, t(name), choice(name, options(names), parameters.get(name) ?? "", (value) => change({ [name]: value })));
  const figure = (name, label, factor = 1) => h("input", {
    type: "number", min: 0, inputmode: "numeric", "aria-label": label, placeholder: label.split(" ").at(-1), "data-key": name,
    value: parameters.get(name) ? Math.round(parameters.get(name) * factor) : "",
    onchange: (event) => change({ [name]: event.target.value === "" ? "" : String(event.target.value / factor) }),
  });
  const range = (title, name, factor) => h("fieldset", { class: "field range" }, h("legend", {}, title),
    figure(`${name}_min`, `${title} ${t("from")}`, factor), h("span", { "aria-hidden": "true" }, "–"), figure(`${name}_max`, `${title} ${t("to")}`, factor));
  const facets = Object.entries(about.metadata?.facets ?? {});
  const active = [...parameters.keys()].some((name) => !["sort", "page", "figures"].includes(name));
  const wide = matchMedia("(min-width: 900px)").matches;
  return h("details", { class: "side", open: wide || active },
    h("summary", {}, icon("filter"), t("filters")),
    h("form", { onsubmit: (event) => event.preventDefault(), "aria-label": t("filters") },
      h("div", { class: "find" }, icon("search"), h("input", {
        id: "find", type: "search", "data-key": "find", placeholder: t("find"), "aria-label": t("find"), value: parameters.get("q") ?? "",
        onkeydown: (event) => event.key === "Enter" && change({ q: event.target.value }), onsearch: (event) => change({ q: event.target.value }),
        onchange: (event) => change({ q: event.target.value }),
      })),
      range(t("size"), "size", 1), range(t("quality"), "quality", 100),
      one("relation", RELATIONS), one("variant", VARIANTS), one("decision", DECISIONS),
      about.labels.length ? field("label", t("label"), choice("label", options(about.labels, (text) => text), parameters.get("label") ?? "", (value) => change({ label: value }))) : null,
      facets.map(([column, values]) => field(column, column, choice(`m.${column}`, [["", t("any")], ...values.map(([value, count]) => [value, `${value} (${number(count)})`])], parameters.get(`m.${column}`) ?? "", (value) => change({ [`m.${column}`]: value })))),
      active ? h("button", { class: "plain", type: "button", onclick: () => go("/") }, t("reset")) : null),
    about.listed_elements ? h("div", { class: "metadata" }, h("h2", {}, h("a", { href: "/elements" }, t("common_elements"))), h("p", { class: "quiet" }, t("common_count", { n: about.common_elements }))) : null,
    h("div", { class: "metadata" }, h("h2", {}, t("metadata")),
      about.metadata ? h("p", {}, t("metadata_rows", { n: about.metadata.rows }), about.metadata.unknown ? h("small", {}, t("metadata_unknown", { n: about.metadata.unknown })) : null) : null,
      h("button", { class: "plain", type: "button", onclick: addTable }, t("metadata_add"))));
}

function addTable() {
  const form = h("form", { class: "stack", onsubmit: send },
    h("label", { class: "field" }, h("span", {}, t("metadata_file")), h("input", { type: "file", name: "table", accept: ".csv,text/csv", required: true })),
    h("label", { class: "field" }, h("span", {}, t("metadata_path")), h("input", { name: "path_column", placeholder: t("metadata_auto") })),
    h("label", { class: "field" }, h("span", {}, t("metadata_date")), h("input", { name: "date_column", placeholder: t("metadata_auto") })),
    h("p", { class: "quiet" }, t("metadata_hint")),
    h("p", { class: "error", role: "alert" }),
    h("button", { class: "main", type: "submit" }, t("join")));
  const close = dialog(t("metadata"), form, t("close"));
  async function send(event) {
    event.preventDefault();
    try {
      await post("/api/metadata", new FormData(form));
      await study(true);
      close();
      await refresh();
    } catch (error) {
      form.querySelector(".error").textContent = error.message;
    }
  }
}

function figuresBox(open, figures, change) {
  return h("details", { class: "figures", open, ontoggle: (event) => event.target.open !== open && change({ figures: event.target.open ? "1" : "" }) },
    h("summary", { "data-key": "figures" }, t("figures")),
    figures && h("div", { class: "plots" }, bars(t("sizes"), figures.sizes), bars(t("by_confidence"), figures.confidence), bars(t("over_time"), figures.time)));
}

export function chips(cluster) {
  return cluster.variants.filter((name) => name !== "mirror-negative").map((name) => h("span", { class: "chip" }, t(name)));
}

function card(cluster) {
  const name = cluster.label ?? cluster.path.split("/").at(-1);
  const seen = dates(cluster.first, cluster.last);
  const mark = h("input", {
    type: "checkbox", class: "mark", "data-cluster": cluster.id, "aria-label": t("select_image", { path: name }), checked: selected.has(cluster.id),
    onchange: (event) => { event.target.checked ? selected.set(cluster.id, cluster.representative) : selected.delete(cluster.id); showSelected(); },
  });
  return h("li", { class: "card" }, mark,
    h("a", { href: `/clusters/${cluster.id}`, "data-item": true, "data-key": cluster.id },
      h("span", { class: "frame" }, picture(cluster.representative, "", { width: cluster.width, height: cluster.height })),
      h("span", { class: "card-text" },
        h("strong", {}, t("files", { n: cluster.files })),
        cluster.checked ? h("span", { class: "ok", title: t("checked") }, icon("check"), h("span", { class: "unseen" }, t("checked"))) : null,
        h("span", { class: "name", title: cluster.path }, name),
        h("span", { class: "meter", role: "img", "aria-label": t("quality_of", { n: Math.round(cluster.quality * 100) }), title: t("quality_of", { n: Math.round(cluster.quality * 100) }) },
          h("span", { style: { width: `${cluster.quality * 100}%` } })),
        seen ? h("span", { class: "quiet" }, seen) : null,
        h("span", { class: "chips" }, chips(cluster)))));
}

function select(event) {
  const box = event.target.closest?.(".card")?.querySelector(".mark");
  if (!box || event.target === box) return false;
  box.click();
  return true;
}

function showSelected() {
  const bar = document.getElementById("chosen");
  if (!bar) return;
  bar.replaceChildren(...(selected.size ? [h("div", { class: "selection" },
    h("span", {}, t("selected", { n: selected.size })),
    h("button", { class: "main", disabled: selected.size < 2, onclick: merge }, t("merge")),
    h("button", { class: "plain", onclick: clear }, t("unselect")))] : []));
}

function clear() {
  selected.clear();
  document.querySelectorAll(".mark").forEach((box) => (box.checked = false));
  showSelected();
}

async function merge() {
  const [first, ...others] = selected.values();
  try {
    const { clusters } = await decide(others.map((other) => decision("together", first, other)));
    selected.clear();
    await study(true);
    say(t("merged"));
    await go(`/clusters/${clusters[first]}`);
  } catch (error) {
    sayError(error);
  }
}

export function pager(found, parameters, base = "/") {
  if (found.pages < 2) return null;
  const to = (page) => {
    const next = new URLSearchParams(parameters);
    next.set("page", page);
    return `${base}?${next}`;
  };
  return h("nav", { class: "pager", "aria-label": t("page", { n: found.page, m: found.pages }) },
    found.page > 1 ? h("a", { class: "button", href: to(found.page - 1), rel: "prev" }, icon("back"), t("previous")) : h("span", {}),
    h("span", {}, t("page", { n: found.page, m: found.pages })),
    found.page < found.pages ? h("a", { class: "button", href: to(found.page + 1), rel: "next" }, t("next"), icon("next")) : h("span", {}));
}
