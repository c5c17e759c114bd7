// Two models beside each other: what changed, pair by pair, and the pictures of one prompt.
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
  const { pair, n, x, x_low, x_high, y, y_low, y_high } = moved(await part(`moves-${task}`), first, second);
  const pairs = facts.pairs[task].map((one) => ({ one, rows: [first, second].map((name) => found.find((row) => row.model === name && row.pair === one)) })).filter(({ rows }) => rows.every(Boolean));
  const body = pairs.map(({ one, rows: [before, after] }) => {
    const place = pair.indexOf(one);
    const same = before.relation === after.relation && before.leaning === after.leaning;
    return [{ shown: link([one], "compare", first, second, one), value: one, title: titled(one) }, { shown: h("span", { class: "named" }, swatch(before), towards(before)), value: towards(before) },
      { shown: h("span", { class: "named" }, swatch(after), towards(after)), value: towards(after) }, same ? "same" : "differs",
      signed(x[place]), range(x_low[place], x_high[place], 3), signed(y[place]), range(y_low[place], y_high[place], 3), { shown: n[place], value: n[place] }];
  });
  const tuning = facts.tunings.find((one) => [one.base, one.tuned].sort().join() === [first, second].sort().join());
  const differing = body.filter((row) => row[3] === "differs").length;
  return [
    title, pick,
    h("p", { class: "lead" }, `${differing} of ${many(body.length, "pair")} have another relation in ${second} than in ${first}`, agree && agree.kappa !== null ? `; kappa at the thresholds of the run ${agree.kappa.toFixed(2)}.` : "."),
    tuning && tuned(tuning, task),
    h("section", {}, h("h2", {}, `What changes from ${first} to ${second}`),
      h("p", {}, "The mean of the paired differences on samples that both have a score for, with its 95 % interval. Losses are shown like gains. The interval is each row's own; trig compare tests all pairs at once."),
      h("div", { class: "tall" }, chart("change", `Change from ${first} to ${second}`, { changes: changes.map(changeMark) }, { height: 40 + 26 * changes.length })), changeTable(first, second, changes)),
    h("section", {}, h("h2", {}, "Pair by pair"), h("p", {}, "Relations, and how far the means of the pair's two dimensions moved on the same prompts and seeds, each with its 95 % interval over prompts."),
      table(`Pairs of ${first} and ${second} ${task}`, ["Pair", first, second, "Relation", "Change of first", "95 %", "Change of second", "95 %", "Samples"], body)),
    await facing(first, second, facts.pairs[task].includes(code) ? code : tuning?.pairs.find((one) => facts.pairs[task].includes(one)) ?? facts.pairs[task][0]),
  ];
}

const signed = (value) => (value === null ? number(null) : { shown: `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`, value });

const ofCouple = (found, first, second) => found.find(({ a, b }) => a === first && b === second);
const ofWhat = ({ pair, dimension: code }) => (pair ? `★ ${code} in ${pair}` : dimension(code));

const changeMark = (row) => ({ label: ofWhat(row), before: row.before, after: row.after, mean: row.mean, low: row.low, high: row.high, n: row.n, kind: row.kind });

// The changes as Python found them, turned round where the models are asked for the other way.
function changed(first, second) {
  const own = ofCouple(facts.changes, first, second);
  if (own) return own.rows;
  const turn = (value) => (value === null ? null : -value);
  const kinds = { rise: "fall", fall: "rise", unclear: "unclear" };
  return ofCouple(facts.changes, second, first).rows.map(({ task, pair, dimension: code, before, after, mean, low, high, n, kind }) =>
    ({ task, pair, dimension: code, before: after, after: before, mean: turn(mean), low: turn(high), high: turn(low), n, kind: kinds[kind] }));
}

function changeTable(first, second, changes) {
  const body = changes.map((row) => [ofWhat(row), number(row.before), number(row.after), signed(row.mean), row.low === null ? null : `${signed(row.low).shown} to ${signed(row.high).shown}`, { shown: row.n, value: row.n }]);
  return h("details", folds("changes"), h("summary", {}, "The numbers"), table(`Change from ${first} to ${second}`, ["Dimension", first, second, "Change", "95 %", "Samples"], body));
}

function tuned({ base, tuned: name, pairs, notes }, task) {
  const found = proofOf(name);
  return [found && proof(found, task), h("section", { class: "note" }, h("h2", {}, "Training"),
    h("p", {}, `${name} is ${base}, tuned to repair `, h("b", {}, pairs.join(", ")), " (marked ★), trained on prompts of the train split and measured here on the held-out test split only. ",
      "A target that was chosen by its low scores scored low on these same prompts, by chance too: that may flatter the result."),
    h("details", folds("training"), h("summary", {}, "How it was trained"), h("dl", {}, Object.entries(notes).map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]))))];
}

// How far the two means of each pair moved, as columns, as Python found it for the earlier model of the roster.
function moved(moves, first, second) {
  const own = ofCouple(moves, first, second);
  if (own) return own;
  const { pair, n, x, x_low, x_high, y, y_low, y_high } = ofCouple(moves, second, first);
  const turn = (column) => column.map((value) => (value === null ? null : -value));
  return { pair, n, x: turn(x), x_low: turn(x_high), x_high: turn(x_low), y: turn(y), y_low: turn(y_high), y_high: turn(y_low) };
}

// The pictures of two models of one pair, side by side.
async function facing(first, second, code) {
  const task = chosen.task;
  const [before, after] = await Promise.all([first, second].map((name) => pictured(name, task, code)));
  const gain = (one, other) => other.x + other.y - one.x - one.y;
  const others = new Map(after.map((one) => [seedOf(one), one]));
  const both = before.filter((one) => others.has(seedOf(one))).map((one) => [one, others.get(seedOf(one))]);
  const state = kept("facing", { sort: "fall" });
  const list = h("ul", { class: "couples" });
  const sorts = { fall: ["greatest loss first", 1], rise: ["greatest gain first", -1] };

  function update() {
    const worth = ([one, other]) => (Number.isNaN(gain(one, other)) ? Infinity : sorts[state.sort][1] * gain(one, other));
    const ordered = both.map((couple) => [worth(couple), couple]).sort(([a], [b]) => (a === b ? 0 : a - b)).map(([, couple]) => couple);
    list.replaceChildren(...ordered.map(([one, other]) => h("li", { class: "couple" }, h("p", { class: "prompt" }, one.prompt),
      h("div", {}, one.source && h("figure", {}, original(one), h("figcaption", {}, "source")), [one, other].map((side) => h("figure", {}, thumbnail(side), h("figcaption", {}, [side.model, ...seedWords(side)].join(" · ")), scores(side)))))));
  }

  update();
  return h("section", {}, h("h2", {}, "Same prompt, same seed"),
    h("form", { class: "controls", "aria-label": "Choose pictures", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "wide" }, choice("compare-pair", "Pair", facts.pairs[task].map((one) => [one, titled(one)]), code, (one) => go("compare", first, second, one))),
      choice("compare-sort", "Sort by", Object.entries(sorts).map(([name, [text]]) => [name, text]), state.sort, (value) => { state.sort = value; update(); })),
    both.length ? list : h("p", {}, pictureNote(task, code)));
}
