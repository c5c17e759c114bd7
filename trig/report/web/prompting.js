// Prompting with the map: rewritten prompts, their control, and what both change on test prompts. Nothing where no model is prompted.
function promptingOf(task) {
  const found = facts.promptings;
  if (!found.length) return null;
  const heads = ["Model", "Base", "Prompting", "Pictures", "Over", "Pairs", "Before", "After", "Change", "95 %", "Samples", "Flag"];
  const body = found.flatMap((one) => one.groups.map((group) => [{ shown: link([one.model], "compare", one.base, one.model), value: one.model }, one.base, means(one), { shown: one.pictures.toLocaleString("en"), value: one.pictures },
    group.scope, { shown: group.pairs, value: group.pairs }, number(group.before), number(group.after), signed(group.change), range(group.low, group.high, 3), { shown: group.n, value: group.n }, one.flag ?? "none"]));
  return h("section", { "aria-labelledby": "prompting" }, h("h2", { id: "prompting" }, "Prompting with the map"),
    h("p", {}, "Each prompt is rewritten by what the relation of its pair asks for, as learnt on train prompts; the judge sees the prompt as it was. Beside it the control: the best of several seeds, with as many pictures in all. ",
      "Change of the mean of a pair's two scores on test prompts, paired by prompt and seed, with its 95 % interval over prompts. A flagged figure is too high by what the judge errs: that judge chose the picture."),
    table("Prompted models", heads, body),
    found.filter((one) => one.pairs.length).map((one) => learnt(one, task)));
}

const means = ({ by, writer, draws }) => (draws === null ? `${by}, ${writer}` : `best of ${draws} seeds`);

// What was learnt of each pair, and what it changes.
function learnt({ model, left_out: left, pairs }, task) {
  const body = pairs.filter((row) => row.task === task).map((row) => [{ shown: row.pair, value: row.pair, title: titled(row.pair) }, row.relation, { shown: row.recipe ?? "as it is", value: row.recipe ?? "", title: row.instruction ?? "nothing is asked for" }, { shown: row.trials, value: row.trials },
    signed(row.gain), range(row.gain_low, row.gain_high, 3), number(row.before), number(row.after), signed(row.change), range(row.low, row.high, 3), { shown: row.n, value: row.n }]);
  return h("details", folds(`prompting of ${model}`), h("summary", {}, `What ${model} learnt, pair by pair`),
    h("p", {}, `Relations are those of train prompts. The gain is on train prompts, of what the relation asks for, and chose the recipe; the change is on test prompts, which chose nothing. Candidates that the budget did not pay for: ${left}.`),
    table(`Recipes of ${model} ${task}`, ["Pair", "Relation", "Recipe", "Candidates", "Gain in training", "95 %", "Before", "After", "Change", "95 %", "Samples"], body));
}
