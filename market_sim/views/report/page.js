// Draws every picture of the page, fitted to the window, of the runs that are ticked.
(() => {
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const places = [...document.querySelectorAll("[data-chart]")];
  const boxes = [...document.querySelectorAll("input[name=run]")];
  const EDGE = 78; // pixels of a panel beside what it plots: axis, labels and gaps
  const NAMES = { left: 160, right: 120 }; // the same where the axis is of names
  const GAP = 26; // pixels between panels
  const NARROWEST = 150;

  const isPanel = (spec) => spec && (spec.layer || spec.mark);
  const children = (spec) => spec.concat || spec.hconcat || spec.vconcat;

  // How a panel's rows or columns are measured: by names, numbers or dates.
  function channel(spec, name) {
    return [spec, ...(spec.layer || [])].map((one) => (one.encoding || {})[name]).find((one) => one && one.type) || {};
  }

  function edge(spec) {
    const rows = channel(spec, "y");
    return rows.type === "nominal" ? NAMES[(rows.axis || {}).orient || "left"] : EDGE;
  }

  // The width of so many panels beside one another: those with an axis in common have it once.
  function faceted(spec, columns) {
    const axes = ((spec.resolve || {}).axis || {}).y === "independent" ? columns : 1;
    const own = edge(spec.spec);
    return columns * (natural(spec.spec) - own + GAP) + axes * own;
  }

  // The width that a specification would take as it stands.
  function natural(spec) {
    if (isPanel(spec)) return (spec.width || 200) + edge(spec);
    if (spec.facet) return faceted(spec, spec.columns || 1);
    const widths = children(spec).map(natural);
    if (spec.vconcat) return Math.max(...widths);
    if (spec.hconcat) return widths.reduce((sum, one) => sum + one, 0);
    const columns = Math.min(spec.columns || widths.length, widths.length);
    return Math.max(...widths.map((_, at) => widths.slice(at, at + columns).reduce((sum, one) => sum + one, 0)));
  }

  // Fewer columns, and in the end narrower panels, until it fits.
  function fit(spec, room) {
    if (isPanel(spec)) {
      const crowded = channel(spec, "x").type === "nominal"; // a map keeps its cells and is moved instead
      if (!crowded && spec.width + edge(spec) > room) spec.width = Math.max(NARROWEST, room - edge(spec));
    } else if (spec.facet) {
      while (spec.columns > 1 && faceted(spec, spec.columns) > room) spec.columns -= 1;
      fit(spec.spec, room);
    } else if (children(spec)) {
      if (spec.concat && natural(spec) > room) spec.columns = 1;
      if (spec.columns === 1 || spec.vconcat) children(spec).forEach((one) => fit(one, room));
    }
  }

  // Keep the rows, the panels and the entries of legends that belong to ticked runs.
  function keep(spec, shown) {
    for (const name in spec.datasets) {
      spec.datasets[name] = spec.datasets[name].filter((row) => !("scenario" in row) || shown.has(row.scenario));
    }
    const title = spec.title || {};
    title.subtitle = (title.subtitle || []).map((line) => listed(line, shown));
    prune(spec, spec.datasets);
    narrow(spec, shown);
  }

  // A line that lists runs by place names only those that are there.
  function listed(line, shown) {
    const [head, list] = line.split("top to bottom: ");
    if (!list) return line;
    const runs = list.slice(0, -1).split("; ").filter((run) => shown.has(run));
    return `${head}top to bottom: ${runs.join("; ")}.`;
  }

  function names(spec, found = []) {
    if (spec && typeof spec === "object") {
      if (spec.data && spec.data.name) found.push(spec.data.name);
      for (const key in spec) if (key !== "datasets") names(spec[key], found);
    }
    return found;
  }

  function prune(spec, datasets) {
    for (const way of ["concat", "hconcat", "vconcat"]) {
      if (!spec[way]) continue;
      const filled = (one) => names(one).some((name) => (datasets[name] || []).length);
      const kept = spec[way].filter((one) => !names(one).length || filled(one));
      if (kept.length) spec[way] = kept;
      spec[way].forEach((one) => prune(one, datasets));
    }
  }

  function narrow(spec, shown) {
    if (!spec || typeof spec !== "object") return;
    const scale = spec.field === "scenario" && spec.scale;
    if (scale && scale.domain && scale.range) {
      const held = scale.domain.map((_, at) => at).filter((at) => shown.has(scale.domain[at]));
      scale.range = held.map((at) => scale.range[at]);
      scale.domain = held.map((at) => scale.domain[at]);
    }
    for (const key in spec) if (key !== "datasets") narrow(spec[key], shown);
  }

  async function draw(place) {
    const spec = structuredClone(specs[place.dataset.key]);
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    place.parentElement.hidden = boxes.length > 0 && place.dataset.run !== "" && !shown.has(place.dataset.run);
    if (place.parentElement.hidden) {
      place.replaceChildren();
      place.dataset.drawn = [...shown].join(",");
      return;
    }
    if (boxes.length) keep(spec, shown);
    const narrowScreen = window.innerWidth < 600;
    fit(spec, place.parentElement.clientWidth - 40); // a drawn place is as wide as its picture
    if (narrowScreen && spec.title) {
      spec.title.subtitle = (spec.title.subtitle || []).flatMap((line) => wrapped(line, 46));
      spec.title.text = wrapped(spec.title.text, 38);
      spec.title.fontSize = 13;
    }
    if (narrowScreen) spec.config.legend = { ...spec.config.legend, columns: 1, direction: "vertical" };
    const actions = { export: true, source: false, compiled: false, editor: false };
    await vegaEmbed(place, spec, { renderer: "svg", actions, downloadFileName: place.dataset.key });
    place.dataset.drawn = [...shown].join(",") || "all";
  }

  function wrapped(line, most) {
    const lines = [""];
    for (const word of line.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + word.length >= most) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines;
  }

  let turn = 0;
  async function drawAll() {
    const mine = ++turn; // a later call takes over
    document.body.dataset.ready = "no";
    for (const place of places) {
      if (mine !== turn) return;
      await draw(place);
    }
    if (mine === turn) document.body.dataset.ready = "yes";
  }

  let width = window.innerWidth;
  let waiting;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });
  for (const box of boxes) {
    box.addEventListener("change", () => {
      if (!boxes.some((one) => one.checked)) box.checked = true; // one stays
      drawAll();
    });
  }
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("#questions details")) one.open = true;
  });
  drawAll();
})();
