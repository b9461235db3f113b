// The wall of clusters.
import { decide, decision, get, post, study } from "./api.js";
import { go, refresh, say, sayError } from "./app.js";
import { dialog, h, icon, menu, picture } from "./dom.js";
import { address, choice, days, oneOf, pager, range, side } from "./filters.js";
import { bars } from "./plots.js";
import { takeLink } from "./take.js";
import { dates, number, percent, t } from "./words.js";

const SORTS = ["size", "quality", "first", "newest", "undecided"];
const DATED = ["first", "newest"];
const VARIANTS = ["mirror", "negative", "mirror-negative"];
const RELATIONS = ["identical", "same", "contained", "overlap"];
const DECISIONS = ["undecided", "decided", "checked", "labelled"];
const selected = new Map();

export async function overviewPage(parameters) {
  const query = new URLSearchParams(parameters);
  query.delete("figures");
  const open = parameters.get("figures") === "1";
  const [about, found, figures] = await Promise.all([
    study(), get(`/api/clusters?${query}`), open ? get(`/api/figures?${query}`) : null,
  ]);
  const change = (changes) => go(address("/", parameters, changes), { quietly: true });
  const sorts = SORTS.filter((sort) => about.metadata?.date_column || !DATED.includes(sort)).map((sort) => [sort, t(`sort_${sort}`)]);
  return {
    title: about.name,
    body: h("div", { class: "with-side" },
      filters(about, parameters, change),
      h("section", { "aria-labelledby": "wall-title" },
        h("div", { class: "bar" },
          h("h1", { id: "wall-title" }, t("clusters", { n: found.total }), h("small", {}, t("files", { n: found.files }))),
          h("label", { class: "inline" }, t("sort"), choice("sort", sorts, parameters.get("sort") ?? "size", (value) => change({ sort: value === "size" ? "" : value }))),
          menu(t("take"), takeItems(query, about))),
        about.out_of_date ? h("p", { class: "note" }, about.out_of_date) : null,
        about.originals ? null : h("p", { class: "note" }, t("away")),
        h("p", { class: "quiet hint wall-hint" }, t("wall_hint")),
        figuresBox(open, figures, change),
        found.clusters.length ? h("ul", { class: "wall" }, found.clusters.map(card)) : h("div", { class: "empty" }, about.clusters ? [h("p", {}, t("nothing")), h("p", {}, t("nothing_hint"))] : h("p", {}, t("no_clusters", { n: about.images }))),
        pager(found, parameters, "/"),
        h("div", { id: "chosen" }))),
    keys: { " ": select },
    shown: () => showSelected(about),
  };
}

export const takeItems = (query, about) =>
  ["csv", "parquet", ...(about.metadata ? ["posts"] : []), "gexf", "zip"].map((kind) => takeLink(`/api/take/${kind}?${query}`, t(`take_${kind}`)));

function filters(about, parameters, change) {
  const to = { parameters, change };
  const facets = Object.entries(about.metadata?.facets ?? {});
  const facet = ([column, values]) => {
    const counts = new Map(values);
    return oneOf(`m.${column}`, [...counts.keys()], { ...to, title: column, label: (value) => `${value} (${number(counts.get(value))})` });
  };
  return side({ base: "/", parameters, change, go, rest: [common(about), ownTable(about)], fields: [
    range(t("size"), "size", to), range(t("quality"), "quality", { ...to, factor: 100 }),
    about.metadata?.date_column ? days(t("posted"), to) : null,
    oneOf("relation", RELATIONS, to), oneOf("variant", VARIANTS, to), oneOf("decision", DECISIONS, to),
    about.labels.length ? oneOf("label", about.labels, { ...to, label: (text) => text }) : null,
    facets.map(facet),
  ] });
}

const common = (about) => about.listed_elements && h("div", { class: "metadata" },
  h("h2", {}, h("a", { href: "/elements" }, t("common_elements"))), h("p", { class: "quiet" }, t("common_count", { n: about.common_elements })));

const ownTable = (about) => h("div", { class: "metadata" }, h("h2", {}, t("metadata")),
  about.metadata ? h("p", {}, t("metadata_rows", { n: about.metadata.rows }), about.metadata.unknown ? h("small", {}, t("metadata_unknown", { n: about.metadata.unknown })) : null) : null,
  h("button", { class: "plain", type: "button", "data-key": "table", onclick: addTable }, t("metadata_add")));

function addTable() {
  const form = h("form", { class: "stack", onsubmit: send },
    h("label", { class: "field" }, h("span", {}, t("metadata_file")), h("input", { type: "file", name: "table", accept: ".csv,.tsv,text/csv", required: true })),
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
  const files = ({ from, to }) => change({ size_min: String(from), size_max: to ? String(to) : "" });
  const posted = ({ from, to }) => change({ date_min: from, date_max: to });
  return h("details", { class: "figures", open, ontoggle: (event) => event.target.open !== open && change({ figures: event.target.open ? "1" : "" }) },
    h("summary", { "data-key": "figures" }, t("figures")),
    figures && h("div", { class: "plots" }, bars(t("sizes"), figures.sizes, files), bars(t("by_confidence"), figures.confidence), bars(t("over_time"), figures.time, posted)));
}

export function chips(cluster) {
  return cluster.variants.filter((name) => name !== "mirror-negative").map((name) => h("span", { class: "chip" }, t(name)));
}

function card(cluster) {
  const name = cluster.label ?? cluster.path.split("/").at(-1);
  const seen = dates(cluster.first, cluster.last);
  const quality = t("quality_of", { n: Math.round(cluster.quality * 100) });
  const wide = cluster.width / cluster.height;
  const mark = h("input", {
    type: "checkbox", class: "mark", "data-cluster": cluster.id, "aria-label": t("select_image", { path: name }), checked: selected.has(cluster.id),
    onchange: (event) => { event.target.checked ? selected.set(cluster.id, cluster.representative) : selected.delete(cluster.id); showSelected(); },
  });
  return h("li", { class: "card" }, mark,
    h("a", { href: `/clusters/${cluster.id}`, "data-item": true, "data-key": cluster.id },
      h("span", { class: wide > 0.95 && wide < 1.9 ? "frame" : "frame whole" }, picture(cluster.representative, "", { width: cluster.width, height: cluster.height })),
      h("span", { class: "card-text" },
        h("strong", {}, t("files", { n: cluster.files })),
        cluster.checked ? h("span", { class: "ok", title: t("checked") }, icon("check"), h("span", { class: "unseen" }, t("checked"))) : null,
        h("span", { class: "quality", title: quality }, percent(cluster.quality), h("span", { class: "unseen" }, quality)),
        h("span", { class: "name", title: cluster.path }, name),
        h("span", { class: "meter", "aria-hidden": "true" }, h("span", { style: { width: `${cluster.quality * 100}%` } })),
        seen ? h("span", { class: "quiet" }, seen) : null,
        h("span", { class: "chips" }, chips(cluster)))));
}

function select(event) {
  const box = event.target.closest?.(".card")?.querySelector(".mark");
  if (!box || event.target === box) return false;
  box.click();
  return true;
}

let known = { metadata: null };
function showSelected(about = known) {
  known = about;
  const bar = document.getElementById("chosen");
  if (!bar) return;
  bar.replaceChildren(...(selected.size ? [h("div", { class: "selection" },
    h("span", {}, t("selected", { n: selected.size })),
    h("button", { class: "main", disabled: selected.size < 2, onclick: merge }, t("merge")),
    menu(t("take"), takeItems(new URLSearchParams({ cluster: [...selected.keys()].join(",") }), known)),
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
