// Tuned models beside their bases: what improved and what worsened, by the judge and by a second eye that chose nothing.
const proofOf = (tuned) => facts.proofs.find((one) => one.model === tuned);

// What the tuned models amount to, for the top of the first page. Nothing without any.
function proven() {
  if (!facts.proofs.length) return null;
  return h("section", { class: "note", "aria-labelledby": "proven" }, h("h2", { id: "proven" }, facts.proofs.length > 1 ? "Repairs" : "Repair"),
    facts.proofs.map((one) => h("p", {}, one.repaired ? "▲ " : "? ", link([one.model], "compare", one.base, one.model), ` (${one.pairs.join(", ")}): `, one.said.join(" "))));
}

const sideCells = (seen) => (seen === null ? [number(null), number(null), number(null), null, null]
  : [number(seen.before), number(seen.after), signed(seen.change), range(seen.low, seen.high, 3), { shown: seen.n, value: seen.n }]);

const VERDICTS = { improved: "▲", worsened: "▼", unchanged: "=", "cannot tell": "?" };

function verdictTable(one, task) {
  const heads = ["Dimension", "Over", "Verdict", "Why", "Judge, before", "After", "Change", "95 %", "Samples", "Second eye, before", "After", "Change", "95 %", "Samples"];
  const body = one.rows.filter((row) => row.task === task).map((row) => [{ shown: `${row.target ? "★ " : ""}${dimension(row.dimension)}`, value: row.dimension }, row.pair ?? "all prompts",
    { shown: `${VERDICTS[row.verdict]} ${row.verdict}`, value: row.verdict }, row.why, ...sideCells(row.judge), ...sideCells(row.eye)]);
  return table(`Before and after ${one.model} ${task}`, heads, body);
}

function monitorTable(one, task) {
  const name = (figure) => facts.figures.about.find((about) => about.figure === figure).name;
  const body = one.monitors.filter((row) => row.task === task).map((row) => [name(row.figure), number(row.before), number(row.after), signed(row.change), range(row.low, row.high, 3),
    number(row.drift), { shown: row.n, value: row.n }, row.astray ? "▼ ran away" : "steady"]);
  const spreads = one.spreads.filter((row) => row.task === task).map((row) => ["Diversity over seeds (Vendi score)", number(row.before), number(row.after), signed(row.change), range(row.low, row.high, 3),
    number(null), { shown: row.n, value: row.n }, row.collapsed ? `▼ collapsed, ${percentWords(row.lost)} lost` : `kept, ${percentWords(row.lost)} lost`]);
  return table(`Monitors of ${one.model} ${task}`, ["Monitor", "Before", "After", "Change", "95 %", "Standard deviations", "Samples", "Verdict"], [...body, ...spreads]);
}

function controlTable(one) {
  const aims = [...new Set(one.controls.flatMap((row) => Object.keys(row.changes)))];
  const heads = ["Model", "How", "Pictures to choose by", ...aims.flatMap((code) => [`${dimension(code)}, before`, "After", "Change", "95 %", "Samples"])];
  const body = one.controls.map((row) => [{ shown: link([row.model], "compare", one.base, row.model), value: row.model }, row.how, row.pictures === null ? null : { shown: row.pictures.toLocaleString("en"), value: row.pictures },
    ...aims.flatMap((code) => sideCells(row.changes[code] ?? null))]);
  return table(`Other ways to change ${one.base}`, heads, body);
}

// The before and after of a tuned model.
function proof(one, task) {
  return h("section", { class: "note", "aria-labelledby": "before-after" }, h("h2", { id: "before-after" }, "Before and after tuning"),
    h("p", {}, one.said.join(" ")),
    one.stopped && h("p", { class: "warning" }, `The training was stopped by what was seen on its way: ${one.stopped}.`),
    h("p", {}, "Measured on held-out test prompts and the same seeds. The judge chose the pictures that were learnt from, so what it says alone proves nothing: a dimension improved where the second eye",
      one.eye ? ` (${one.eye})` : "", one.eye ? ", which chose nothing, says so too. The judge scores prompts that are about a dimension, the second eye all prompts." : " says so too; here there is none."),
    verdictTable(one, task), h("h3", {}, "Monitors"), h("p", {}, "What no scorer has a say in. A figure that runs away says that the score was bought with what nobody asked for."), monitorTable(one, task),
    h("h3", {}, "Other ways"), h("p", {}, "The same base changed otherwise, on the same target dimensions, by the judge."), controlTable(one));
}
