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
  const full = h("li", {}, h("span", {}, "A full colour is ", h("b", {}, "supported"), " by the evidence, a paler one is weak, the palest unsupported."));
  return h("ul", { class: "legend", "aria-label": "Relations" }, relations, full);
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
      legend(), h("div", { class: "maps" }, allModels(task, found), cards)),
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
    return shown && { pair, x, y, relation: shown.relation, leaning: shown.leaning, evidence: null, rho: null };
  }).filter(Boolean);
  return h("article", { class: "map" }, h("h3", {}, "All models"),
    h("p", { class: "counts" }, `What more than half of the models show: ${counted(pairs) || "nothing"}. An empty cell: they disagree, or have too few samples.`),
    chart("matrix", "Map of all models", { relations: pairs, means: [] }, { square: true, words: { correlation: rhoName() } }),
    h("details", folds("groups of all"), h("summary", {}, "Groups in words"), isChanged() && h("p", { class: "fine" }, "At the thresholds of the run."),
      groups(facts.overall[task])));
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
    const half = level.mean === undefined || level.mean === null ? null : level.high - level.mean;
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
    h("p", { class: "lead" }, counted(found), "."), legend(),
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
      h("div", {}, h("div", { "aria-live": "polite" }, h("p", { id: "verdict" }, words[0]), h("ul", { id: "reasons" }, words.slice(1).map((one) => h("li", {}, one)))),
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
  return "A sample of this pair from the worst to the best mean score: prompts that all models share, spread evenly, and the model's own extremes, so that every region it reaches is shown. Pictures are made small and packed with a little loss; the judge saw the originals.";
}

// Two models

async function compare(a, b, code) {
  const task = chosen.task;
  const [first, second] = [a ?? facts.models[0], b ?? facts.models[1]];
  const title = h("h1", {}, "Compare");
  if (facts.models.length < 2) return [title, h("p", {}, "This report has one model; with two in generate.roster they stand side by side here.")];
  const options = facts.models.map((one) => [one, one]);
  const pick = h("form", { class: "controls", "aria-label": "Choose two models", onsubmit: (event) => event.preventDefault() },
    choice("compare-a", "Before", options, first, (one) => go("compare", one, second)), choice("compare-b", "After", options, second, (one) => go("compare", first, one)));
  if (![first, second].every((one) => facts.models.includes(one))) return missing(`There are no models ${first} and ${second} in this report.`);
  if (first === second) return [title, pick, h("p", {}, "Choose two different models.")];
  const found = await rowsOf(task);
  const changes = changed(first, second).filter((row) => row.task === task);
  const agree = facts.agreements.find((one) => one.task === task && [one.a, one.b].sort().join() === [first, second].sort().join());
  const clouds = await Promise.all([first, second].map((one) => points(one, task)));
  const pairs = facts.pairs[task].map((one) => ({ one, rows: [first, second].map((name) => found.find((row) => row.model === name && row.pair === one)) })).filter(({ rows }) => rows.every(Boolean));
  const body = pairs.map(({ one, rows: [before, after] }) => {
    const [x, y] = moved(...clouds.map((cloud) => cloud.get(one)));
    const same = before.relation === after.relation && before.leaning === after.leaning;
    return [{ shown: link([one], "compare", first, second, one), value: one, title: titled(one) }, { shown: h("span", { class: "named" }, swatch(before), towards(before)), value: towards(before) },
      { shown: h("span", { class: "named" }, swatch(after), towards(after)), value: towards(after) }, same ? "same" : "differs", signed(x.mean), range(x.low, x.high, 3), signed(y.mean), range(y.low, y.high, 3), { shown: x.n, value: x.n }];
  });
  const tuning = facts.tunings.find((one) => [one.base, one.tuned].sort().join() === [first, second].sort().join());
  const differing = body.filter((row) => row[3] === "differs").length;
  return [
    title, pick,
    h("p", { class: "lead" }, `${differing} of ${many(body.length, "pair")} have another relation in ${second} than in ${first}`, agree && agree.kappa !== null ? `; kappa at the thresholds of the run ${agree.kappa.toFixed(2)}.` : "."),
    tuning && tuned(tuning),
    h("section", {}, h("h2", {}, `What changes from ${first} to ${second}`),
      h("p", {}, "The mean of the paired differences on samples that both have a score for, with its 95 % interval. Losses are shown like gains. The interval is each row's own; trig compare tests all pairs at once."),
      h("div", { class: "tall" }, chart("change", `Change from ${first} to ${second}`, { changes }, { height: 40 + 26 * changes.length })), changeTable(first, second, changes)),
    h("section", {}, h("h2", {}, "Pair by pair"), h("p", {}, "Relations, and how far the means of the pair's two dimensions moved on the same prompts and seeds."),
      table(`Pairs of ${first} and ${second} ${task}`, ["Pair", first, second, "Relation", "Change of first", "95 %", "Change of second", "95 %", "Samples"], body)),
    await facing(first, second, facts.pairs[task].includes(code) ? code : tuning?.pairs.find((one) => facts.pairs[task].includes(one)) ?? facts.pairs[task][0]),
  ];
}

