// Set before the first paint, so that a dark page doesn't flash white.
(() => {
  let theme = "";
  try {
    theme = localStorage.getItem("pimmi-theme") || "";
  } catch {
    /* storage may be forbidden */
  }
  if (theme) document.documentElement.dataset.theme = theme;
})();
