// Trade-offs across settings: curves of a knob through the plane of two dimensions, the Pareto front, and conflicts along the knob.
const OTHER = "other models";

async function front(name, code) {
  const task = chosen.task;
  const { curves, turned } = facts.fronts;
  const curve = name === undefined ? curves[0] : curves.find((one) => one.name === name);
  if (!curve) return missing("There is no such curve in this report. `trig sweep` puts one into generate.roster.");
  const own = turned.filter((row) => row.task === task && row.curve === curve.name);
  const order = [...own].sort((a, b) => (a.q ?? 2) - (b.q ?? 2));
  const shown = own.find((row) => row.pair === code) ?? (code === undefined ? order[0] : null);
  if (!shown) return missing(`There is no pair ${code} on the curve ${curve.name}.`);
  const values = curve.values.join(", ");
  return [
    h("h1", {}, "Fronts"),
    h("p", { class: "lead" }, "A knob is a number that a model runs with. A ", h("b", {}, "conflict along a knob"), ": turning it buys one dimension with the other. ",
      "This is a second kind of trade-off, across settings, beside the relations of the maps, which stand within the cloud of one model at one setting."),
    h("form", { class: "controls", "aria-label": "Choose a curve and a pair", onsubmit: (event) => event.preventDefault() },
      choice("front-curve", "Knob", curves.map((one) => [one.name, one.name]), curve.name, (one) => go("front", one, shown.pair)),
      h("div", { class: "wide" }, choice("front-pair", "Pair", own.map((row) => [row.pair, titled(row.pair)]), shown.pair, (one) => go("front", curve.name, one)))),
    h("section", {}, h("h2", {}, `Conflicts along ${curve.knob}`), inConflict(curve, order)),
    plane(curve, shown),
    h("section", {}, h("h2", {}, "All pairs"),
      h("p", {}, `From ${curve.models[0]} to ${curve.models.at(-1)}, at ${curve.knob} ${values}. A change is that of the mean on the same prompts and seeds from the first to the last setting. `,
        "The test is of the trend over all settings, over prompts: one dimension rises and the other falls. q is its p-value, adjusted for all pairs (false discovery rate)."),
      table(`Pairs along ${curve.name} ${task}`, ["Pair", "Along the knob", "Change of first", "95 %", "Change of second", "95 %", "q", "Hypervolume", "95 %", "Samples", "Left out", "Prompts"], own.map((row) => pairRow(curve, row)))),
  ];
}

// A conflict at the thresholds that are set: the dimensions that rise and fall, or null.
function buys({ pair, q, clusters, trend_x: trend }) {
  if (q === null || q > limits.fdr || clusters < limits.min_points) return null;
  const [x, y] = pair.split("_");
  return trend > 0 ? [x, y] : [y, x];
}

const outcome = (row) => buys(row)?.join(" rises, ").concat(" falls") ?? (row.clusters < limits.min_points ? "too few" : "no conflict shown");

function inConflict(curve, order) {
  const found = order.filter(buys);
  if (!found.length) return h("p", {}, `No pair of ${order.length} is a conflict along ${curve.knob}, at a false discovery rate of ${limits.fdr}. Few prompts may hide one.`);
  const moved = (code, row) => {
    const side = code === row.pair.split("_")[0] ? "x" : "y";
    return `${facts.names[code]} ${signed(row[`change_${side}`]).shown}`;
  };
  return [h("p", {}, `${many(found.length, "pair")} of ${order.length}, the surest first:`),
    h("ul", { class: "plain", "aria-label": "Conflicts" }, found.map((row) => h("li", {}, h("span", {}, link([row.pair], "front", curve.name, row.pair), `: ${buys(row).map((code) => moved(code, row)).join(", ")}`))))];
}

function pairRow(curve, row) {
  const { area, area_low: low, area_high: high } = areaOf(curve.name, row);
  return [{ shown: link([row.pair], "front", curve.name, row.pair), value: row.pair, title: titled(row.pair) }, outcome(row),
    signed(row.change_x), range(row.change_x_low, row.change_x_high, 3), signed(row.change_y), range(row.change_y_low, row.change_y_high, 3),
    number(row.q, 4), number(area), range(low, high, 3), { shown: row.n, value: row.n }, { shown: row.nulls, value: row.nulls }, { shown: row.clusters, value: row.clusters }];
}

const areaOf = (name, { task, pair }) => facts.fronts.areas.find((one) => one.curve === name && one.task === task && one.pair === pair);

// The plane of a pair: every curve, every other model, and the front.
function plane(curve, { task, pair }) {
  const [x, y] = pair.split("_");
  const means = facts.fronts.settings.filter((one) => one.task === task && one.pair === pair && one.x !== null);
  const mark = (one, name, label, place) => ({ model: one.model, curve: name, label, place, x: one.x, x_low: one.x_low, x_high: one.x_high, y: one.y, y_low: one.y_low, y_high: one.y_high });
  const of = (model) => means.filter((one) => one.model === model);
  const on = facts.fronts.curves.flatMap(({ name, models, values }) => models.flatMap((model, place) => of(model).map((one) => mark(one, name, String(values[place]), place))));
  const off = means.filter(({ model }) => !on.some((one) => one.model === model)).map((one) => mark(one, OTHER, one.model, 0));
  const best = means.filter((one) => one.front).sort((a, b) => a.x - b.x);
  const data = { settings: [...on, ...off], front: best.map((one) => ({ x: one.x, y: one.y })) };
  const heads = ["Model", "Setting", x, "95 %", y, "95 %", "On the front", "Samples"];
  const settings = (model) => facts.fronts.curves.filter(({ models }) => models.includes(model)).map(({ knob, models, values }) => `${knob} ${values[models.indexOf(model)]}`).join(", ");
  const body = means.map((one) => [one.model, settings(one.model), number(one.x), range(one.x_low, one.x_high, 3), number(one.y), range(one.y_low, one.y_high, 3), one.front ? "yes" : "no", { shown: one.n, value: one.n }]);
  const area = (name) => {
    const found = areaOf(name, { task, pair });
    return `${found.area.toFixed(3)}${found.area_low === null ? "" : ` (${range(found.area_low, found.area_high, 3)})`}`;
  };
  return h("section", {}, h("h2", {}, titled(pair)),
    h("p", {}, "Means with 95 % intervals over prompts. A line joins the settings of a knob, in their order; the dashed line is the Pareto front of all models and settings: no other is at least as high on both dimensions, and higher on one. ",
      "The axes do not begin at 0."),
    h("div", { class: "tall" }, chart("plane", `${x} and ${y} along ${curve.name}`, data, { height: 420, words: { x: dimension(x), y: dimension(y) } })),
    h("p", {}, `Hypervolume, the share of the unit square that lies below a front, with its 95 % interval: ${area(curve.name)} of this curve, ${area(null)} of all models.`),
    table(`Settings of ${pair} ${task}`, heads, body));
}
