// The pages. Each takes its arguments and gives elements; `rowsOf` and `limits` follow the thresholds that are set.
const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
const scope = (task) => (facts.tasks.length > 1 ? task : null);
const taskNames = { t2i: "text to image", p2p: "image editing", s2p: "subject-driven generation" };
const rhoName = () => facts.correlations[limits.correlation];
const looseName = (relation) => relation.replace(" ", "-");
const towards = (row) => row.relation + (row.leaning ? ` towards ${row.leaning}` : "");

function swatch(row) {
  const glyph = row.leaning && row.leaning === row.y ? "↑" : facts.legend.find(([name]) => name === row.relation)[1];
  return h("span", { class: `swatch swatch-${looseName(row.relation)} ${row.evidence ?? ""}`, "aria-hidden": "true" }, glyph);
}

function legend() {
  const relations = facts.legend.map(([name, glyph, about]) =>
    h("li", {}, h("span", { class: `swatch swatch-${looseName(name)}`, "aria-hidden": "true" }, glyph), h("span", {}, h("b", {}, name), ` ${about}`)));
  const full = h("li", {}, ["supported", "weak", "unsupported"].map((word) => h("span", { class: `swatch swatch-synergy ${word}`, "aria-hidden": "true" })),
    h("span", {}, "A frame: ", h("b", {}, "supported"), " by the evidence. Without one: weak, or nobody looked for evidence; pale: unsupported."));
  return h("ul", { class: "legend", "aria-label": "Relations" }, relations, full);
}

// A warning where verdicts rest on too few prompts to be supported.
function warning(found) {
  const few = found.filter((row) => row.clusters < limits.enough_points).length;
  const which = few === found.length ? `All ${few}` : `${few} of ${found.length}`;
  return few ? h("p", { class: "note" }, `${which} relations rest on fewer than ${limits.enough_points} prompts, too few to be supported.`) : null;
}

function counted(found) {
  return facts.legend.map(([name]) => [name, found.filter((row) => row.relation === name).length]).filter(([, n]) => n).map(([name, n]) => `${n} ${name}`).join(", ");
}

function mapData(model, task, found) {
  const level = facts.means.filter((row) => row.model === model && row.task === scope(task) && row.mean !== null);
  return { relations: found, means: level.map((row) => ({ code: row.dimension, mean: row.mean })) };
}

// A chart of a map: a press on a cell or an edge opens its pair.
function mapChart(name, model, task, found, label) {
  const ready = (view) => view.addEventListener("click", (_, item) => { if (item?.datum?.pair) go("pair", model, item.datum.pair); });
  return chart(name, label, mapData(model, task, found), { square: true, words: { correlation: rhoName() }, ready });
}

function groups(lines) {
  if (!lines?.length) return h("p", {}, "No pair shows a relation.");
  return lines.map(([name, members]) => h("p", {}, h("b", {}, `${name}: `), members));
}

const runMaps = (model, task) => facts.maps.find(([one, other]) => one === model && other === task)?.[2];

// Overview

