// Draws the charts again with tooltips, and as wide as there is room. Without this script the page shows the same charts.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function showTip(_handler, event, _item, value) {
  tip.hidden = value === null || value === undefined || value === "";
  if (tip.hidden) return;
  tip.textContent = value.is + "\n" + value.worth;
  const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = event.clientY + 16 + "px";
}

for (const figure of document.querySelectorAll("figure")) {
  const spec = figure.querySelector("script");
  const place = figure.querySelector(".drawing");
  if (!spec) continue;
  const room = () => Math.max(260, Math.floor(place.clientWidth));
  const drawn = document.createElement("div");
  const options = { mode: "vega", renderer: "svg", actions: false, defaultStyle: false, tooltip: showTip, ast: true };
  const compiled = { ...JSON.parse(spec.textContent), width: room() };
  const { view } = await vegaEmbed(drawn, compiled, options);
  place.replaceChildren(drawn);
  for (const each of drawn.querySelectorAll("[tabindex]")) each.removeAttribute("tabindex");
  let width = room();
  new ResizeObserver(() => {
    if (room() !== width && !matchMedia("print").matches) view.width((width = room())).runAsync();
  }).observe(place);
}
document.documentElement.dataset.drawn = "true";
