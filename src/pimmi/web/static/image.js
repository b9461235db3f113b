// One image: its files, its posts, what it shows, and the images with which it is linked.
import { get } from "./api.js";
import { go } from "./app.js";
import { h, icon, outline, picture, preview } from "./dom.js";
import { toldOf } from "./elements.js";
import { clusterAddress } from "./trail.js";
import { bytes, number, t } from "./words.js";

let outlined = true;

export async function imagePage(_parameters, id) {
  const image = await get(`/api/images/${id}`);
  const name = image.path.split("/").at(-1);
  const home = image.cluster ? clusterAddress(image.cluster) : null;
  const frame = h("div", { class: "frame full" });
  const draw = () => frame.replaceChildren(
    h("img", { src: preview(id), alt: image.path, width: image.width, height: image.height }), ...(outlined ? [outline(image, image.elements)] : []));
  draw();
  return {
    title: name,
    body: [
      h("div", { class: "heading" },
        h("div", {},
          home ? h("p", { class: "quiet" }, h("a", { href: home }, icon("back"), t("back_cluster"))) : null,
          h("h1", { class: "path" }, name),
          h("p", { class: "facts" }, h("span", {}, `${number(image.width)} × ${number(image.height)}`), h("span", {}, image.format.toUpperCase()), h("span", {}, bytes(image.bytes)),
            h("span", {}, t("keypoints", { n: image.nb_points })), image.cluster ? null : h("span", {}, t("no_cluster")))),
        h("div", { class: "actions" }, image.original ? h("a", { class: "button", href: `/files/${id}`, target: "_blank" }, t("open_file")) : h("span", { class: "quiet" }, t("file_away")))),
      h("div", { class: "image-page" },
        h("div", {}, frame,
          image.elements.length ? h("label", { class: "inline" }, h("input", { type: "checkbox", "data-key": "outline", checked: outlined, onchange: (event) => { outlined = event.target.checked; draw(); } }), t("show_elements")) : null),
        h("div", { class: "told" }, files(image), shows(image), also(image))),
      posts(image), links(image),
    ],
    keys: { Escape: () => go(home ?? "/") },
  };
}

const files = ({ paths }) => h("section", {}, h("h2", {}, t("files", { n: paths.length })), h("ul", { class: "paths" }, paths.map((path) => h("li", { class: "path" }, path))));

const shows = ({ elements }) => elements.length ? h("section", {}, h("h2", {}, t("shows")), h("ul", { class: "elements" }, elements.map((element) => h("li", { class: element.common ? "common" : "own" }, toldOf(element))))) : null;

const also = ({ also_in }) => also_in.length ? h("section", {}, h("h2", {}, t("also_in")), h("p", { class: "also" }, alsoIn(also_in))) : null;

// The other clusters of which an image shows a part, as small pictures.
export const alsoIn = (clusters) => clusters.map((one) => {
  const name = one.label ?? t("cluster_of_files", { n: one.files });
  return h("a", { href: `/clusters/${one.id}`, title: name }, picture(one.representative, name, { class: "tiny" }));
});

function posts({ posts: rows }) {
  if (!rows.length) return null;
  const columns = Object.keys(rows[0]);
  return h("section", { class: "posts" }, h("h2", {}, t("posts", { n: rows.length })),
    h("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": t("posts", { n: rows.length }) }, h("table", {},
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((column) => h("td", {}, row[column] ?? "")))))))) ;
}

function links({ id, linked, links: shown }) {
  if (!linked) return null;
  return h("section", { class: "linked" }, h("h2", {}, t("linked", { n: linked }), shown.length < linked ? h("small", {}, t("hits_shown", { n: shown.length })) : null),
    h("ul", { class: "members" }, shown.map((link) => h("li", { class: "member" },
      h("a", { href: `/links/${link.with}/${id}`, "data-item": true, "data-key": link.with, title: link.image.path },
        h("span", { class: "frame" }, picture(link.with, link.image.path, { width: link.image.width, height: link.image.height })),
        h("span", { class: "member-text" },
          h("span", {}, t(link.type === "common" ? "only_common_short" : `rel_${link.relation}`), link.variant === "plain" ? null : h("span", { class: "chip" }, t(link.variant)),
            link.verdict ? h("span", { class: `chip ${link.verdict}` }, t(link.verdict)) : null),
          h("span", { class: "quiet" }, t("covers", { n: Math.round(link.coverage * 100) }))))))));
}