async function overview() {
  const task = chosen.task;
  const found = await rowsOf(task);
  const cards = facts.models.map((model) => {
    const rows = found.filter((row) => row.model === model);
    return h("article", { class: "map" },
      h("h3", {}, link([model], "model", model)), h("p", { class: "counts" }, counted(rows)),
      mapChart("matrix", model, task, rows, `Map of ${model}`),
      h("details", folds(`groups of ${model}`), h("summary", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."), groups(runMaps(model, task))));
  });
  return [
    h("h1", {}, "Overview"),
    h("p", { class: "lead" }, `${many(facts.models.length, "model")}, ${facts.samples.toLocaleString("en")} samples: a sample is a picture and the two dimensions its prompt is about. `,
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
  ];
}

// The map over all models: each has one say, and a pair shows what more than half of those with a verdict show.
function allModels(task, found) {
  if (facts.models.length < 2) return null;
  const pairs = facts.pairs[task].map((pair) => {
    const own = found.filter((row) => row.pair === pair && row.relation !== "too few");
    const shown = own.find((row) => 2 * own.filter((one) => towards(one) === towards(row)).length > own.length);
    const [x, y] = pair.split("_");
    return shown && { pair, x, y, relation: shown.relation, leaning: shown.leaning, evidence: shared(own.filter((one) => towards(one) === towards(shown)), own.length), rho: null };
  }).filter(Boolean);
  return h("article", { class: "map" }, h("h3", {}, "All models"),
    h("p", { class: "counts" }, `What more than half of the models show: ${counted(pairs) || "nothing"}. An empty cell: they disagree, or have too few samples.`),
    chart("matrix", "Map of all models", { relations: pairs, means: [] }, { square: true, words: { correlation: rhoName() } }),
    h("details", folds("groups of all"), h("summary", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."),
      groups(facts.overall[task])));
}

// The evidence of a map over all models: supported in more than half of them, unsupported in all that show the relation, weak otherwise.
function shared(showing, all) {
  if (showing.some((row) => row.evidence === null)) return null;
  const supported = showing.filter((row) => row.evidence === "supported").length;
  if (2 * supported > all) return "supported";
  return showing.every((row) => row.evidence === "unsupported") ? "unsupported" : "weak";
}

function meansChart(task) {
  const means = facts.means.filter((row) => row.task === scope(task) && row.mean !== null).map((row) => ({ ...row, label: dimension(row.dimension) }));
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
  const means = facts.published?.means.filter((row) => row.task === task) ?? [];
  if (!means.length) return null;
  const codes = Object.keys(facts.names).filter((code) => means.some((row) => code in row.means));
  const body = means.map((row) => [row.dtm ? `${row.model} with DTM` : row.model, ...codes.map((code) => number(row.means[code], 2))]);
  return h("details", folds("published numbers"), h("summary", {}, "Published numbers, beside and apart"),
    h("p", {}, `${facts.published.source}: other prompts, another judge, other models. They enter none of this run's numbers and are not comparable with them one by one.`),
    table(`Published means ${task}`, ["Model", ...codes], body));
}

function publishedMaps(task) {
  const own = facts.published?.relations.filter(([, one]) => one === task) ?? [];
  if (!own.length) return null;
  const cards = [...new Set(own.map(([model]) => model))].map((model) => {
    const rows = own.filter(([one]) => one === model).map(([, , pair, relation, leaning, rho]) => ({ pair, relation, leaning, rho, evidence: null, x: pair.split("_")[0], y: pair.split("_")[1] }));
    const lines = facts.published.maps.find(([one]) => one === model)?.[2];
    return h("article", { class: "map" }, h("h3", {}, model), h("p", { class: "counts" }, counted(rows)),
      chart("matrix", `Map of ${model}`, { relations: rows, means: [] }, { square: true, words: { correlation: "Spearman's rho" } }),
      h("details", folds(`published groups of ${model}`), h("summary", {}, "Groups in words"), groups(lines)));
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

// A model

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
    h("p", { class: "lead" }, counted(found), "."), legend(), warning(found),
    h("div", { class: "two" }, mapChart("matrix", name, task, found, `Map of ${name}`), mapChart("graph", name, task, found, `Graph of relations of ${name}`)),
    h("section", { class: "groups" }, h("h2", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."), groups(runMaps(name, task))),
    h("section", {}, h("h2", {}, "All pairs"), table(`Pairs of ${name} ${task}`, heads, body)),
  ];
}

// A pair

const KINDS = {
  conflict: "A conflict: one falls as the other rises.",
  independent: "No trade-off: the scores may be independent.",
  loose: "No trade-off: the scores rise together, if loosely.",
};

// The relation in words, then why, in short sentences.
function verdict(row) {
  const share = (value) => (row.n ? ` (${(100 * value).toFixed(0)} %)` : "");
  const said = [];
  if (row.relation === "tilt") said.push(`Tilt towards ${row.leaning}, away from ${row.leaning === row.x ? row.y : row.x}.`);
  else if (row.relation === "none") said.push("No relation: none of the four rules holds.");
  else if (row.relation === "too few") said.push("Too few samples for a verdict.");
  else said.push(`${row.relation[0].toUpperCase()}${row.relation.slice(1)}.`);
  if (row.kind) said.push(KINDS[row.kind]);
  if (row.evidence) said.push(`${row.evidence[0].toUpperCase()}${row.evidence.slice(1)} by the evidence: ${(100 * row.stability).toFixed(0)} % of bootstrap samples give the same verdict.`);
  else if (isChanged() && row.relation !== "too few") said.push("Evidence was gathered for the thresholds of the run only.");
  if (row.evidence && row.runner_up) said.push(`Runner-up: ${row.runner_up}, ${(100 * row.runner_up_share).toFixed(0)} %.`);
  const test = { tilt: row.tilt_q, dispersion: row.conflict_q }[row.relation] ?? null;
  if (row.evidence && test !== null) said.push(`${row.relation === "tilt" ? "That the sides differ by chance, or as those of independent scores do" : "That the correlation is 0 or more"}: q = ${small(test)} over all pairs, limit ${limits.fdr}.`);
  if (row.evidence && row.clusters < limits.enough_points) said.push(`Fewer than ${limits.enough_points} prompts: too few to be supported.`);
  said.push(`${many(row.n, "sample")}: ${row.n_synergy} in R_S${share(row.density_synergy)}, ${row.n_bottleneck} in R_B${share(row.density_bottleneck)}, ${row.n_tradeoff} in R_T.`);
  if (row.clusters < row.n) said.push(`They come from ${many(row.clusters, "prompt")}; copies and edits of one count once in the evidence.`);
  if (row.nulls) said.push(`${row.nulls} left out: a score is missing.`);
  if (row.slope === null) said.push("No regression line: too few points in R_T, or one value for all.");
  else {
    const [few, most] = [Math.min(row.n_above, row.n_below), Math.max(row.n_above, row.n_below)];
    said.push(`N_a = ${row.n_above} above the line, N_b = ${row.n_below} below: ratio ${few ? (most / few).toFixed(2) : "none"}, limit ${limits.tilt_ratio}.`);
  }
  if (row.n) said.push(`Means ${row.mean_x.toFixed(2)} and ${row.mean_y.toFixed(2)}, medians ${row.median_x.toFixed(2)} and ${row.median_y.toFixed(2)}${row.favoured ? `; ${row.favoured} is favoured` : ""}.`);
  else said.push("No sample has both scores.");
  const interval = range(row.rho_low, row.rho_high);
  said.push(row.rho === null ? "No correlation: fewer than three samples, or one side is constant." : `${rhoName()} ${fixed(row.rho, 2)}${interval ? ` (${interval})` : ""}.`);
  if (row.off_mass !== null) said.push(`Mean off-grade mass of the judge: ${(100 * row.off_mass).toFixed(1)} %.`);
  if (row.noise !== null) said.push(`The judge's answers were sampled: standard error of a score ${row.noise.toFixed(3)}.`);
  return said;
}

const small = (value) => (value < 0.001 ? "< 0.001" : value.toFixed(3));

// What the verdict rests on, with what resampling prompts did to it.
function intervals(row) {
  const [first, second] = [row.x, row.y];
  const share = (name, text) => [text, percent(row[name]), row[`${name}_low`] === null ? null : `${(100 * row[`${name}_low`]).toFixed(0)} to ${(100 * row[`${name}_high`]).toFixed(0)} %`];
  const level = (name, text, value) => [text, number(value, 3), range(row[`${name}_low`], row[`${name}_high`], 3)];
  const gap = (name) => (row[`${name}_x`] === null ? null : row[`${name}_x`] - row[`${name}_y`]);
  const body = [
    level("rho", rhoName(), row.rho), share("density_synergy", "D_s, share in R_S"), share("density_bottleneck", "D_b, share in R_B"),
    level("mean_x", `Mean of ${first}`, row.mean_x), level("mean_y", `Mean of ${second}`, row.mean_y),
    level("mean_gap", `Mean of ${first} less that of ${second}`, gap("mean")), level("median_gap", `Median of ${first} less that of ${second}`, gap("median")),
  ];
  return h("details", folds("intervals"), h("summary", {}, "Numbers with their intervals"), table(`Intervals of ${row.model} ${row.pair}`, ["Number", "Value", "95 %"], body));
}

// How many points lie in each square of a grid, where there are any.
function squares(dots, side = 20) {
  const found = new Map();
  for (const { x, y } of dots) {
    const [across, up] = [x, y].map((value) => Math.min(side - 1, Math.floor(value * side)));
    const key = across * side + up;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return [...found].map(([key, n]) => {
    const [x, y] = [Math.floor(key / side) / side, (key % side) / side];
    return { x, y, x2: x + 1 / side, y2: y + 1 / side, n };
  });
}

// The part of the regression line inside the unit square.
function segment({ slope, intercept }) {
  if (slope === null) return [];
  const ends = slope ? [0, 1].map((edge) => Math.max(0, Math.min(1, (edge - intercept) / slope))).sort((a, b) => a - b) : [0, 1];
  if (ends[0] === ends[1]) return [];
  return [{ x: ends[0], y: slope * ends[0] + intercept, x2: ends[1], y2: slope * ends[1] + intercept }];
}

async function pair(name, code) {
  const task = chosen.task;
  const row = (await rowsOf(task)).find((one) => one.model === name && one.pair === code);
  const options = facts.pairs[task].map((one) => [one, titled(one)]);
  const place = options.findIndex(([one]) => one === code);
  const step = (by) => go("pair", name, options[(place + by + options.length) % options.length][0]);
  const controls = h("form", { class: "controls", "aria-label": "Choose a pair", onsubmit: (event) => event.preventDefault() },
    choice("pair-model", "Model", facts.models.map((one) => [one, one]), name, (one) => go("pair", one, code)),
    h("div", { class: "wide" }, choice("pair-pair", "Pair", options, code, (one) => go("pair", name, one))),
    h("button", { type: "button", onclick: () => step(-1) }, "Previous"), h("button", { type: "button", onclick: () => step(1) }, "Next"));
  if (!row) return [h("h1", {}, "Pair"), controls, h("p", {}, "This model has no scores for this pair.")];
  const { ids, x, y } = (await points(name, task)).get(code);
  const dots = ids.map((id, at) => ({ id, x: x[at], y: y[at] })).filter((one) => !Number.isNaN(one.x) && !Number.isNaN(one.y));
  const data = {
    points: dots.map((one) => ({ ...one, region: rule.region(one.x, one.y, limits) })),
    squares: squares(dots),
    areas: [{ region: "R_B", x: 0, y: 0, x2: limits.bottleneck, y2: limits.bottleneck }, { region: "R_S", x: limits.synergy, y: limits.synergy, x2: 1, y2: 1 }],
    line: segment(row),
    means: row.n ? [{ x: row.mean_x, y: row.mean_y }] : [],
  };
  const brush = kept("brush", { frame: null });
  const between = (value, [low, high]) => value >= low && value <= high;
  const inside = ({ x, y }) => !brush.frame || (between(x, brush.frame.x) && between(y, brush.frame.y));
  const shown = gallery(() => [[name, task, code]], inside);
  const held = () => `${many(dots.filter(inside).length, "sample")} inside the frame; those with a picture are below.`;
  const hint = "Drag over the points to see their pictures below; press beside the frame to see all again.";
  const brushed = h("p", { class: "fine", "aria-live": "polite" }, brush.frame ? held() : hint);
  const ready = (view) => view.addSignalListener("brush", debounced((_, area) => {
    const sides = area && Object.keys(area).length === 2 ? Object.values(area).map((ends) => [...ends].sort((a, b) => a - b)) : null;
    brush.frame = sides && { x: sides[0], y: sides[1] };
    brushed.textContent = brush.frame ? held() : "All samples.";
    shown.update();
  }, 120));
  const words = verdict(row);
  const [across, up] = code.split("_").map(dimension);
  const each = facts.models.map((one) => byNow(one, task, code)).filter(Boolean);
  await shown.update(true);
  return [
    h("h1", {}, titled(code)), controls,
    h("div", { class: "split" },
      h("div", {}, chart("scatter", `${name}: ${code}`, data, { square: true, words: { x: across, y: up }, frame: brush.frame, ready }), brushed),
      h("div", {}, h("div", { "aria-live": "polite" }, h("p", { id: "verdict" }, words[0]), h("ul", { id: "reasons" }, words.slice(1).map((one) => h("li", {}, one)))), intervals(row),
        h("p", { class: "fine" }, `R_S: both scores ${limits.rule === "paper" ? "at least" : "above"} ${limits.synergy}. R_B: both ${limits.rule === "paper" ? "at most" : "below"} ${limits.bottleneck}. `,
          "R_T: the rest; the line is fitted to these points only. Stronger squares hold more samples. The cross marks the two means. ",
          "A tilt counts points on either side of the line; it need not agree with which mean is higher."),
        h("h2", {}, "In each model"),
        h("ul", { class: "plain" }, each.map((one) => h("li", { class: "named" }, swatch(one), link([one.model], "pair", one.model, code), ` ${towards(one)}`))))),
    h("section", {}, h("h2", {}, "Pictures"), h("p", {}, pictureNote(task, code)), shown.element),
  ];
}

function pictureNote(task, code) {
  const any = facts.models.some((name) => facts.sheets[`${facts.models.indexOf(name)}-${task}-${code}`]);
  if (!any) return "No picture was kept for this pair (report.pictures_per_pair is 0).";
  return "A sample of this pair from the worst to the best mean score: prompts that all models share, spread evenly, and the model's own extremes, so that from four pictures on R_S and R_B are shown where it reaches them. Pictures are made small and packed with a little loss; the judge saw the originals.";
}

// Pictures

async function pictures(name, code) {
  const task = chosen.task;
  const [wantedModel, wantedPair] = [name ?? facts.first[0], code ?? (facts.pairs[task].includes(facts.first[2]) ? facts.first[2] : facts.pairs[task][0])];
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
const VIEWS = { overview, model, pair, compare, pictures, judge, gates, methods };
