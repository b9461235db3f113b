// The graph of a cluster: its images, and a line for each link.
import { get } from "./api.js";
import { go } from "./app.js";
import { h, icon, svg, thumb } from "./dom.js";
import { clusterAddress } from "./trail.js";
import { t } from "./words.js";

const SIZE = 1000;
const ROUNDS = 260;

export async function graphPage(_parameters, id) {
  const [graph, cluster] = await Promise.all([get(`/api/clusters/${id}/graph`), get(`/api/clusters/${id}`)]);
  const places = stretched(laidOut(graph), innerWidth / (0.76 * innerHeight));
  const targets = surest(graph, cluster);
  const faint = Math.min(0.7, 0.1 + (1.5 * graph.nodes.length) / Math.max(graph.links.length, 1));
  const node = Math.max(24, Math.min(90, 380 / Math.sqrt(graph.nodes.length)));
  const drawing = svg("svg", { viewBox: fitted(places, node).join(" "), class: "graph", role: "group", "aria-label": t("graph") },
    svg("g", { class: "edges" }, graph.links.map((link) => edge(link, places, faint))),
    svg("g", {}, graph.nodes.map((one) => nodeOf(one, places.get(one.id), node, targets.get(one.id) ?? `/images/${one.id}`, cluster))));
  const view = panned(drawing);
  const button = (name, sign, act) => h("button", { class: "button", type: "button", title: t(name), "aria-label": t(name), "data-key": name, onclick: act }, sign);
  return {
    title: t("graph"),
    body: [
      h("div", { class: "heading" }, h("div", {}, h("p", { class: "quiet" }, h("a", { href: clusterAddress(id) }, icon("back"), t("back_cluster"))),
        h("h1", {}, cluster.label ?? t("cluster_title", { n: cluster.images })),
        h("p", { class: "quiet" }, t("graph_hint"), graph.left_out ? ` ${t("graph_left", { n: graph.left_out })}.` : ""))),
      h("div", { class: "graph-box" }, drawing,
        h("div", { class: "zoom" }, button("zoom_in", "+", () => view.zoom(1 / 1.3)), button("zoom_out", "−", () => view.zoom(1.3)), button("zoom_all", "⤢", view.all))),
    ],
    keys: { Escape: () => go(clusterAddress(id)), "+": () => view.zoom(1 / 1.3), "-": () => view.zoom(1.3), 0: view.all },
  };
}

function edge(link, places, faint) {
  const [a, b] = [places.get(link.first), places.get(link.second)];
  return svg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, "stroke-opacity": faint * (0.25 + 0.75 * link.confidence ** 4), class: link.variant === "plain" ? null : "changed" });
}

// The proof of each image: of its link with the representative, or else of its surest one.
function surest({ links }, { id, representative }) {
  const best = new Map();
  const rank = (link) => (link.first === representative || link.second === representative ? 2 : link.confidence);
  for (const link of links) {
    for (const one of [link.first, link.second]) if (!best.has(one) || rank(link) > rank(best.get(one))) best.set(one, link);
  }
  const address = (one, { first, second }) => `/links/${one === first ? second : first}/${one}?in=${id}`;
  return new Map([...best].filter(([one]) => one !== representative).map(([one, link]) => [one, address(one, link)]));
}

function nodeOf(one, place, size, target, cluster) {
  const long = Math.max(one.width, one.height);
  const [width, height] = [(one.width / long) * size, (one.height / long) * size];
  return svg("a", { href: target, "data-item": true, "aria-label": one.path },
    svg("title", {}, one.path),
    svg("image", { href: thumb(one.id), x: place.x - width / 2, y: place.y - height / 2, width, height, preserveAspectRatio: "none" }),
    svg("rect", { x: place.x - width / 2, y: place.y - height / 2, width, height, rx: 3, class: one.id === cluster.representative ? "first" : null }));
}

