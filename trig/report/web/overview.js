// The page of all models.
async function overview() {
  const task = chosen.task;
  const found = await rowsOf(task);
  const cards = facts.models.map((model) => {
    const rows = found.filter((row) => row.model === model);
    return h("article", { class: "map" },
      h("h3", {}, link([model], "model", model)), h("p", { class: "counts" }, counted(rows)),
      mapChart("matrix", model, task, rows, `Map of ${model}`),
      h("details", folds(`groups of ${model}`), h("summary", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."), groups(groupsOf(facts.maps, model, task))));
  });
  return [
    h("h1", {}, "Overview"),
    h("p", { class: "lead" }, `${many(facts.models.length, "model")}, ${facts.samples.toLocaleString("en")} samples: a sample is a picture and the two dimensions its prompt is about. `,
      facts.seeds > 1 ? `Each prompt has ${facts.seeds} pictures, one per seed; evidence and intervals count prompts. ` : "",
      `The score shown is ${facts.score}, from 0 to 1; higher is better on all ten dimensions.`),
    h("section", { "aria-labelledby": "leaders" }, h("h2", { id: "leaders" }, "Leaderboard"),
      h("p", {}, "Mean score with its 95 % interval; a picture that stands in several pairs counts once. The first column is the mean of the dimensions."), leaderboard(task)),
    publishedMeans(task),
    h("section", { "aria-labelledby": "maps" }, h("h2", { id: "maps" }, "Maps"),
      h("p", {}, `Above the diagonal: the relation of a pair. On it: the mean score. Below it: ${rhoName()}. Press a cell to see its samples.`),
      legend(), warning(found), h("div", { class: "maps" }, allModels(task, found), cards)),
    sideBySide(task, found),
    agreements(task),
    publishedMaps(task),
    h("section", { "aria-labelledby": "dimensions" }, h("h2", { id: "dimensions" }, "Dimensions"), meansChart(task)),
    promptingOf(task),
    figuresOf(task),
    diversityOf(task),
  ];
}

// The map over all models: as Python voted at the thresholds of the run, and by the same rule at others.
function allModels(task, found) {
  if (facts.models.length < 2) return null;
  const cells = isChanged() ? voted(task, found) : facts.overall[task].cells;
  return h("article", { class: "map" }, h("h3", {}, "All models"),
    h("p", { class: "counts" }, `What more than half of the models show: ${counted(cells) || "nothing"}. An empty cell: they disagree, or have too few samples.`),
    chart("matrix", "Map of all models", { relations: cells.map((one) => mapCell(one, one.evidence, null)), means: [] }, { square: true, words: { correlation: rhoName() } }),
    h("details", folds("groups of all"), h("summary", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."),
      groups(facts.overall[task].groups)));
}

function voted(task, found) {
  return facts.pairs[task].flatMap((pair) => {
    const verdict = rule.vote(found.filter((row) => row.pair === pair));
    return verdict ? [{ pair, ...verdict }] : [];
  });
}

function meansChart(task) {
  const own = facts.means.filter((row) => row.task === scope(task) && row.mean !== null);
  const means = own.map(({ model, dimension: code, mean, low, high, n, nulls }) => ({ model, label: dimension(code), mean, low, high, n, nulls }));
  return h("div", { class: "tall" }, chart("means", "Mean score of each dimension per model", { means }));
}

function leaderboard(task) {
  const codes = Object.keys(facts.names).filter((code) => facts.means.some((row) => row.dimension === code && row.task === scope(task)));
  const heads = ["Model", "Mean", "± (95 %)", ...codes.map((code) => [code, { title: facts.names[code] }]), "Scores", "Missing"];
  const body = facts.models.map((model) => {
    const level = facts.levels.find((row) => row.model === model && row.task === scope(task)) ?? {};
    const cells = codes.map((code) => {
      const mean = facts.means.find((row) => row.model === model && row.dimension === code && row.task === scope(task));
      if (!mean || mean.mean === null) return number(null);
      return { ...number(mean.mean), style: `--share: ${(100 * mean.mean).toFixed(1)}%`, class: "heat", title: `${model}, ${facts.names[code]}: ${range(mean.low, mean.high, 3) ?? "no interval"}, ${many(mean.n, "score")}` };
    });
    const half = (level.high ?? null) === null ? null : level.high - level.mean;
    return [{ shown: link([model], "model", model), value: model }, number(level.mean), number(half), ...cells, { shown: level.n ?? 0, value: level.n ?? 0 }, { shown: level.nulls ?? 0, value: level.nulls ?? 0 }];
  });
  return table(`Leaderboard ${task}`, heads, body);
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
      chart("matrix", `Map of ${model}`, { relations: rows.map((row) => mapCell(row, null, row.rho)), means: [] }, { square: true, words: { correlation: "Spearman's rho" } }),
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
