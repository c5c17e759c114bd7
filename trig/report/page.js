"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const byId = (id) => document.getElementById(id);
  const points = facts.points.map(([model, task, pair, id, x, y, region, picture]) => ({ model, task, pair, id, x, y, region, picture }));
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const TOKENS = ["ink", "muted", "faint", "line", "surface", "accent"];
  const PAGE = 24;

  // Charts: a specification holds tokens such as "$ink", filled in from the style sheet, so that charts follow light and dark.
  function filled(spec, titles) {
    const words = { ...Object.fromEntries(TOKENS.map((name) => [name, colour(name)])), ...titles };
    return JSON.parse(JSON.stringify(spec), (_, value) => (typeof value === "string" && value[0] === "$" ? words[value.slice(1)] : value));
  }

  function config() {
    const [ink, muted, line] = ["ink", "muted", "line"].map(colour);
    const axis = { labelColor: muted, titleColor: muted, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: 500, labelFontSize: 12, titleFontSize: 12 };
    const font = getComputedStyle(document.body).fontFamily;
    return { font, background: "transparent", view: { stroke: null }, axis, legend: { labelColor: ink, labelFontSize: 12, symbolStrokeColor: muted } };
  }

  async function draw(element, spec, titles = {}, datasets = {}) {
    const sized = { ...filled(spec, titles), width: "container", autosize: { type: "fit", contains: "padding" }, config: config() };
    if (element.classList.contains("square")) sized.height = "container";
    sized.datasets = datasets;
    const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : undefined;
    return vegaEmbed(element, sized, { actions: false, renderer: "svg", tooltip: { theme } });
  }

  // Choices
  const title = (pair) => pair.split("_").map((code) => `${code} ${facts.names[code]}`);
  function fill(select, options) {
    for (const [value, text] of options) select.add(new Option(text, value));
  }
  const pairOptions = facts.pairs.map((pair) => [pair, title(pair).join(" × ")]);
  const same = (names) => names.map((name) => [name, name]);
  fill(byId("pair-model"), same(facts.models));
  fill(byId("pair-task"), same(facts.tasks));
  fill(byId("pair-pair"), pairOptions);
  fill(byId("gallery-model"), [["", "all"], ...same(facts.models)]);
  fill(byId("gallery-task"), [["", "all"], ...same(facts.tasks)]);
  fill(byId("gallery-pair"), [["", "all"], ...pairOptions]);
  fill(byId("gallery-region"), [["", "all"], ["R_S", "R_S: both high"], ["R_B", "R_B: both low"], ["R_T", "R_T: the rest"], ["null", "score missing"]]);
  for (const label of document.querySelectorAll(".only-tasks")) label.hidden = facts.tasks.length < 2;

  // One pair
  async function showPair() {
    const [model, task, pair] = ["model", "task", "pair"].map((name) => byId(`pair-${name}`).value);
    const own = (row) => row.model === model && row.task === task && row.pair === pair;
    const found = facts.relations.find(own);
    const [x, y] = title(pair);
    const [verdict, ...reasons] = found ? found.text : ["This model has no scores for this pair."];
    byId("verdict").textContent = verdict;
    byId("reasons").replaceChildren();
    for (const reason of reasons) add(byId("reasons"), "li", "", reason);
    const line = found && found.line ? [{ x: found.line[0], y: found.line[1], x2: found.line[2], y2: found.line[3] }] : [];
    const means = found && found.mean_x !== null ? [{ x: found.mean_x, y: found.mean_y }] : [];
    const shown = points.filter((row) => own(row) && row.region !== null);
    await draw(byId("scatter"), facts.specs.scatter, { x, y }, { points: shown, line, means });
  }

  function choose(model, task, pair) {
    byId("pair-model").value = model;
    byId("pair-task").value = task;
    byId("pair-pair").value = pair;
    byId("pairs").scrollIntoView();
    return showPair();
  }

  // Pictures
  let limit = PAGE;
  const worth = {
    prompt: () => 0,
    low: (row) => Math.min(row.x, row.y),
    high: (row) => -Math.max(row.x, row.y),
    apart: (row) => -Math.abs(row.x - row.y),
    x: (row) => row.x,
    y: (row) => row.y,
  };

  function chosen() {
    const [model, task, pair, region, sort] = ["model", "task", "pair", "region", "sort"].map((name) => byId(`gallery-${name}`).value);
    const fits = (row) =>
      row.picture !== null && (!model || row.model === model) && (!task || row.task === task) && (!pair || row.pair === pair) && (!region || String(row.region) === region);
    const key = (row) => (row.region === null && sort !== "prompt" ? Infinity : worth[sort](row));
    const compare = (a, b) => (key(a) === key(b) ? 0 : key(a) - key(b));
    return points.filter(fits).sort(compare);
  }

  function add(parent, tag, className, text) {
    const element = document.createElement(tag);
    element.className = className;
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  function card(row) {
    const prompt = facts.prompts[`${row.task}/${row.id}`];
    const item = document.createElement("li");
    item.className = "card";
    const picture = add(item, "img", "");
    picture.src = facts.pictures[row.picture];
    picture.alt = `${row.model}: ${prompt}`;
    const body = add(item, "div", "");
    add(body, "p", "prompt", prompt);
    const scores = add(body, "p", "scores");
    row.pair.split("_").forEach((code, side) => {
      const value = side ? row.y : row.x;
      add(scores, "span", "", `${code} ${facts.names[code]}`);
      add(scores, "b", "", value === null ? "missing" : value.toFixed(2));
    });
    add(body, "p", "where", [row.model, ...(facts.tasks.length > 1 ? [row.task] : []), row.region ?? "score missing"].join(" · "));
    return item;
  }

  function showPictures() {
    const rows = chosen();
    byId("gallery-cards").replaceChildren(...rows.slice(0, limit).map(card));
    byId("gallery-count").textContent = rows.length ? `${Math.min(limit, rows.length)} of ${rows.length} pictures` : "No picture fits this choice.";
    byId("gallery-more").hidden = rows.length <= limit;
  }

  // Wiring
  ["model", "task", "pair"].forEach((name, place) => { byId(`pair-${name}`).value = facts.first[place]; });

  async function drawAll() {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const { view } = await draw(element, facts.specs[element.dataset.chart]);
      const map = facts.cards[element.dataset.chart];
      if (map) view.addEventListener("click", (_, item) => item?.datum?.pair?.includes("_") && choose(map.model, map.task, item.datum.pair));
    }
    await showPair();
    document.documentElement.dataset.ready = "yes";
  }

  for (const name of ["model", "task", "pair"]) byId(`pair-${name}`).addEventListener("change", showPair);
  for (const name of ["model", "task", "pair", "region", "sort"]) {
    byId(`gallery-${name}`).addEventListener("change", () => { limit = PAGE; showPictures(); });
  }
  byId("gallery-more").addEventListener("click", () => { limit += PAGE; showPictures(); });
  byId("pair-pictures").addEventListener("click", () => {
    for (const name of ["model", "task", "pair"]) byId(`gallery-${name}`).value = byId(`pair-${name}`).value;
    byId("gallery-region").value = "";
    limit = PAGE;
    showPictures();
    byId("gallery").scrollIntoView();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  showPictures();
  drawAll();
})();
