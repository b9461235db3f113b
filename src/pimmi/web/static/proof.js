// The proof of a link: the points that agree, what both images show, and one laid onto the other.
import { decide, decision, get, study } from "./api.js";
import { go, say, sayError } from "./app.js";
import { h, icon, preview, svg } from "./dom.js";
import { along, clusterAddress } from "./trail.js";
import { chance, percent, t } from "./words.js";

const GAP = 40;
const MOST_LINES = 80;
const CELLS = 8;
const MOST_REVIEWED = 2000;

export async function proofPage(parameters, first, second) {
  const review = parameters.get("review");
  const [link, list] = await Promise.all([get(`/api/links/${first}/${second}`), review ? reviewList(review) : null]);
  const place = list ? list.findIndex((one) => one.first === link.first.id && one.second === link.second.id || one.first === link.second.id && one.second === link.first.id) : -1;
  const to = (one) => one && `/links/${one.first}/${one.second}?review=${review}`;
  const home = link.first.cluster ?? link.second.cluster ?? parameters.get("in") ?? review;
  const way = list ? { place: Math.max(place, 0), total: list.total, before: to(list[place - 1]), next: to(list[place + 1]) } : along(location.pathname + location.search);
  const back = home && clusterAddress(home);
  const judge = (value) => judged(link, value, review ? way.next : null, home, review);
  const view = proofView(link, { first: preview(link.first.id), second: preview(link.second.id) });
  const step = (address) => (address ? () => go(address, { quietly: true }) : undefined);
  return {
    title: t("proof"),
    body: [
      h("div", { class: "heading" },
        h("div", {},
          home ? h("p", { class: "quiet" }, h("a", { href: back }, icon("back"), t("back_cluster"))) : null,
          h("h1", {}, sentence(link)),
          h("p", { class: "facts" }, link.type === "common" ? null : h("span", {}, relationSentence(link)), link.verdict ? h("span", { class: `chip ${link.verdict}` }, t(link.verdict)) : null)),
        h("div", { class: "actions" },
          link.verdict ? h("button", { class: "button", "data-key": "back", onclick: () => judge("") }, t("take_back")) : null,
          h("button", { class: "button yes", "data-key": "yes", "aria-pressed": String(link.verdict === "confirmed"), onclick: () => judge("confirmed") }, icon("check"), t("confirm"), h("kbd", { "aria-hidden": "true" }, "y")),
          h("button", { class: "button no", "data-key": "no", "aria-pressed": String(link.verdict === "rejected"), onclick: () => judge("rejected") }, icon("cross"), t("reject"), h("kbd", { "aria-hidden": "true" }, "n")))),
      link.type === "common" ? h("p", { class: "note" }, t("only_common"), " ", h("a", { href: "/elements" }, t("common_elements"))) : null,
      way ? h("nav", { class: "pager", "aria-label": t(review ? "review" : "k_arrows") },
        way.before ? h("a", { class: "button", href: way.before, "data-key": "before" }, icon("back"), t("previous")) : h("span", {}),
        h("span", {}, t(review ? "review_progress" : "trail_progress", { n: way.place + 1, m: way.total })),
        way.next ? h("a", { class: "button", href: way.next, "data-key": "next" }, t("next"), icon("next")) : h("span", {})) : null,
      view.body,
      h("div", { class: "pair-text" }, about(link.first, t("first_image")), about(link.second, t("second_image"))),
    ],
    keys: { y: () => judge("confirmed"), n: () => judge("rejected"), " ": (event) => (event.target.closest?.("button, a, summary, input") ? false : view.blink()), ArrowRight: step(way?.next), ArrowLeft: step(way?.before), Escape: () => go(back ?? "/") },
    shown: view.shown,
  };
}

// The links of a cluster as they were when its review began, so that the order doesn't change under the reader.
const lists = new Map();
async function reviewList(id) {
  if (!lists.has(id)) {
    const { links, total } = await get(`/api/clusters/${id}/links?size=${MOST_REVIEWED}`);
    lists.set(id, Object.assign(links, { total }));
  }
  return lists.get(id);
}
export const forgetReview = (id) => lists.delete(id);

