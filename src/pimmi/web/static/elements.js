// What is common to many unrelated images, and links no clusters: an app's frame, an emoji, a logo.
import { decide, decision, get, study } from "./api.js";
import { refresh, say, sayError } from "./app.js";
import { h, outline, picture } from "./dom.js";
import { pager } from "./overview.js";
import { t } from "./words.js";

export async function elementsPage(parameters) {
  const found = await get(`/api/elements?page=${parameters.get("page") ?? 1}`);
  return {
    title: t("common_elements"),
    body: [
      h("div", { class: "heading" }, h("div", {},
        h("h1", {}, t("common_elements"), h("small", {}, found.total)),
        h("p", { class: "quiet hint" }, t("common_hint")))),
      found.elements.length ? h("ul", { class: "recurring" }, found.elements.map(row)) : h("p", { class: "empty" }, t("no_elements")),
      pager(found, parameters, "/elements"),
    ],
  };
}

// A decision that turns what an element is, told by its region in an image.
export const marked = (image, element) =>
  decision("element", image, "", JSON.stringify({ region: element.region, common: !element.common }));

export const toldOf = (element) =>
  [t(`kind_${element.kind}`), t("images", { n: element.size }), element.common ? t("common") : null].filter(Boolean).join(" · ");

function row(element) {
  const { representative } = element;
  return h("li", {},
    region(representative, element, representative.cluster ? `/clusters/${representative.cluster}` : null, true),
    h("div", {},
      h("p", {}, h("strong", {}, t(`kind_${element.kind}`)), h("span", { class: "quiet" }, ` · ${t("images", { n: element.size })}`),
        element.marked ? h("span", { class: "chip" }, t(element.common ? "marked_common" : "marked_own")) : null),
      h("ul", { class: "examples" }, element.examples.map((one) => h("li", {}, region(one, { ...element, region: one.region }, addressOf(representative, one))))),
      h("button", { class: "button", "data-key": element.element, onclick: () => mark(element) }, t(element.common ? "make_uncommon" : "make_common"))));
}

const addressOf = (representative, one) =>
  one.linked ? `/links/${representative.id}/${one.id}` : one.cluster ? `/clusters/${one.cluster}` : null;

function region(image, element, address, large = false) {
  return h("a", { class: large ? "frame large" : "frame", href: address ?? `/previews/${image.id}.webp`, target: address ? null : "_blank", "data-item": true, title: image.path },
    picture(image.id, image.path, { width: image.width, height: image.height }), outline(image, [element]));
}

async function mark(element) {
  try {
    await decide([marked(element.representative.id, element)]);
    await study(true);
    say(t(element.common ? "was_uncommon" : "was_common"));
    await refresh();
  } catch (error) {
    sayError(error);
  }
}