const signed = (value) => (value === null ? number(null) : { shown: `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`, value });

// The changes as Python found them, turned round where the models are asked for the other way.
function changed(first, second) {
  const own = facts.changes[`${first}|${second}`];
  if (own) return own;
  const turn = (value) => (value === null ? null : -value);
  const kinds = { rise: "fall", fall: "rise", unclear: "unclear" };
  return facts.changes[`${second}|${first}`].map((row) => ({ ...row, before: row.after, after: row.before, mean: turn(row.mean), low: turn(row.high), high: turn(row.low), kind: kinds[row.kind] }));
}

function changeTable(first, second, changes) {
  const body = changes.map((row) => [row.label, number(row.before), number(row.after), signed(row.mean), row.low === null ? null : `${signed(row.low).shown} to ${signed(row.high).shown}`, { shown: row.n, value: row.n }]);
  return h("details", folds("changes"), h("summary", {}, "The numbers"), table(`Change from ${first} to ${second}`, ["Dimension", first, second, "Change", "95 %", "Samples"], body));
}

function tuned({ base, tuned: name, pairs, notes }) {
  return h("section", { class: "note" }, h("h2", {}, "Before and after tuning"),
    h("p", {}, `${name} is ${base}, tuned to repair `, h("b", {}, pairs.join(", ")), " (marked ★), trained on prompts of the train split and measured here on the held-out test split only. ",
      "Two things may flatter the result: a pair that was chosen as the weakest scored low on these same prompts, and the judge that chose the training pictures also measures it."),
    h("details", folds("training"), h("summary", {}, "How it was trained"), h("dl", {}, Object.entries(notes).map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]))));
}

// The mean of the paired differences of each side, with its 95 % interval.
function moved(before, after) {
  return ["x", "y"].map((side) => {
    const places = new Map(after.ids.map((id, place) => [id, place]));
    const gaps = before.ids.map((id, place) => after[side][places.get(id)] - before[side][place]).filter((gap) => !Number.isNaN(gap));
    const n = gaps.length;
    if (!n) return { n, mean: null, low: null, high: null };
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / n;
    const half = n > 1 ? 1.96 * Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / (n - 1) / n) : null;
    return { n, mean, low: half === null ? null : mean - half, high: half === null ? null : mean + half };
  });
}

// The pictures of two models of one pair, side by side.
async function facing(first, second, code) {
  const task = chosen.task;
  const [before, after] = await Promise.all([first, second].map((name) => pictured(name, task, code)));
  const gain = (one, other) => other.x + other.y - one.x - one.y;
  const others = new Map(after.map((one) => [one.id, one]));
  const both = before.filter((one) => others.has(one.id)).map((one) => [one, others.get(one.id)]);
  const state = kept("facing", { sort: "fall" });
  const list = h("ul", { class: "couples" });
  const sorts = { fall: ["greatest loss first", 1], rise: ["greatest gain first", -1] };

  function update() {
    const worth = ([one, other]) => (Number.isNaN(gain(one, other)) ? Infinity : sorts[state.sort][1] * gain(one, other));
    const ordered = both.map((couple) => [worth(couple), couple]).sort(([a], [b]) => (a === b ? 0 : a - b)).map(([, couple]) => couple);
    list.replaceChildren(...ordered.map(([one, other]) => h("li", { class: "couple" }, h("p", { class: "prompt" }, one.prompt),
      h("div", {}, [one, other].map((side) => h("figure", {}, thumbnail(side), h("figcaption", {}, side.model), scores(side)))))));
  }

  update();
  return h("section", {}, h("h2", {}, "Same prompt, same seed"),
    h("form", { class: "controls", "aria-label": "Choose pictures", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "wide" }, choice("compare-pair", "Pair", facts.pairs[task].map((one) => [one, titled(one)]), code, (one) => go("compare", first, second, one))),
      choice("compare-sort", "Sort by", Object.entries(sorts).map(([name, [text]]) => [name, text]), state.sort, (value) => { state.sort = value; update(); })),
    both.length ? list : h("p", {}, pictureNote(task, code)));
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

