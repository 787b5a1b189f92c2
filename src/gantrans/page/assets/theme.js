// The switch between light and dark: every <button class="theme-switch">. What was chosen is kept,
// where the browser keeps anything for the page.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("gantrans-theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("gantrans-theme", theme); } catch { } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    for (const button of document.querySelectorAll(".theme-switch")) {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Show in light colours" : "Show in dark colours");
    }
  };
  const change = () => {  // a page that draws on canvases listens
    show();
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  const before = kept();
  if (before === "light" || before === "dark") root.dataset.theme = before;
  system.addEventListener("change", change);
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".theme-switch")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    keep(root.dataset.theme);
    change();
  });
  let chosen;  // on paper it is light
  window.addEventListener("beforeprint", () => {
    chosen = root.dataset.theme;
    root.dataset.theme = "light";
    change();
  });
  window.addEventListener("afterprint", () => {
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    change();
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
  else show();
})();
