// A cluster: its images, each with what it is to the representative.
import { decide, decision, get, study } from "./api.js";
import { go, lastWall, refresh, say, sayError } from "./app.js";
import { dialog, h, icon, menu, outline, picture } from "./dom.js";
import { marked, toldOf } from "./elements.js";
import { choice } from "./filters.js";
import { alsoIn } from "./image.js";
import { chips, takeItems } from "./overview.js";
import { bars } from "./plots.js";
import { leaveTrail, proofOf } from "./trail.js";
import { date, dates, number, t } from "./words.js";

let size = 190;
let outlined = false;
let timeOpen = true;
const selected = new Set();

export async function clusterPage(parameters, id) {
  const by = parameters.get("by") ?? "";
  const [cluster, about] = await Promise.all([get(pageOf(id, by)), study()]);
  if (cluster.id !== id) history.replaceState(null, "", `/clusters/${cluster.id}${location.search}`);
  selected.clear();
  const grid = h("div", { class: "groups", style: { "--thumb": `${size}px` } });
  const fill = () => {
    leaveTrail(cluster.id, cluster.members);
    grid.replaceChildren(...grouped(cluster, by).map(([title, count, ones]) => h("section", {},
      title ? h("h2", {}, title, h("small", {}, number(count))) : null,
      h("ul", { class: "members" }, ones.map((member) => memberCard(cluster, member))))));
  };
  fill();
  const more = h("button", { class: "button wide", onclick: () => showMore(cluster, by, fill, more) }, t("more"));
  return {
    title: cluster.label ?? t("cluster_title", { n: cluster.images }),
    body: [
      heading(cluster, about),
      cluster.note ? h("p", { class: "note" }, cluster.note) : null,
      cluster.timeline.length ? h("details", { class: "figures", open: timeOpen, ontoggle: (event) => (timeOpen = event.target.open) }, h("summary", {}, t("timeline")), bars(t("timeline"), cluster.timeline, null, { wide: true })) : null,
      h("div", { class: "bar under" },
        h("label", { class: "inline" }, t("group_by"), choice("by", groupings(about), by, (value) => go(`/clusters/${cluster.id}${value ? `?by=${encodeURIComponent(value)}` : ""}`, { quietly: true }))),
        h("label", { class: "inline" }, t("thumb_size"), h("input", { type: "range", min: 110, max: 320, value: size, "aria-label": t("zoom"), oninput: (event) => { size = event.target.value; grid.style.setProperty("--thumb", `${size}px`); } })),
        h("label", { class: "inline" }, h("input", { type: "checkbox", "data-key": "outline", checked: outlined, onchange: (event) => { outlined = event.target.checked; fill(); } }), t("show_elements"))),
      grid,
      cluster.pages > 1 ? more : null,
      h("div", { id: "chosen" }),
    ],
    keys: { " ": select, Escape: () => go(lastWall()) },
  };
}

const pageOf = (id, by, page = 1) => `/api/clusters/${id}?${new URLSearchParams({ by, page })}`;

const groupings = (about) =>
  ["", "relation", "variant", ...(about.metadata?.date_column ? ["date"] : []), ...Object.keys(about.metadata?.facets ?? {}).map((name) => `m.${name}`)]
    .map((name) => [name, name.startsWith("m.") ? name.slice(2) : t(`group_${name || "none"}`)]);

function heading(cluster, about) {
  const review = `/api/clusters/${cluster.id}/links`;
  return h("div", { class: "heading" },
    h("div", {},
      h("p", { class: "quiet" }, h("a", { href: lastWall() }, icon("back"), t("wall"))),
      h("h1", {}, cluster.label ?? t("cluster_title", { n: cluster.images })),
      h("p", { class: "facts" },
        cluster.label ? h("span", {}, t("images", { n: cluster.images })) : null,
        cluster.files !== cluster.images ? h("span", {}, t("files", { n: cluster.files })) : null,
        h("span", {}, t("links", { n: cluster.links })),
        h("span", {}, t("quality_of", { n: Math.round(cluster.quality * 100) })),
        cluster.first ? h("span", {}, dates(cluster.first, cluster.last)) : null,
        chips(cluster))),
    h("div", { class: "actions" },
      cluster.links ? h("button", { class: "button main", "data-key": "review", onclick: () => startReview(review, cluster.id) }, t("review")) : null,
      h("button", { class: "button", "data-key": "checked", "aria-pressed": String(cluster.checked), onclick: () => check(cluster) }, cluster.checked ? icon("check") : null, cluster.checked ? t("is_checked") : t("mark_checked")),
      h("button", { class: "button", "data-key": "label", onclick: () => edit(cluster) }, t("edit_label")),
      h("a", { class: "button", href: `/clusters/${cluster.id}/graph` }, t("graph")),
      menu(t("take"), takeItems(`cluster=${cluster.id}`, about))));
}

export async function startReview(path, id) {
  const { links } = await get(path);
  const next = links[0];
  if (next) go(`/links/${next.first}/${next.second}?review=${id}`);
}