// The judge

function judge() {
  const steps = (column) => ({ steps: facts.histograms[column].map((row) => ({ ...row, label: dimension(row.dimension) })) });
  const body = facts.judged.map((row) => [row.model, row.dimension, { shown: row.n, value: row.n }, { shown: row.nulls, value: row.nulls },
    number(row.confidence_mean), range(row.confidence_5, row.confidence_95), number(row.off_mass_mean, 4), number(row.off_mass_95, 4)]);
  const yard = facts.yardstick;
  return [
    h("h1", {}, "The judge"),
    h("p", { class: "lead" }, "Everything in this report is as good as the judge. This page says how sure it was, how often it did not answer, and how far it was found to agree with something better."),
    h("section", {}, h("h2", {}, "Agreement"), yard
      ? [h("p", {}, `Spearman's rho with ${yard.against}.`), table("Agreement of the judge", ["Dimension", "rho", "Answers"], Object.entries(yard.rho).map(([code, rho]) => [dimension(code), number(rho, 2), { shown: yard.n[code], value: yard.n[code] }]))]
      : h("p", {}, "Nobody has left a measurement of this judge against truth or people beside its weights. Until somebody does, read differences between models, not absolute scores.")),
    h("section", {}, h("h2", {}, "Missing scores"), facts.nulls.length
      ? [h("p", {}, "A missing score is left out of every mean and every map; it never counts as zero."), table("Missing scores", ["Model", "Reason", "Scores"], facts.nulls.map(([name, reason, n]) => [name, { shown: reason, class: "wrap" }, { shown: n, value: n }]))]
      : h("p", {}, "No score is missing.")),
    h("section", {}, h("h2", {}, "Confidence"), h("p", {}, "C, the largest probability of a grade: how sure the judge was of its likeliest answer."), h("div", { class: "tall" }, chart("confidence", "Confidence of the judge", steps("confidence"), { height: 260 }))),
    h("section", {}, h("h2", {}, "Off-grade mass"), h("p", {}, "Probability that the judge gave to words which are no grade."), h("div", { class: "tall" }, chart("off_mass", "Off-grade mass of the judge", steps("off_mass"), { height: 260 }))),
    h("section", {}, h("h2", {}, "By model and dimension"), table("Judge", ["Model", "Dimension", "Answers", "Missing", "Confidence", "5 to 95 %", "Off-grade mass", "its 95th percentile"], body)),
    h("section", {}, h("h2", {}, "How it answered"), h("p", {}, "exact: probabilities over the whole vocabulary; top: of the likeliest tokens, off-grade mass is an upper bound; sampled: counted answers."),
      table("Answers", ["Judge", "Engine", "Mode", "Answers"], facts.modes.map(([name, engine, mode, n]) => [name, { shown: engine, class: "wrap" }, mode, { shown: n, value: n }]))),
  ];
}

// Gates

function gates() {
  const failed = facts.gates.filter((gate) => !gate.passed).length;
  const body = facts.gates.map((gate) => [gate.table, { shown: gate.passed ? "holds" : h("div", {}, h("b", {}, "fails"), gate.failures.map((line) => h("p", {}, line))), class: gate.passed ? null : "wrap", value: gate.passed ? "holds" : `fails: ${gate.failures.join("; ")}` },
    { shown: gate.checks, value: gate.checks }, { shown: gate.link ? h("a", { href: gate.link }, "results") : null, value: null }]);
  return [
    h("h1", {}, "Gates"),
    h("p", { class: "lead" }, "Each table has to meet its expectations before the next stage may read it."),
    facts.gates.length ? [h("p", {}, failed ? `${failed} of ${many(facts.gates.length, "gate")} fail.` : `All ${many(facts.gates.length, "gate")} hold.`), table("Gates", ["Table", "Result", "Expectations", ["Page", { "data-skip": true }]], body)] : h("p", {}, "No gate left a result."),
  ];
}

// Methods