// In a review the next link comes at once, while the decision is applied.
async function judged(link, value, next, home, review) {
  const decided = decide([decision("link", link.first.id, link.second.id, value)]);
  try {
    if (value && next) go(next, { quietly: true });
    const { clusters } = await decided;
    await study(true);
    say(t(value === "rejected" ? outcomeOf(link, clusters) : value ? "was_confirmed" : "taken_back"));
    if (value && next) return;
    if (value && review) {
      forgetReview(review);
      say(t("review_done"));
      return go(`/clusters/${clusters[link.first.id] ?? clusters[link.second.id] ?? home}`);
    }
    return go(location.pathname + location.search, { quietly: true });
  } catch (error) {
    return sayError(error);
  }
}

// What a rejection did: other links can still hold both images in one cluster.
function outcomeOf({ first, second }, clusters) {
  if (!first.cluster || first.cluster !== second.cluster) return "was_rejected";
  return clusters[first.id] && clusters[first.id] === clusters[second.id] ? "rejected_still" : "rejected_apart";
}

export function sentence(link) {
  if (link.relation === "identical") return t("same_bytes");
  return `${t("points", { n: link.inliers })}${t("semicolon")}${t("chance", { n: chance(link.score) })}`;
}

// `yours` is true for a search: the first picture is that of the user.
export function relationSentence(link, yours = false) {
  const variant = link.variant === "plain" ? "" : `${t("semicolon")}${t(`says_${link.variant}`)}`;
  const part = ["contained", "contains"].includes(link.relation);
  return `${yours && part ? t(`yours_${link.relation}`) : t(`says_${link.relation}`)}${variant}`;
}

function about(image, title) {
  return h("section", { "aria-label": title },
    h("h2", {}, title),
    h("p", { class: "path" }, image.path),
    h("p", { class: "quiet" }, `${image.width} × ${image.height}`, " · ",
      h("a", { href: `/images/${image.id}` }, t("about_image")), " · ",
      image.cluster ? h("a", { href: `/clusters/${image.cluster}` }, t("in_cluster")) : t("no_cluster")));
}

// What shows a link: `sources` are the addresses of the two pictures. Also used by the search.
export function proofView(link, sources, yours = false) {
  const stage = h("div", { class: "stage" });
  const shown = { lines: true, outlines: true };
  const draw = () => {
    const width = stage.clientWidth || 900;
    stage.replaceChildren(drawn(link, sources, { stacked: width < 620, width, ...shown }));
  };
  const toggle = (name) => h("label", { class: "inline" },
    h("input", { type: "checkbox", checked: shown[name], onchange: (event) => { shown[name] = event.target.checked; draw(); } }), t(name));
  const laid = overlay(link, sources);
  return {
    body: [
      stage,
      h("div", { class: "bar under" }, toggle("lines"), toggle("outlines")),
      h("dl", { class: "measures" }, [[yours ? "yours_first" : "m_first", link.first_coverage], [yours ? "yours_second" : "m_second", link.second_coverage], ["m_agree", link.agreement], ["m_conflict", link.conflict], ...(link.confidence === undefined ? [] : [["m_confidence", link.confidence]])]
        .map(([name, share]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, percent(share))))),
      laid.body,
    ],
    blink: laid.blink,
    shown: () => {
      draw();
      new ResizeObserver(draw).observe(stage);
    },
  };
}

