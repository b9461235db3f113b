// What is common to many unrelated images, and links no clusters: an app's frame, an emoji, a logo.
import { decide, decision, get, study } from "./api.js";
import { go, refresh, say, sayError } from "./app.js";
import { h, outline, picture } from "./dom.js";
import { address, oneOf, pager, range, side } from "./filters.js";
import { t } from "./words.js";

const KINDS = ["frame", "mark", "picture", "part"];
const VERDICTS = ["undecided", "common", "own"];

export async function elementsPage(parameters) {
  const found = await get(`/api/elements?${parameters}`);
  const change = (changes) => go(address("/elements", parameters, changes), { quietly: true });
  const to = { parameters, change };
  return {
    title: t("common_elements"),
    body: h("div", { class: "with-side" },
      side({ base: "/elements", parameters, change, go, fields: [
        oneOf("kind", KINDS, { ...to, label: (kind) => t(`kind_${kind}`) }), range(t("size_images"), "size", to),
        oneOf("verdict", VERDICTS, { ...to, label: (verdict) => t(`verdict_${verdict}`) }),
      ] }),
      h("section", { "aria-labelledby": "elements-title" },
        h("div", { class: "heading" }, h("div", {},
          h("h1", { id: "elements-title" }, t("common_elements"), h("small", {}, found.total)),
          h("p", { class: "quiet hint" }, t("common_hint")))),
        found.elements.length ? h("ul", { class: "recurring" }, found.elements.map(row)) : h("p", { class: "empty" }, parameters.size ? t("nothing_hint") : t("no_elements")),
        pager(found, parameters, "/elements"))),
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
    region(representative, element, `/images/${representative.id}`, true),
    h("div", {},
      h("p", {}, h("strong", {}, t(`kind_${element.kind}`)), h("span", { class: "quiet" }, ` · ${t("images", { n: element.size })}`),
        element.marked ? h("span", { class: "chip" }, t(element.common ? "marked_common" : "marked_own")) : null),
      h("ul", { class: "examples" }, element.examples.map((one) => h("li", {}, region(one, { ...element, region: one.region }, one.linked ? `/links/${representative.id}/${one.id}` : `/images/${one.id}`)))),
      h("button", { class: "button", "data-key": element.element, onclick: () => mark(element) }, t(element.common ? "make_uncommon" : "make_common"))));
}

function region(image, element, target, large = false) {
  return h("a", { class: large ? "frame large" : "frame", href: target, "data-item": true, title: image.path },
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
