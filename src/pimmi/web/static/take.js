// Files to keep: the server makes them, then the browser saves them.
import { ask } from "./api.js";
import { say, sayError } from "./app.js";
import { h } from "./dom.js";
import { t } from "./words.js";

const KEPT_MS = 60_000;

export const takeLink = (address, text, attributes = {}) =>
  h("a", { href: address, download: true, onclick: (event) => take(event, address), ...attributes }, text);

async function take(event, address) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.target.closest("details")?.removeAttribute("open");
  say(t("preparing"), { lasting: true });
  try {
    const response = await ask(address);
    save(await response.blob(), nameOf(response));
    say(t("taken"));
  } catch (error) {
    sayError(error);
  }
}

function nameOf(response) {
  const said = response.headers.get("Content-Disposition") ?? "";
  const [, coded] = said.match(/filename\*=utf-8''([^;]+)/i) ?? [];
  return coded ? decodeURIComponent(coded) : (said.match(/filename="([^"]+)"/)?.[1] ?? "pimmi");
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
