// The pages about the numbers: the judge, the gates, the methods.
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
  const told = (gate) => [...gate.failures, ...gate.notes];
  const body = facts.gates.map((gate) => [gate.table, { shown: told(gate).length ? h("div", {}, gate.passed ? "holds" : h("b", {}, "fails"), told(gate).map((line) => h("p", {}, line))) : "holds", class: told(gate).length ? "wrap" : null, value: [gate.passed ? "holds" : "fails", told(gate).join("; ")].filter(Boolean).join(": ") },
    { shown: gate.checks, value: gate.checks }, { shown: gate.link ? h("a", { href: gate.link }, "results") : null, value: null }]);
  return [
    h("h1", {}, "Gates"),
    h("p", { class: "lead" }, "Each table has to meet its expectations before the next stage may read it. The pages of their results lie in gates/, beside this one."),
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
  ["Stability", "Share of bootstrap resamples of a pair's prompts that give the same relation, a tilt towards either side. Copies and edits of one prompt are drawn together."],
  ["Evidence", "Supported: stability reaches supported_stability, at least enough_points prompts, and, for a tilt, sides that differ by more than chance and than independent scores do; for a dispersion, a correlation reliably below 0 (both at false discovery rate fdr over all pairs, Benjamini and Hochberg). Unsupported: stability below one half, or the test fails. Weak: the rest."],
  ["Favoured", "The dimension with the higher mean, where the bootstrap interval of the difference leaves 0 out."],
  ["Mean of a dimension", "Over pictures; a picture that stands in several pairs counts once. Over several tasks, only of a model that has scores in each that another model has."],
  ["Interval of a mean", "95 %, Student's, over prompts: copies and edits of one prompt are not independent, and neither are scores of one picture, so they are summed first."],
  ["Mean of a model", "Of its dimension means, each counting the same. A model that lacks a dimension, or a task of one, that another model has, has none."],
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
      h("section", {}, h("h2", {}, "Installed when the numbers were gathered"), list(Object.entries(facts.versions))),
      h("section", {}, h("h2", {}, "Dimensions"), list(Object.entries(facts.names).map(([code, name]) => [code, `${name} (${facts.groups[code]}): ${facts.high[code]}`])))),
  ];
}
