// What was decided, the last first.
import { get } from "./api.js";
import { undo } from "./app.js";
import { h, icon, picture } from "./dom.js";
import { language, t } from "./words.js";

export async function decisionsPage() {
  const { decisions, total } = await get("/api/decisions?limit=200");
  return {
    title: t("decisions"),
    body: [
      h("div", { class: "bar" }, h("h1", {}, t("decisions"), h("small", {}, total)),
        total ? h("button", { class: "button", onclick: undo }, icon("undo"), t("undo")) : null,
        total ? h("a", { class: "button", href: "/api/take/decisions.csv", download: true }, t("take_decisions")) : null),
      total ? h("ol", { class: "decided" }, decisions.map(row)) : h("p", { class: "empty" }, t("no_decisions")),
    ],
  };
}

function row(one) {
  const key = keyOf(one);
  const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(one.decided_at));
  const target = one.kind === "link" ? `/links/${one.first}/${one.second}` : one.kind === "element" ? "/elements" : `/clusters/${one.first}`;
  return h("li", {},
    h("a", { class: "pictures", href: target, "aria-label": t(key) }, picture(one.first, ""), one.second ? picture(one.second, "") : null),
    h("div", {}, h("strong", {}, t(key)), ["label", "note"].includes(one.kind) ? h("p", {}, one.value || "—") : null, h("p", { class: "quiet" }, when)));
}

function keyOf({ kind, value }) {
  if (kind === "link") return `d_link_${value}`;
  if (kind === "element") return JSON.parse(value || "{}").common ? "d_element_common" : "d_element_own";
  return kind === "checked" && !value ? "d_checked_" : `d_${kind}`;
}
