// What several pages show of a map: relations, their legend and their charts.
const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
const ALL = "all"; // in place of a task: all tasks together
const tasksOf = (task) => (task === ALL ? facts.tasks : [task]);
const scope = (task) => (facts.tasks.length > 1 && task !== ALL ? task : null); // the task of a mean: null over all tasks
const taskNames = { t2i: "text to image", p2p: "image editing", s2p: "subject-driven generation" };
const rhoName = () => facts.correlations[limits.correlation];
const looseName = (relation) => relation.replace(" ", "-");
const capital = (word) => `${word[0].toUpperCase()}${word.slice(1)}`;
const towards = (row) => row.relation + (row.leaning ? ` towards ${row.leaning}` : "");

function swatch(row) {
  const glyph = row.leaning && row.leaning === row.y ? "↑" : facts.legend.find(({ relation }) => relation === row.relation).glyph;
  return h("span", { class: `swatch swatch-${looseName(row.relation)} ${row.evidence ?? ""}`, "aria-hidden": "true" }, glyph);
}

function legend() {
  const relations = facts.legend.map(({ relation, glyph, about }) =>
    h("li", {}, h("span", { class: `swatch swatch-${looseName(relation)}`, "aria-hidden": "true" }, glyph), h("span", {}, h("b", {}, relation), ` ${about}`)));
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
  return facts.legend.map(({ relation }) => [relation, found.filter((row) => row.relation === relation).length]).filter(([, n]) => n).map(([relation, n]) => `${n} ${relation}`).join(", ");
}

// A cell of a chart of a map.
function mapCell({ pair, relation, leaning }, evidence, rho) {
  const [x, y] = pair.split("_");
  return { pair, x, y, relation, leaning, evidence, rho };
}

function mapData(model, task, found) {
  const level = facts.means.filter((row) => row.model === model && row.task === scope(task) && row.mean !== null);
  return { relations: found.map((row) => mapCell(row, row.evidence, row.rho)), means: level.map((row) => ({ code: row.dimension, mean: row.mean })) };
}

// A chart of a map: a press on a cell or an edge opens its pair.
function mapChart(name, model, task, found, label) {
  return drawnMap(name, label, mapData(model, task, found), (pair) => go("pair", model, pair));
}

function drawnMap(name, label, data, open = null, correlation = rhoName()) {
  const ready = (view) => { if (open) view.addEventListener("click", (_, item) => { if (item?.datum?.pair) open(item.datum.pair); }); };
  const over = name === "matrix" ? mapGrid(label, data, open) : null;
  return chart(name, label, data, { square: true, words: { correlation }, over, ready });
}

// Opens a pair of a model in the first of these tasks that has it.
const openIn = (task, model) => (pair) => { location.hash = addressIn(tasksOf(task).find((one) => facts.pairs[one].includes(pair)), "pair", model, pair); };

// Groups in words: a line for each clique, and one for all tilts.
function groups(found) {
  const named = (members) => members.map((code) => facts.names[code]);
  const cliques = found.filter(({ relation }) => relation !== "tilt").map(({ relation, numeral, members }) => [`${capital(relation)} (${numeral})`, named(members).sort().join(", ")]);
  const tilts = found.filter(({ relation }) => relation === "tilt").map(({ members }) => named(members).join(" over "));
  const lines = tilts.length ? [...cliques, ["Tilt", tilts.join("; ")]] : cliques;
  return lines.length ? lines.map(([name, members]) => h("p", {}, h("b", {}, `${name}: `), members)) : h("p", {}, "No pair shows a relation.");
}

const groupsOf = (maps, model, task) => maps.find((one) => one.model === model && one.task === task)?.groups ?? [];
