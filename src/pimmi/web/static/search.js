// Searching by a picture; it is sent to the server, compared, and forgotten.
import { post } from "./api.js";
import { refresh } from "./app.js";
import { h, icon, picture, preview } from "./dom.js";
import { proofView, relationSentence, sentence } from "./proof.js";
import { t } from "./words.js";

let given = null;
let shown = null;

export function handOver(file) {
  if (shown) URL.revokeObjectURL(shown);
  given = file;
  shown = URL.createObjectURL(file);
}

export async function searchPage() {
  const results = h("div", { class: "results", "aria-live": "polite" });
  const input = h("input", { type: "file", accept: "image/*", class: "unseen", id: "picture", onchange: () => input.files[0] && (handOver(input.files[0]), refresh()) });
  return {
    title: t("search"),
    body: [
      h("h1", {}, t("search")),
      h("div", { class: "drop" }, shown ? h("img", { src: shown, alt: t("your_image") }) : icon("search"),
        h("p", {}, t("drop"), " ", input, h("label", { class: "button", for: "picture" }, t("choose"))),
        h("p", { class: "quiet" }, t("drop_hint"))),
      results,
    ],
    shown: () => given && find(results),
  };
}

async function find(results) {
  results.replaceChildren(h("p", { class: "busy" }, t("searching")));
  const form = new FormData();
  form.append("image", given);
  try {
    const { hits, total } = await post("/api/search", form);
    if (!results.isConnected) return;
    results.replaceChildren(h("h2", {}, hits.length ? t("hits", { n: total }) : t("no_hits"), hits.length < total ? h("small", {}, t("hits_shown", { n: hits.length })) : null), h("ol", { class: "hits" }, hits.map(hit)));
    results.querySelector("details")?.setAttribute("open", "");
  } catch (error) {
    results.replaceChildren(h("p", { class: "error", role: "alert" }, t("error", { text: error.message })));
  }
}

function hit(link) {
  const { second } = link;
  const inside = h("div", {});
  const open = (event) => {
    if (!event.target.open || inside.childElementCount) return;
    const view = proofView(link, { first: shown, second: preview(second.id) }, true);
    inside.append(...view.body);
    view.shown();
  };
  return h("li", { class: "hit" },
    h("div", { class: "hit-head" }, picture(second.id, "", { class: "small" }),
      h("div", {}, h("strong", {}, sentence(link)), h("p", {}, relationSentence(link, true)),
        h("p", { class: "quiet path" }, h("a", { href: `/images/${second.id}` }, second.path), " · ", second.cluster ? h("a", { href: `/clusters/${second.cluster}` }, t("in_cluster")) : t("no_cluster")))),
    h("details", { ontoggle: open }, h("summary", { "data-item": true }, t("see_proof")), inside));
}