function drawn(link, sources, { stacked, width, lines, outlines }) {
  const { first, second } = link;
  const side = stacked ? width : (width - GAP) / 2;
  const most = Math.max(260, Math.min(620, innerHeight * 0.62));
  const scales = [first, second].map((image) => Math.min(side / image.width, (stacked ? most * 0.75 : most) / image.height));
  const sizes = [first, second].map((image, place) => [image.width * scales[place], image.height * scales[place]]);
  const high = stacked ? sizes[0][1] + GAP + sizes[1][1] : Math.max(sizes[0][1], sizes[1][1]);
  const corners = stacked
    ? [[(width - sizes[0][0]) / 2, 0], [(width - sizes[1][0]) / 2, sizes[0][1] + GAP]]
    : [[(side - sizes[0][0]) / 2, (high - sizes[0][1]) / 2], [side + GAP + (side - sizes[1][0]) / 2, (high - sizes[1][1]) / 2]];
  const at = (place, [x, y]) => [corners[place][0] + (x + 0.5) * scales[place], corners[place][1] + (y + 0.5) * scales[place]];
  const image = (place, source, name) => svg("image", { href: source, x: corners[place][0], y: corners[place][1], width: sizes[place][0], height: sizes[place][1], preserveAspectRatio: "none", role: "img", "aria-label": name });
  const polygon = (place, points) => svg("polygon", { class: "covered", points: points.map((point) => at(place, point).map((one) => one.toFixed(1)).join(",")).join(" ") });
  const outline = (place, image, part, points) => (part?.length ? cells(place, image, part) : points.length ? polygon(place, points) : null);
  const cells = (place, image, part) => svg("path", { class: "covered", d: edges(part).map(([a, b]) => [a, b].map(([x, y], end) => `${end ? "L" : "M"}${at(place, [(x * image.width) / CELLS - 0.5, (y * image.height) / CELLS - 0.5]).map((one) => one.toFixed(1)).join(" ")}`).join("")).join("") });
  const every = Math.max(1, link.points.length / MOST_LINES);
  const marks = link.points.map(([x, y, u, v], place) => {
    const [a, b] = [at(0, [x, y]), at(1, [u, v])];
    const colour = `hsl(${Math.round((360 * x) / first.width)} 85% 55%)`;
    const line = lines && Math.floor(place / every) !== Math.floor((place - 1) / every);
    return svg("g", { style: { color: colour } },
      line ? svg("line", { x1: a[0], y1: a[1], x2: b[0], y2: b[1] }) : null,
      svg("circle", { cx: a[0], cy: a[1], r: 3 }), svg("circle", { cx: b[0], cy: b[1], r: 3 }));
  });
  return svg("svg", { viewBox: `0 0 ${width} ${high}`, class: "proof", role: "group", "aria-label": sentence(link) },
    image(0, sources.first, t("first_image")), image(1, sources.second, t("second_image")),
    outlines ? [outline(0, link.first, link.first_part, link.first_outline), outline(1, link.second, link.second_part, link.second_outline)] : null,
    svg("g", { class: "points" }, marks));
}

// The sides between cells that are set and cells that aren't, each from one corner to the next.
function edges(part) {
  const held = new Set(part);
  const set = (x, y) => x >= 0 && y >= 0 && x < CELLS && y < CELLS && held.has(y * CELLS + x);
  const found = [];
  for (let y = 0; y <= CELLS; y += 1) {
    for (let x = 0; x <= CELLS; x += 1) {
      if (set(x, y) !== set(x, y - 1)) found.push([[x, y], [x + 1, y]]);
      if (set(x, y) !== set(x - 1, y)) found.push([[x, y], [x, y + 1]]);
    }
  }
  return found;
}

function overlay(link, sources) {
  const { second } = link;
  const [a11, a12, tx, a21, a22, ty] = link.transform;
  const shift = (x, a, b) => x + 0.5 - 0.5 * (a + b);
  const negative = link.variant.includes("negative");
  const top = svg("image", {
    href: sources.first, width: link.first.width, height: link.first.height, preserveAspectRatio: "none",
    transform: `matrix(${a11} ${a21} ${a12} ${a22} ${shift(tx, a11, a12)} ${shift(ty, a21, a22)})`,
    class: negative ? "laid inverted" : "laid", style: { opacity: "0.5" },
  });
  const slider = h("input", { type: "range", min: 0, max: 100, value: 50, oninput: () => fade() });
  const fade = () => top.style.setProperty("opacity", slider.value / 100);
  let timer = 0;
  const button = h("button", { class: "button", type: "button", "aria-pressed": "false", onclick: () => blink() }, t("blink"));
  const blink = () => {
    if (timer) clearInterval(timer), (timer = 0), fade();
    else timer = setInterval(() => (button.isConnected ? top.style.setProperty("opacity", top.style.opacity === "0" ? "1" : "0") : clearInterval(timer)), 600);
    button.setAttribute("aria-pressed", String(Boolean(timer)));
  };
  const differ = (event) => {
    top.classList.toggle("difference", event.target.checked);
    if (event.target.checked) slider.value = 100, fade();
  };
  return {
    blink,
    body: h("section", { class: "overlay" },
      h("h2", {}, t("overlay")),
      h("div", { class: "bar under" },
        h("label", { class: "inline" }, t("blend"), slider), button,
        h("label", { class: "inline" }, h("input", { type: "checkbox", onchange: differ }), t("difference"))),
      h("div", { class: "stage centred" }, svg("svg", { viewBox: `0 0 ${second.width} ${second.height}`, class: "laid-on", role: "img", "aria-label": t("overlay") },
        svg("image", { href: sources.second, width: second.width, height: second.height, preserveAspectRatio: "none" }), top))),
  };
}