const DEFINITIONS = [
  ["S, C and C·S", "The judge is asked for one grade of one dimension. From the probabilities p of the grades, normalised over the grades: S = Σ s·p with s from 0 (worst grade) to 1 (best), C = the largest p, C·S their product (arXiv 2507.22100, Eq. 1–3)."],
  ["Sample", "One picture and the two dimensions its prompt is about: a point in the unit square."],
  ["R_S, R_B, R_T", "Regions of the square: both scores high; both low; the rest."],
  ["D_s, D_b", "Shares of a pair's samples in R_S and in R_B."],
  ["N_a, N_b", "Points of R_T strictly above and below the least-squares line through R_T."],
  ["Synergy", "D_s reaches synergy_density. Checked first."],
  ["Bottleneck", "D_b reaches bottleneck_density. Checked second."],
  ["Tilt", "The larger of N_a and N_b reaches tilt_ratio times the smaller. It leans to the second dimension when more points lie above."],
  ["Dispersion", "None of these, and the correlation over all samples is at most dispersion_corr. Conflict: its interval lies below 0; loose: above 0; independent: it holds 0."],
  ["None, too few, absent", "None of the four rules holds; fewer samples than min_points; the model has no samples of the pair. Three different things."],
  ["Rule reference", "As the released scripts have it: limits of regions are left out, the ratio must exceed tilt_ratio, the correlation must be below dispersion_corr."],
  ["Stability", "Share of bootstrap resamples of a pair's prompts that give the same relation. Copies and edits of one prompt are drawn together."],
  ["Evidence", "Supported: stability reaches supported_stability, at least enough_points prompts, and, for a tilt, sides that differ by more than chance and than independent scores do; for a dispersion, a correlation reliably below 0 (both at false discovery rate fdr over all pairs, Benjamini and Hochberg). Unsupported: stability below one half, or the test fails. Weak: the rest."],
  ["Favoured", "The dimension with the higher mean, where the bootstrap interval of the difference leaves 0 out."],
  ["Mean of a dimension", "Over pictures; a picture that stands in several pairs counts once. Interval: 1.96 standard errors."],
  ["Interval of a mean", "95 %, Student's, over prompts: copies and edits of one prompt are not independent, and neither are scores of one picture, so they are summed first."],
  ["Mean of a model", "Of its dimension means, each counting the same."],
  ["Noise", "Where answers were sampled: the root mean square of the standard errors of S over both dimensions. Nothing where probabilities were read."],
  ["Kappa", "Cohen's: how far two maps agree beyond chance."],
];
const CAVEATS = [
  "The judge is a model. Where it is blind, a dimension looks good or bad for no reason one can see in the pictures.",
  "A verdict on few samples is weak: read its stability and evidence before you believe it.",
  "A tilt compares how many points lie on either side of a fitted line. That measures skew, not which dimension is better.",
  "By the published definition independent scores are a dispersion. Only a conflict is a trade-off.",
  "C·S is not monotone in quality: an unsure judge lowers it. The expected grade S has no such dip.",
  "The subsets of a model share prompts; their relations are not independent findings.",
  "Choosing thresholds after looking at verdicts makes them look surer than they are.",
];

function methods() {
  const list = (entries) => h("dl", {}, entries.map(([key, value]) => [h("dt", {}, key), h("dd", {}, typeof value === "object" && value !== null ? JSON.stringify(value) : String(value))]));
  return [
    h("h1", {}, "Methods"),
    h("section", {}, h("h2", {}, "What this report does not say"), h("ul", {}, CAVEATS.map((one) => h("li", {}, one)))),
    h("section", {}, h("h2", {}, "What each number is"), list(DEFINITIONS)),
    h("div", { class: "columns" },
      h("section", {}, h("h2", {}, "Thresholds of the run"), list(Object.entries(facts.thresholds))),
      h("section", {}, h("h2", {}, "Made from"), list(Object.entries(facts.settings))),
      h("section", {}, h("h2", {}, "Installed when this was drawn"), list(Object.entries(facts.versions))),
      h("section", {}, h("h2", {}, "Dimensions"), list(Object.entries(facts.names).map(([code, name]) => [code, `${name} (${facts.groups[code]}): ${facts.high[code]}`])))),
  ];
}

const missing = (text) => [h("h1", {}, "Not here"), h("p", {}, text)];
const VIEWS = { overview, model, pair, compare, pictures, judge, gates, methods };