// The groups that the server made of the whole cluster, with those of their images that are there yet.
function grouped({ groups, members }, by) {
  if (!groups.length) return [["", members.length, members]];
  const title = (name) => {
    if (!name) return t("group_rest");
    if (by === "relation" && !["representative", "through"].includes(name)) return t(`rel_${name}`);
    return by === "relation" || by === "variant" ? t(name) : name;
  };
  return groups.map(({ name, count }) => [title(name), count, members.filter((member) => member.group === name)]).filter(([, , ones]) => ones.length);
}

function memberCard(cluster, member) {
  const name = member.path.split("/").at(-1);
  const link = member.link;
  const direct = link?.with === cluster.representative;
  const alone = cluster.images === 1;
  return h("li", { class: "member" },
    alone ? null : h("input", {
      type: "checkbox", class: "mark", "aria-label": t("select_image", { path: member.path }), checked: selected.has(member.id),
      onchange: (event) => { event.target.checked ? selected.add(member.id) : selected.delete(member.id); showSelected(cluster); },
    }),
    h("a", { href: link ? proofOf(member, cluster.id) : `/images/${member.id}`, "data-item": true, "data-key": member.id, title: member.path },
      h("span", { class: "frame" }, picture(member.id, member.path, { width: member.width, height: member.height }), outlined ? outline(member, member.elements) : null),
      h("span", { class: "member-text" },
        link ? h("span", {}, direct ? t(`rel_${link.relation}`) : t("through"), link.variant === "plain" ? null : h("span", { class: "chip" }, t(link.variant)))
          : h("strong", {}, member.id === cluster.representative ? t("representative") : name),
        h("span", { class: "quiet" }, link ? t("covers", { n: Math.round(link.coverage * 100) }) : name),
        member.files > 1 ? h("span", { class: "quiet" }, t("files", { n: member.files })) : null,
        member.posts ? h("span", { class: "quiet" }, t("posts", { n: member.posts }), member.first ? ` · ${date(member.first)}` : "") : null)),
    member.also_in.length ? h("p", { class: "also" }, t("also_in"), alsoIn(member.also_in)) : null,
    outlined ? h("ul", { class: "elements" }, ownElements(cluster, member).map((element) => elementRow(member, element))) : null);
}

// The elements of an image; the one that makes the cluster is told of once, under the representative.
function ownElements(cluster, member) {
  const [first] = cluster.members;
  const shared = first.elements.find((element) => element.main)?.element;
  return member.elements.filter((element) => member === first || element.element !== shared);
}

function elementRow(member, element) {
  const mark = () => act([marked(member.id, element)], element.common ? "was_uncommon" : "was_common", (clusters) => clusters[member.id]);
  return h("li", { class: element.common ? "common" : "own" }, h("span", { class: "quiet" }, toldOf(element)),
    h("button", { class: "plain", onclick: mark }, element.common ? t("make_uncommon") : t("make_common")));
}

async function showMore(cluster, by, fill, button) {
  try {
    const next = await get(pageOf(cluster.id, by, cluster.page + 1));
    cluster.page = next.page;
    cluster.members.push(...next.members);
    fill();
    if (cluster.page >= next.pages) button.remove();
  } catch (error) {
    sayError(error);
  }
}

function select(event) {
  const box = event.target.closest?.(".member")?.querySelector(".mark");
  if (!box || event.target === box) return false;
  box.click();
  return true;
}

function showSelected(cluster) {
  const bar = document.getElementById("chosen");
  const remove = () => {
    const anchor = cluster.members.map((member) => member.id).find((id) => !selected.has(id));
    if (anchor) act([...selected].map((id) => decision("apart", id, anchor)), "removed", (clusters) => clusters[anchor]);
  };
  bar.replaceChildren(...(selected.size ? [h("div", { class: "selection" },
    h("span", {}, t("selected", { n: selected.size })),
    h("button", { class: "main", disabled: selected.size >= cluster.images, onclick: remove }, t("remove")),
    h("button", { class: "plain", onclick: refresh }, t("unselect")))] : []));
}

// Decide, say so, and show the cluster in which its images are now.
async function act(decisions, said, cluster = null) {
  try {
    const { clusters } = await decide(decisions);
    await study(true);
    say(t(said));
    const id = cluster?.(clusters);
    if (cluster) await go(id ? `/clusters/${id}` : "/", { quietly: true });
    else await refresh();
  } catch (error) {
    sayError(error);
  }
}

const check = (cluster) =>
  act([decision("checked", cluster.representative, "", cluster.checked ? "" : "yes")], cluster.checked ? "unchecked" : "is_checked");

function edit(cluster) {
  const form = h("form", { class: "stack", onsubmit: send },
    h("label", { class: "field" }, h("span", {}, t("label")), h("input", { name: "label", value: cluster.label ?? "", maxlength: 200 })),
    h("label", { class: "field" }, h("span", {}, t("note")), h("textarea", { name: "note", rows: 5, value: cluster.note ?? "" })),
    h("button", { class: "main", type: "submit" }, t("save")));
  const close = dialog(t("edit_label"), form, t("close"));
  function send(event) {
    event.preventDefault();
    const { label, note } = Object.fromEntries(new FormData(form));
    close();
    act([decision("label", cluster.representative, "", label.trim()), decision("note", cluster.representative, "", note.trim())], "saved");
  }
}
