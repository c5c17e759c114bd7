// The top of the first page: what each model trades, how sure that is, and the means of its dimensions.
const NAMED = 3; // most trade-offs of a model in words
const SURENESS = ["supported", "weak", "unsupported", null];

// A trade-off: one dimension is favoured, or one falls as the other rises.
const isTrade = (row) => row.relation === "tilt" || (row.relation === "dispersion" && row.kind === "conflict");
const surer = (a, b) => SURENESS.indexOf(a.evidence) - SURENESS.indexOf(b.evidence) || (b.stability ?? -1) - (a.stability ?? -1);

function tradeWords(row) {
  const [x, y] = [row.x, row.y].map((code) => facts.names[code]);
  if (row.relation !== "tilt") return `${x} against ${y}`;
  return row.leaning === row.x ? `${x} over ${y}` : `${y} over ${x}`;
}

const percentWords = (share) => ` ${(100 * share).toFixed(0)} %`;

function tradeLinks(trades) {
  const shown = trades.slice(0, NAMED).map((row, place) => [place ? ", " : "", linkIn(row.task, tradeWords(row), "pair", row.model, row.pair),
    h("span", { class: "soft" }, facts.tasks.length > 1 && ` ${row.task}`, row.stability !== null && percentWords(row.stability))]);
  return [shown, trades.length > NAMED ? h("span", { class: "soft" }, ` and ${trades.length - NAMED} more`) : null];
}

// How many prompts a pair rests on, as one number or two ends.
function promptsAPair(rows) {
  const counts = rows.map((row) => row.clusters);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `${least === most ? most : `${least} to ${most}`} prompts a pair`;
}

// What a model trades, in a sentence: the supported trade-offs, else those that come closest. `told` is said above for all models.
function headline(rows, told) {
  if (!rows.length) return "No pair has samples.";
  const trades = rows.filter(isTrade).sort(surer);
  const supported = trades.filter((row) => row.evidence === "supported");
  if (supported.length) return [h("b", {}, "Supported: "), tradeLinks(supported), "."];
  const close = trades.filter((row) => row.evidence !== "unsupported");
  if (close.length) return [!told && nothing(rows), "Closest: ", tradeLinks(close), "."];
  return [!told && nothing(rows), trades.length ? ["Closest, though unlikely: ", tradeLinks(trades.slice(0, 1)), "."] : "No pair leans either way."];
}

// That no trade-off of these rows is supported, and why.
function nothing(rows) {
  if (rows.every((row) => row.evidence === null)) return [h("b", {}, "No evidence at hand. ")];
  const any = rows.some((row) => row.evidence === "supported");
  const short = rows.every((row) => row.clusters < limits.enough_points) ? `; ${limits.enough_points} are needed` : "";
  const untested = rows.some((row) => row.evidence === null && row.stability !== null);
  return [h("b", {}, any ? "No trade-off is supported" : "Nothing is supported"), ` at ${promptsAPair(rows)}${short}. `, untested && "Stability is counted anew; some tests hold for the thresholds of the run only. "];
}

// How many pairs show each relation, and how many of them the evidence supports; with `few`, how many have too few samples.
function relationCounts(rows, few) {
  const known = rows.some((row) => row.evidence !== null);
  return h("ul", { class: "tally" }, facts.legend.map(({ relation, about }) => {
    const own = rows.filter((row) => row.relation === relation);
    const sure = own.filter((row) => row.evidence === "supported").length;
    const counts = known && COLOURED.includes(relation) ? `${sure} of ${own.length}` : String(own.length);
    return relation === "too few" && !few ? null
      : h("li", { title: `${relation}: ${about}` }, swatch({ relation, evidence: sure ? "supported" : null }), h("span", { class: "unseen" }, `${relation}: `), counts);
  }));
}

const COLOURED = ["synergy", "bottleneck", "tilt", "dispersion"];

function glance(task, found) {
  const told = found.length > 0 && !found.some((row) => isTrade(row) && row.evidence === "supported");
  const few = found.some((row) => row.relation === "too few");
  const key = facts.legend.filter(({ relation }) => few || relation !== "too few");
  return h("section", { class: "first", "aria-label": "At a glance" },
    told && h("p", {}, nothing(found)),
    h("ul", { class: "glance" }, facts.models.map((model) => {
      const own = found.filter((row) => row.model === model);
      return h("li", {}, h("h2", {}, link([model], "model", model)), h("p", {}, headline(own, told)), relationCounts(own, few));
    })),
    knobs(task),
    h("ul", { class: "legend", "aria-label": "Key" }, key.map(({ relation, about }) => h("li", {}, swatch({ relation }), about)),
      h("li", {}, "2 of 9: nine pairs show it, two are supported by the evidence. %: share of resamples that agree.")));
}

// A line for each knob: what turning it buys, and with what.
function knobs(task) {
  const { curves, turned } = facts.fronts;
  return curves.map((curve) => {
    const order = turned.filter((row) => tasksOf(task).includes(row.task) && row.curve === curve.name).sort((a, b) => (a.q ?? 2) - (b.q ?? 2));
    const found = order.filter(buys);
    const words = found.slice(0, NAMED).map((row, place) => [place ? ", " : "", linkIn(row.task, buys(row).map((code, side) => `${facts.names[code]} ${side ? "falls" : "rises"}`).join(" and "), "front", curve.name, row.pair)]);
    return h("p", { class: "knob" }, h("b", {}, `Along ${curve.knob} `), `${curve.values.join(", ")} of ${curve.name.slice(0, -curve.knob.length - 1)}: `,
      found.length ? [words, found.length > NAMED && ` and ${found.length - NAMED} more`] : link("no conflict shown", "front", curve.name), ".");
  });
}

// Means of the dimensions: the number, and below it the interval on a line from 0 to 1.
function leaderboard(task) {
  const codes = Object.keys(facts.names).filter((code) => facts.means.some((row) => row.dimension === code && row.task === scope(task)));
  const heads = ["Model", ["Mean", { title: "Mean of the dimensions" }], ["±", { title: "Half of its 95 % interval", "data-value": "± (95 %)" }],
    ...codes.map((code) => [facts.names[code], { "data-value": code, title: `${code}: ${facts.high[code]}` }]), "Scores", "Missing"];
  const body = facts.models.map((model) => {
    const level = facts.levels.find((row) => row.model === model && row.task === scope(task)) ?? {};
    const cells = codes.map((code) => meanCell(facts.means.find((row) => row.model === model && row.dimension === code && row.task === scope(task)), model));
    const half = (level.high ?? null) === null ? null : level.high - level.mean;
    return [{ shown: link([model], "model", model), value: model }, number(level.mean), number(half), ...cells, { shown: level.n ?? 0, value: level.n ?? 0 }, { shown: level.nulls ?? 0, value: level.nulls ?? 0 }];
  });
  return table(`Leaderboard ${task}`, heads, body);
}

function meanCell(row, model) {
  if (!row || row.mean === null) return number(null);
  const [low, high] = [row.low ?? row.mean, row.high ?? row.mean].map((end) => `${(100 * end).toFixed(1)}%`);
  const style = `--at: ${row.mean.toFixed(4)}; --low: ${low}; --high: ${high}`;
  return { ...number(row.mean), style, class: "whisker", title: `${model}, ${facts.names[row.dimension]}: ${range(row.low, row.high, 3) ?? "no interval"}, ${many(row.n, "score")}` };
}
