// The frame of all pages: which one is shown, the header, the keyboard, and what is said at the bottom.
import { study, takeBack } from "./api.js";
import { clusterPage } from "./cluster.js";
import { decisionsPage, keyOf } from "./decisions.js";
import { dialog, h, icon } from "./dom.js";
import { elementsPage } from "./elements.js";
import { graphPage } from "./graph.js";
import { imagePage } from "./image.js";
import { overviewPage } from "./overview.js";
import { proofPage } from "./proof.js";
import { handOver, searchPage } from "./search.js";
import { language, speak, t } from "./words.js";

const PAGES = [
  [/^\/$/, overviewPage],
  [/^\/clusters\/(\w+)$/, clusterPage],
  [/^\/clusters\/(\w+)\/graph$/, graphPage],
  [/^\/images\/(\w+)$/, imagePage],
  [/^\/links\/(\w+)\/(\w+)$/, proofPage],
  [/^\/elements$/, elementsPage],
  [/^\/search$/, searchPage],
  [/^\/decisions$/, decisionsPage],
];

const main = document.getElementById("main");
const said = document.getElementById("said");
let keys = {};
let shownAddress = "";
let wall = "/";
let turn = 0;
let silence = 0;

export function say(text, { bad = false, lasting = false } = {}) {
  said.textContent = text;
  said.classList.toggle("bad", bad);
  said.classList.add("shown");
  clearTimeout(silence);
  if (!lasting) silence = setTimeout(() => said.classList.remove("shown"), bad ? 8000 : 3500);
}

export const sayError = (error) => say(t("error", { text: error.message }), { bad: true });

// Go to an address; `quietly` replaces the current one, so that "back" leaves the page.
export async function go(address, { quietly = false } = {}) {
  if (!quietly) history.replaceState({ top: scrollY }, "");
  history[quietly ? "replaceState" : "pushState"](null, "", address);
  await show();
}

// `top` is how far down to show the page; without one, the place is kept.
async function show({ top = 0 } = {}) {
  const mine = (turn += 1);
  const { pathname, search } = location;
  const samePage = shownAddress === pathname;
  if (pathname === "/") wall = `/${search}`;
  if (!samePage) keys = {}; // a second key must not judge the link that is being left
  main.setAttribute("aria-busy", "true");
  const found = PAGES.map(([pattern, page]) => [pathname.match(pattern), page]).find(([match]) => match);
  try {
    const page = found ? await found[1](new URLSearchParams(search), ...found[0].slice(1)) : { body: gone() };
    if (mine !== turn) return;
    shownAddress = pathname;
    keys = page.keys ?? {};
    document.title = page.title ? `${page.title} · pimmi` : "pimmi";
    const focused = document.activeElement?.dataset?.key;
    main.replaceChildren(...[page.body].flat(9).filter(Boolean));
    if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    else if (!samePage) main.focus({ preventScroll: true });
    if (!samePage && top !== null) scrollTo(0, top);
    page.shown?.();
  } catch (error) {
    if (mine === turn) main.replaceChildren(error.status === 404 ? gone() : h("p", { class: "empty" }, t("error", { text: error.message })));
  } finally {
    if (mine === turn) main.removeAttribute("aria-busy");
  }
  header();
}

// The address of the wall as it was last seen, with its filters.
export const lastWall = () => wall;

export const refresh = () => show({ top: null });

const gone = () => h("div", { class: "empty" }, h("h1", {}, t("gone")), h("p", {}, h("a", { href: "/" }, t("wall"))));

async function header() {
  const about = await study().catch(() => null);
  const link = (address, text) =>
    h("a", { href: address, "aria-current": location.pathname === address ? "page" : null }, text);
  const top = document.getElementById("top");
  const focused = top.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  top.replaceChildren(
    h("a", { class: "skip", href: "#main" }, t("skip")),
    h("a", { class: "brand", href: "/" }, h("img", { src: "/static/icon.svg", alt: "", width: 22, height: 22 }), "pimmi",
      about && h("span", { class: "study" }, about.name)),
    h("nav", { "aria-label": "pimmi" }, link("/", t("wall")), about?.listed_elements ? link("/elements", t("elements_short")) : null, link("/search", t("search")), link("/decisions", t("decisions"))),
    h("div", { class: "tools" },
      h("button", { class: "plain", "data-key": "undo", title: `${t("undo")} (u)`, "aria-label": t("undo"), onclick: undo }, icon("undo")),
      h("button", { class: "plain", "data-key": "dark", title: t("dark"), "aria-label": t("dark"), onclick: turnTheme }, icon("moon")),
      h("button", { class: "plain", "data-key": "help", title: `${t("help")} (?)`, "aria-label": t("help"), onclick: help }, "?"),
      h("button", { class: "plain", "data-key": "language", lang: language === "fr" ? "en" : "fr", onclick: turnLanguage }, t("language"))),
  );
  if (focused) top.querySelector(`[data-key="${focused}"]`)?.focus();
}

