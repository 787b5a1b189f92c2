// <figure class="divider"> with two images (.before, .after) and a range input from 0 to 100, which
// covers them: so the line is moved by dragging anywhere, and by the arrow keys.
function attachDividers(root = document) {
  for (const figure of root.querySelectorAll("figure.divider")) {
    const range = figure.querySelector(":scope > input[type='range']");
    if (!range || figure.dataset.attached) continue;
    figure.dataset.attached = "yes";
    const move = () => figure.style.setProperty("--at", `${range.value}%`);
    range.addEventListener("input", move);
    move();
  }
}
if (document.readyState === "loading") {
  document.addEventListener("DOMContentLoaded", () => attachDividers());
} else {
  attachDividers();
}
