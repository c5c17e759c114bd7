// What is measured of the pictures and not judged: figures, how scores go with them, and diversity.
const around = (mean, high, digits = 3) =>
  mean === null || mean === undefined ? number(null) : { shown: high === null ? fixed(mean, digits) : `${fixed(mean, digits)} ± ${fixed(high - mean, digits)}`, value: mean };

function figuresOf(task) {
  const { about, levels } = facts.figures;
  const own = levels.filter((row) => row.task === scope(task));
  const body = facts.models.map((model) => {
    const cells = about.map(({ figure }) => own.find((row) => row.model === model && row.figure === figure) ?? { mean: null, n: 0, nulls: 0 });
    const shown = cells.map(({ mean, low, high }, place) => ({ ...around(mean, high), title: `${model}, ${about[place].name}: ${range(low, high, 3) ?? "no interval"}` }));
    return [{ shown: link([model], "model", model), value: model }, ...shown, { shown: cells[0].n, value: cells[0].n }, { shown: cells[0].nulls, value: cells[0].nulls }];
  });
  return h("section", { "aria-labelledby": "figures" }, h("h2", { id: "figures" }, "Figures of the pictures"),
    h("p", {}, "Read from the pixels, whatever they show and whatever the judge says: a model whose pictures burn out or go dark is seen here. Mean with half of its 95 % interval. High is neither good nor bad."),
    table(`Figures ${task}`, ["Model", ...about.map(({ name, means }) => [name, { title: means }]), "Pictures", "Missing"], body),
    h("details", folds("figures in words"), h("summary", {}, "What each figure is"), h("dl", {}, about.map(({ name, means }) => [h("dt", {}, name), h("dd", {}, means)]))));
}

// The correlations of a model's scores with the figures of its pictures.
function linksOf(model, task) {
  const own = facts.figures.links.filter((row) => row.model === model && row.task === task);
  if (!own.length) return null;
  const told = (within) => own.filter((row) => row.within === within);
  return h("section", { "aria-labelledby": "links" }, h("h2", { id: "links" }, "The picture or the scorer?"),
    h("p", {}, `Pearson's r of each dimension's score with each figure; bold where the false discovery rate over this table is at most ${limits.fdr}. A score that follows a figure may follow what the prompts ask for, or be the scorer's taste; the figure cannot say which.`),
    linkTable(`Scores and figures of ${model} ${task}`, told("pictures")),
    told("prompts").length ? [h("p", {}, "Within prompts: deviations from the mean of a prompt's pictures. What the prompt asks for is the same here."), linkTable(`Scores and figures of ${model} ${task}, within prompts`, told("prompts"))] : null);
}

function linkTable(caption, own) {
  const { about } = facts.figures;
  const codes = Object.keys(facts.names).filter((code) => own.some((row) => row.dimension === code));
  const body = codes.map((code) => [dimension(code), ...about.map(({ figure, name }) => {
    const row = own.find((one) => one.dimension === code && one.figure === figure);
    if (!row) return number(null);
    const text = fixed(row.r, 2);
    return { shown: row.q !== null && row.q <= limits.fdr ? h("b", {}, text) : text, value: row.r, title: `${facts.names[code]}, ${name}: ${range(row.low, row.high) ?? "no interval"}, q ${row.q === null ? "unknown" : row.q.toFixed(3)}, ${many(row.n, "picture")}` };
  })]);
  return table(caption, ["Dimension", ...about.map(({ name, means }) => [name, { title: means }])], body);
}

// Diversity over the seeds of a prompt; nothing where a prompt has one picture.
function diversityOf(task) {
  const own = facts.models.flatMap((model) => facts.figures.diverse.filter((row) => row.model === model && row.task === scope(task)));
  if (!own.length) return null;
  const body = own.map((row) => [{ shown: link([row.model], "model", row.model), value: row.model }, ...spread(row), { shown: row.n, value: row.n }, { shown: row.nulls, value: row.nulls }]);
  const gaps = facts.figures.gaps.filter((row) => row.task === scope(task)).map((row) => [`${row.a} → ${row.b}`,
    number(row.vendi), range(row.vendi_low, row.vendi_high, 3), number(row.distance), range(row.distance_low, row.distance_high, 3), { shown: row.n, value: row.n }]);
  return h("section", { "aria-labelledby": "diversity" }, h("h2", { id: "diversity" }, "Diversity"),
    h("p", {}, `How far the ${facts.seeds} pictures of a prompt differ, as a mean over prompts with half of its 95 % interval. Vendi score: the effective number of different pictures, from 1 (all alike) to ${facts.seeds}. Distance: mean cosine distance of any two. Likeness is that of features: ${facts.figures.features}.`),
    table(`Diversity ${task}`, ["Model", "Vendi score", "Distance", "Prompts", "Missing"], body),
    gaps.length ? table(`Differences of diversity ${task}`, ["Models", "Vendi score", "95 %", "Distance", "95 %", "Prompts"], gaps) : null);
}

const spread = (row) => [
  { ...around(row.vendi, row.vendi_high), title: range(row.vendi_low, row.vendi_high, 3) ?? "no interval" },
  { ...around(row.distance, row.distance_high), title: range(row.distance_low, row.distance_high, 3) ?? "no interval" },
];

// The diversity of one model, as a line.
function diverseModel(model, task) {
  const row = facts.figures.diverse.find((one) => one.model === model && one.task === scope(task));
  if (!row || row.vendi === null) return null;
  const [vendi, distance] = spread(row);
  return h("p", {}, `Diversity of a prompt's ${facts.seeds} pictures: Vendi score ${vendi.shown}, distance ${distance.shown}.`);
}