export async function undo() {
  try {
    const { decisions, clusters } = await takeBack();
    say(decisions.length ? t("undone", { what: t(keyOf(decisions[0])) }) : t("nothing_undo"));
    if (!decisions.length) return;
    await study(true);
    await afterUndo(clusters);
  } catch (error) {
    sayError(error);
  }
}

async function afterUndo(clusters) {
  const here = location.pathname.match(/^\/clusters\/(\w+)/);
  const ids = Object.values(clusters).filter(Boolean);
  if (here && ids.length && !ids.includes(here[1])) await go(`/clusters/${ids[0]}`, { quietly: true });
  else await refresh();
}

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("pimmi-theme", root.dataset.theme);
  } catch {
    /* storage may be forbidden */
  }
}

function turnLanguage() {
  speak(language === "fr" ? "en" : "fr");
  study(true);
  refresh();
}

function help() {
  if (document.querySelector("dialog[open]")) return;
  const rows = [["← ↑ ↓ →", "k_arrows"], [t("key_enter"), "k_enter"], [t("key_space"), "k_space"], ["y", "k_y"], ["n", "k_n"], ["u", "k_u"], ["/", "k_slash"], ["?", "k_help"], [t("key_esc"), "k_esc"]];
  dialog(t("help"), h("dl", { class: "keys" }, rows.map(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(text))])), t("close"));
}

// Arrows move between the items of a grid: those with data-item.
function move(event) {
  const items = [...main.querySelectorAll("[data-item]")];
  const here = items.indexOf(document.activeElement);
  if (here < 0) {
    items[0]?.focus();
    return items.length > 0;
  }
  const { top, left } = items[here].getBoundingClientRect();
  const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  let goal = items[here + sideways];
  if (!sideways) {
    const down = event.key === "ArrowDown";
    const rows = items.map((item) => [item, item.getBoundingClientRect()]).filter(([, box]) => (down ? box.top > top + 8 : box.top < top - 8));
    rows.sort(([, a], [, b]) => Math.abs(a.top - top) * 9 + Math.abs(a.left - left) - Math.abs(b.top - top) * 9 - Math.abs(b.left - left));
    goal = rows[0]?.[0];
  }
  goal?.focus();
  goal?.scrollIntoView({ block: "nearest" });
  return Boolean(goal);
}

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target.matches?.("input[type=search]")) event.target.blur();
  if (typing) return;
  const own = keys[event.key];
  if (own) {
    if (own(event) !== false) event.preventDefault();
  } else if (event.key.startsWith("Arrow") && move(event)) event.preventDefault();
  else if (event.key === "u") undo();
  else if (event.key === "?") help();
  else if (event.key === "/") {
    event.preventDefault();
    const box = document.getElementById("find");
    if (box) box.focus();
    else go("/").then(() => document.getElementById("find")?.focus());
  }
});

addEventListener("click", (event) => {
  const open = document.querySelector("details.menu[open]");
  if (open && !open.contains(event.target)) open.open = false;
  const link = event.target.closest?.("a[href]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.target || link.hasAttribute("download")) return;
  const address = new URL(link.href.baseVal ?? link.href, location.href);
  if (address.origin !== location.origin || !PAGES.some(([pattern]) => pattern.test(address.pathname))) return;
  event.preventDefault();
  if (address.hash === "#main") main.focus();
  else go(address.pathname + address.search);
});

addEventListener("popstate", (event) => show({ top: event.state?.top ?? 0 }));

// A picture that is dropped or pasted anywhere is searched for.
const fileOf = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/"));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const file = fileOf(event.dataTransfer?.files);
  if (file) handOver(file), go("/search");
});
addEventListener("paste", (event) => {
  const file = fileOf(event.clipboardData?.files);
  if (file) handOver(file), go("/search");
});

document.documentElement.lang = language;
header();
show();

