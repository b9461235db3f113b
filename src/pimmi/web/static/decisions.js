// What was decided, the last first.
import { get } from "./api.js";
import { undo } from "./app.js";
import { h, icon, picture } from "./dom.js";
import { takeLink } from "./take.js";
import { moment, t } from "./words.js";

export async function decisionsPage() {
  const { decisions, total } = await get("/api/decisions?limit=200");
  return {
    title: t("decisions"),
    body: [
      h("div", { class: "bar" }, h("h1", {}, t("decisions"), h("small", {}, total)),
        total ? h("button", { class: "button", onclick: undo }, icon("undo"), t("undo")) : null,
        total ? takeLink("/api/take/decisions.csv", t("take_decisions"), { class: "button" }) : null),
      total ? h("ol", { class: "decided" }, decisions.map(row)) : h("div", { class: "empty" }, h("p", {}, t("no_decisions")), h("p", { class: "hint" }, t("decisions_hint"))),
      total > decisions.length ? h("p", { class: "quiet" }, t("decisions_shown", { n: decisions.length })) : null,
    ],
  };
}

function row(one) {
  const key = keyOf(one);
  const target = one.kind === "link" ? `/links/${one.first}/${one.second}` : one.kind === "element" ? `/images/${one.first}` : `/clusters/${one.first}`;
  return h("li", {},
    h("a", { class: "pictures", href: target, "data-item": true, "aria-label": t(key) }, picture(one.first, ""), one.second ? picture(one.second, "") : null),
    h("div", {}, h("strong", {}, t(key)), ["label", "note"].includes(one.kind) && one.value ? h("p", {}, one.value) : null, h("p", { class: "quiet" }, moment(one.decided_at))));
}

export function keyOf({ kind, value }) {
  if (kind === "link") return `d_link_${value}`;
  if (kind === "element") return value ? `d_element_${JSON.parse(value).common ? "common" : "own"}` : "d_element_";
  return value ? `d_${kind}` : `d_${kind}_`;
}
