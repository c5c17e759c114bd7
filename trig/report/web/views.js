// The pages. Each takes its arguments and gives elements; `rowsOf` and `limits` follow the thresholds that are set.
async function model(name) {
  const task = chosen.task;
  const found = (await rowsOf(task)).filter((row) => row.model === name);
  if (!facts.models.includes(name)) return missing(`There is no model ${name} in this report.`);
  const heads = ["Pair", "Relation", "Evidence", "Stability", "Runner-up", rhoName(), "95 %", "D_s", "D_b", "N_a", "N_b", "Mean of first", "Mean of second", "Favoured", "n", "Missing", "Off-grade mass", "Noise"];
  const body = found.map((row) => [
    { shown: link([row.pair], "pair", name, row.pair), value: row.pair, title: titled(row.pair) },
    { shown: h("span", { class: "named" }, swatch(row), [towards(row), row.kind && ` (${row.kind})`].filter(Boolean).join("")), value: towards(row) },
    row.evidence,
    percent(row.stability), row.runner_up && `${row.runner_up} ${(100 * row.runner_up_share).toFixed(0)} %`, number(row.rho, 2), range(row.rho_low, row.rho_high),
    percent(row.density_synergy), percent(row.density_bottleneck), { shown: row.n_above, value: row.n_above }, { shown: row.n_below, value: row.n_below },
    number(row.mean_x, 2), number(row.mean_y, 2), row.favoured, { shown: row.n, value: row.n }, { shown: row.nulls, value: row.nulls }, number(row.off_mass, 4), number(row.noise, 4),
  ]);
  return [
    h("h1", {}, name),
    h("form", { class: "controls", "aria-label": "Choose a model", onsubmit: (event) => event.preventDefault() },
      choice("model-model", "Model", facts.models.map((one) => [one, one]), name, (one) => go("model", one))),
    h("p", { class: "lead" }, counted(found), "."), diverseModel(name, task), legend(), warning(found),
    h("div", { class: "two" }, mapChart("matrix", name, task, found, `Map of ${name}`), mapChart("graph", name, task, found, `Graph of relations of ${name}`)),
    h("section", { class: "groups" }, h("h2", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."), groups(groupsOf(facts.maps, name, task))),
    h("section", {}, h("h2", {}, "All pairs"), table(`Pairs of ${name} ${task}`, heads, body)),
    linksOf(name, task),
  ];
}

// Pictures

async function pictures(name, code) {
  const task = chosen.task;
  const [wantedModel, wantedPair] = [name ?? facts.first.model, code ?? (facts.pairs[task].includes(facts.first.pair) ? facts.first.pair : facts.pairs[task][0])];
  if (!["all", ...facts.models].includes(wantedModel) || !["all", ...facts.pairs[task]].includes(wantedPair)) return missing(`There are no pictures of ${wantedModel} and ${wantedPair} in this report.`);
  const wanted = () => (wantedModel === "all" ? facts.models : [wantedModel]).flatMap((one) => (wantedPair === "all" ? facts.pairs[task] : [wantedPair]).map((other) => [one, task, other]));
  const shown = gallery(wanted);
  await shown.update(true);
  return [
    h("h1", {}, "Pictures"),
    h("form", { class: "controls", "aria-label": "Choose pictures", onsubmit: (event) => event.preventDefault() },
      choice("pictures-model", "Model", [["all", "all"], ...facts.models.map((one) => [one, one])], wantedModel, (one) => go("pictures", one, wantedPair)),
      h("div", { class: "wide" }, choice("pictures-pair", "Pair", [["all", "all"], ...facts.pairs[task].map((one) => [one, titled(one)])], wantedPair, (one) => go("pictures", wantedModel, one)))),
    h("p", {}, pictureNote(task, wantedPair === "all" ? facts.pairs[task][0] : wantedPair)), shown.element,
  ];
}

const missing = (text) => [h("h1", {}, "Not here"), h("p", {}, text)];
const VIEWS = { overview, model, pair, compare, pictures, contact, front, judge, gates, methods };
