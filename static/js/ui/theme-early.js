// A classic script in the head, so that the chosen theme stands before the first paint.
(() => {
  const root = document.documentElement;
  if (root.hasAttribute("data-theme")) return; // The page has one theme of its own.
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "day" || chosen === "room") root.setAttribute("data-theme", chosen);
  } catch {
    // Storage is forbidden: the system's choice holds.
  }
  root.setAttribute("data-theme-switchable", "");
})();
