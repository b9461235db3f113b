// What the server knows; an error has the server's own sentence, in the language of the pages.
import { language, t } from "./words.js";

// What the server answers; an error says why it doesn't.
export async function ask(path, { headers = {}, ...options } = {}) {
  const request = { ...options, headers: { ...headers, "Accept-Language": language } };
  const response = await fetch(path, request).catch(() => null);
  if (response === null) throw new Error(t("no_server"));
  if (response.ok) return response;
  const detail = await response.json().then((told) => told.detail).catch(() => t("server_failed"));
  throw Object.assign(new Error(detail), { status: response.status });
}

const sent = new Map();

export const get = async (path) => (await ask(path)).json();

export const post = async (path, body) => {
  const own = body instanceof FormData;
  const headers = own ? {} : { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: own ? body : JSON.stringify(body ?? null) })).json();
};

// What the study holds; asked once, and again after a change.
export function study(again = false) {
  if (again || !sent.has("study")) sent.set("study", get("/api/study"));
  return sent.get("study");
}

// Decisions go to the server one after the other, in the order in which they were made.
let last = Promise.resolve();
let waiting = 0;
function inTurn(request) {
  const answer = last.then(request);
  const busy = (by) => document.documentElement.classList.toggle("deciding", (waiting += by) > 0);
  busy(1);
  last = answer.catch(() => {}).finally(() => busy(-1));
  return answer;
}

export const decide = (decisions) => inTurn(() => post("/api/decisions", decisions));
export const takeBack = () => inTurn(() => post("/api/decisions/undo"));
export const decision = (kind, first, second = "", value = "yes") => ({ kind, first, second, value });
