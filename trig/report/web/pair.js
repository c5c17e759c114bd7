// The page of a pair in a model.
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
  else said.push(`${capital(row.relation)}.`);
  if (row.kind) said.push(KINDS[row.kind]);
  if (row.evidence) said.push(`${capital(row.evidence)} by the evidence: ${(100 * row.stability).toFixed(0)} % of bootstrap samples give the same verdict.`);
  else if (row.stability !== null) said.push(`${(100 * row.stability).toFixed(0)} % of bootstrap samples give the same verdict. Its test was computed for the thresholds of the run and does not hold at these.`);
  else if (isChanged() && row.relation !== "too few") said.push("Evidence was computed for the thresholds of the run only.");
  if (row.evidence && row.runner_up) said.push(`Runner-up: ${row.runner_up}, ${(100 * row.runner_up_share).toFixed(0)} %.`);
  const test = { tilt: row.tilt_q, dispersion: row.conflict_q }[row.relation] ?? null;
  if (row.evidence && test !== null) said.push(`${row.relation === "tilt" ? "That the sides differ by chance, or as those of independent scores do" : "That the correlation is 0 or more"}: q = ${small(test)} over all pairs, limit ${limits.fdr}.`);
  if (row.evidence && row.clusters < limits.enough_points) said.push(`Fewer than ${limits.enough_points} prompts: too few to be supported.`);
  said.push(`${many(row.n, "sample")}: ${row.n_synergy} in R_S${share(row.density_synergy)}, ${row.n_bottleneck} in R_B${share(row.density_bottleneck)}, ${row.n_tradeoff} in R_T.`);
  if (row.clusters < row.n) said.push(`They come from ${many(row.clusters, "prompt")}; copies, edits and seeds of one count once in the evidence.`);
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
  const { cloud, shown } = scattered(row, (await points(name, task)).get(code));
  const words = verdict(row);
  const each = facts.models.map((one) => byNow(one, task, code)).filter(Boolean);
  await shown.update(true);
  return [
    h("h1", {}, titled(code)), controls,
    h("div", { class: "split" },
      cloud,
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
  const any = facts.models.some((name) => facts.sheets[sheetName(name, task, code)]);
  if (!any) return "No picture was kept for this pair (report.pictures_per_pair is 0).";
  return "A sample of this pair from the worst to the best mean score: prompts that all models share, spread evenly, and the model's own extremes, so that from four pictures on R_S and R_B are shown where it reaches them. Pictures are made small and packed with a little loss; the judge saw the originals.";
}
