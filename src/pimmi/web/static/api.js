// What the server knows; an error has the server's own sentence.

async function answered(response) {
  if (response.ok) return response.json();
  let detail = response.statusText;
  try {
    const said = (await response.json()).detail;
    detail = typeof said === "string" ? said : JSON.stringify(said);
  } catch {
    /* the answer is no JSON */
  }
  throw Object.assign(new Error(detail), { status: response.status });
}

const sent = new Map();

export const get = async (path) => answered(await fetch(path));

export const post = async (path, body) => {
  const own = body instanceof FormData;
  const headers = own ? {} : { "Content-Type": "application/json" };
  return answered(await fetch(path, { method: "POST", headers, body: own ? body : JSON.stringify(body ?? null) }));
};

// What the study holds; asked once, and again after a change.
export function study(again = false) {
  if (again || !sent.has("study")) sent.set("study", get("/api/study"));
  return sent.get("study");
}

// Decisions go to the server one after the other, in the order in which they were made.
let last = Promise.resolve();
let waiting = 0;
function inTurn(ask) {
  const answer = last.then(ask);
  const busy = (by) => document.documentElement.classList.toggle("deciding", (waiting += by) > 0);
  busy(1);
  last = answer.catch(() => {}).finally(() => busy(-1));
  return answer;
}

export const decide = (decisions) => inTurn(() => post("/api/decisions", decisions));
export const takeBack = () => inTurn(() => post("/api/decisions/undo"));
export const decision = (kind, first, second = "", value = "yes") => ({ kind, first, second, value });