// A spring layout (Fruchterman & Reingold 1991), from a spiral, so that the same graph always looks the same.
function laidOut({ nodes, links }) {
  const ideal = SIZE / Math.sqrt(nodes.length + 1);
  const points = nodes.map((_, place) => {
    const turn = place * 2.4, far = ideal * 0.6 * Math.sqrt(place);
    return { x: far * Math.cos(turn), y: far * Math.sin(turn), dx: 0, dy: 0 };
  });
  const index = new Map(nodes.map((node, place) => [node.id, place]));
  const ends = links.map((link) => [index.get(link.first), index.get(link.second)]);
  const degree = nodes.map(() => 0);
  for (const [a, b] of ends) (degree[a] += 1), (degree[b] += 1);
  const rounds = nodes.length > 250 ? 90 : ROUNDS;
  for (let round = 0; round < rounds; round += 1) {
    for (let a = 0; a < points.length; a += 1) {
      for (let b = a + 1; b < points.length; b += 1) {
        const x = points[a].x - points[b].x, y = points[a].y - points[b].y;
        const push = (ideal * ideal) / Math.max(x * x + y * y, 25);
        points[a].dx += x * push; points[a].dy += y * push;
        points[b].dx -= x * push; points[b].dy -= y * push;
      }
    }
    for (const [a, b] of ends) {
      const x = points[a].x - points[b].x, y = points[a].y - points[b].y;
      const pull = Math.hypot(x, y) / ideal / Math.sqrt(Math.max(degree[a], degree[b]));
      points[a].dx -= x * pull; points[a].dy -= y * pull;
      points[b].dx += x * pull; points[b].dy += y * pull;
    }
    const step = ideal * 0.5 * (1 - round / rounds);
    for (const point of points) {
      point.dx -= point.x * 0.02; point.dy -= point.y * 0.02;
      const length = Math.hypot(point.dx, point.dy) || 1;
      point.x += (point.dx / length) * Math.min(length, step);
      point.y += (point.dy / length) * Math.min(length, step);
      point.dx = point.dy = 0;
    }
  }
  return new Map(nodes.map((node, place) => [node.id, points[place]]));
}

// Places drawn apart along one side, so that they fill a box of some width for its height.
function stretched(places, wanted) {
  const [, , width, height] = fitted(places, 1);
  const by = Math.max(0.5, Math.min(2, wanted / (width / height)));
  for (const place of places.values()) by > 1 ? (place.x *= by) : (place.y /= by);
  return places;
}

function fitted(places, room) {
  const xs = [...places.values()].map((place) => place.x), ys = [...places.values()].map((place) => place.y);
  const [left, top] = [Math.min(...xs) - room, Math.min(...ys) - room];
  return [left, top, Math.max(...xs) + room - left, Math.max(...ys) + room - top];
}

function panned(drawing) {
  const box = () => drawing.getAttribute("viewBox").split(" ").map(Number);
  const set = (values) => drawing.setAttribute("viewBox", values.join(" "));
  const whole = box();
  const zoom = (by, px = 0.5, py = 0.5) => {
    const [x, y, width, height] = box();
    set([x + width * px * (1 - by), y + height * py * (1 - by), width * by, height * by]);
  };
  drawing.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = drawing.getBoundingClientRect();
    zoom(event.deltaY > 0 ? 1.12 : 1 / 1.12, (event.clientX - at.left) / at.width, (event.clientY - at.top) / at.height);
  }, { passive: false });
  let from = null;
  let moved = false;
  drawing.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY, box()]; moved = false; });
  drawing.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y, [left, top, width, height]] = from;
    if (Math.hypot(event.clientX - x, event.clientY - y) < 4 && !moved) return;
    moved = true;
    const scale = Math.max(width / drawing.clientWidth, height / drawing.clientHeight);
    set([left - (event.clientX - x) * scale, top - (event.clientY - y) * scale, width, height]);
  });
  for (const name of ["pointerup", "pointerleave"]) drawing.addEventListener(name, () => (from = null));
  drawing.addEventListener("click", (event) => moved && (event.preventDefault(), event.stopPropagation()), true);
  drawing.addEventListener("dragstart", (event) => event.preventDefault());
  return { zoom, all: () => set(whole) };
}
