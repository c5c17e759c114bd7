// The page of all models: of one task, or of all of them together.
async function overview() {
  const task = chosen.task;
  const found = await rowsOf(task);
  const alone = task === ALL ? [] : [sideBySide(task, found), agreements(task), publishedMaps(task)];
  return [
    h("h1", {}, "What the models trade"),
    h("p", { class: "lead" }, `${many(facts.models.length, "model")}, ${facts.samples.toLocaleString("en")} judged pictures, ${found.length ? promptsAPair(found) : "no samples"}`,
      facts.seeds > 1 && `, ${facts.seeds} pictures of each (evidence counts prompts)`, ". A trade-off: one quality is favoured over another, or falls as the other rises."),
    proven(),
    glance(task, found),
    h("section", { class: "first", "aria-labelledby": "leaders" }, h("h2", { id: "leaders" }, "Means"),
      h("p", { class: "fine" }, `${facts.score}, from 0 to 1: high is good on all ten dimensions. Below each mean its 95 % interval.`), leaderboard(task)),
    publishedMeans(task),
    h("section", { "aria-labelledby": "maps" }, h("h2", { id: "maps" }, "Maps"),
      h("p", {}, task === ALL ? "The relation of a pair that more than half of the tasks show; an empty cell: they disagree. Choose a task above for its own maps. Press a cell to see its samples."
        : `Above the diagonal: the relation of a pair. On it: the mean score. Below it: ${rhoName()}. Press a cell to see its samples.`),
      legend(), warning(found), h("div", { class: "maps" }, allModels(task, found), facts.models.map((model) => modelMap(model, task, found)))),
    ...alone,
    h("section", { "aria-labelledby": "dimensions" }, h("h2", { id: "dimensions" }, "Dimensions"), meansChart(task)),
    promptingOf(task),
    figuresOf(task),
    diversityOf(task),
  ];
}

function modelMap(model, task, found) {
  const rows = found.filter((row) => row.model === model);
  const [cells, maps] = task === ALL ? [voted(rows), []] : [rows, groupsOf(facts.maps, model, task)];
  const data = { ...mapData(model, task, cells), relations: cells.map((row) => mapCell(row, row.evidence, row.rho ?? null)) };
  return h("article", { class: "map" },
    h("h3", {}, link([model], "model", model)), h("p", { class: "counts" }, counted(cells)),
    drawnMap("matrix", `Map of ${model}`, data, openIn(task, model)),
    task !== ALL && groupsInWords(`groups of ${model}`, maps));
}

const groupsInWords = (name, found) => h("details", folds(name), h("summary", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."), groups(found));

// The map over all models: as Python voted at the thresholds of the run, and by the same rule at others and over all tasks.
function allModels(task, found) {
  if (facts.models.length < 2) return null;
  const cells = isChanged() || task === ALL ? voted(found) : facts.overall[task].cells;
  return h("article", { class: "map" }, h("h3", {}, "All models"),
    h("p", { class: "counts" }, `What more than half ${task === ALL ? "of their maps" : "of the models"} show: ${counted(cells) || "nothing"}. An empty cell: they disagree, or have too few samples.`),
    drawnMap("matrix", "Map of all models", { relations: cells.map((one) => mapCell(one, one.evidence, null)), means: [] }, openIn(task, facts.models[0])),
    task !== ALL && groupsInWords("groups of all", facts.overall[task].groups));
}

// The verdict of the majority on each pair.
function voted(found) {
  const pairs = [...new Set(tasksOf(chosen.task).flatMap((task) => facts.pairs[task]))];
  return pairs.flatMap((pair) => {
    const verdict = rule.vote(found.filter((row) => row.pair === pair));
    return verdict ? [{ pair, ...verdict }] : [];
  });
}

function meansChart(task) {
  const own = facts.means.filter((row) => row.task === scope(task) && row.mean !== null);
  const means = own.map(({ model, dimension: code, mean, low, high, n, nulls }) => ({ model, label: dimension(code), mean, low, high, n, nulls }));
  return h("div", { class: "tall" }, chart("means", "Mean score of each dimension per model", { means }));
}

function publishedMeans(task) {
  const means = facts.published.means.filter((row) => row.task === task);
  if (!means.length) return null;
  const codes = Object.keys(facts.names).filter((code) => means.some((row) => code in row.means));
  const body = means.map((row) => [row.dtm ? `${row.model} with DTM` : row.model, ...codes.map((code) => number(row.means[code], 2))]);
  return h("details", folds("published numbers"), h("summary", {}, "Published numbers, beside and apart"),
    h("p", {}, `${facts.published.source}: other prompts, another judge, other models. They enter none of this run's numbers and are not comparable with them one by one.`),
    table(`Published means ${task}`, ["Model", ...codes], body));
}

function publishedMaps(task) {
  const own = facts.published.relations.filter((row) => row.task === task);
  if (!own.length) return null;
  const cards = [...new Set(own.map((row) => row.model))].map((model) => {
    const rows = own.filter((row) => row.model === model);
    return h("article", { class: "map" }, h("h3", {}, model), h("p", { class: "counts" }, counted(rows)),
      drawnMap("matrix", `Published map of ${model}`, { relations: rows.map((row) => mapCell(row, null, row.rho)), means: [] }, null, "Spearman's rho"),
      h("details", folds(`published groups of ${model}`), h("summary", {}, "Groups in words"), groups(groupsOf(facts.published.maps, model, task))));
  });
  return h("section", { "aria-labelledby": "published" }, h("h2", { id: "published" }, "Published maps"),
    h("p", {}, `${facts.published.source}, with other prompts, judges and thresholds; shown beside this run and never mixed in. The sliders do not move them.`), h("div", { class: "maps" }, cards));
}

function sideBySide(task, found) {
  const body = facts.pairs[task].map((pair) => [{ shown: titled(pair), value: pair }, ...facts.models.map((model) => {
    const row = found.find((one) => one.model === model && one.pair === pair);
    if (!row) return { shown: null, value: null };
    return { shown: link([swatch(row), h("span", { class: "unseen" }, `${model}, ${pair}: ${towards(row)}`)], "pair", model, pair), value: towards(row) };
  })]);
  return h("section", { "aria-labelledby": "side" }, h("h2", { id: "side" }, "Side by side"),
    h("p", {}, "The relation of each pair in each model."), table(`Relations ${task}`, ["Pair", ...facts.models], body));
}

function agreements(task) {
  const own = facts.agreements.filter((one) => one.task === task);
  if (!own.length) return null;
  const body = own.map((one) => [
    { shown: link([`${one.a} and ${one.b}`], "compare", one.a, one.b), value: `${one.a} and ${one.b}` },
    { shown: one.pairs, value: one.pairs }, { shown: one.equal, value: one.equal }, one.kappa === null ? { shown: one.kappa_reason, value: null } : number(one.kappa, 2),
  ]);
  return h("section", { "aria-labelledby": "agree" }, h("h2", { id: "agree" }, "How far the maps agree"),
    h("p", {}, "Cohen's kappa of the relations at the thresholds of the run: 1 is full agreement, 0 that of chance."),
    table(`Agreement ${task}`, ["Models", "Pairs", "Equal relations", "Kappa"], body));
}
