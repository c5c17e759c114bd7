// Pages about the numbers: judge diagnostics, gates, methods.
// The judge

function judge() {
  const steps = (column) => ({ steps: facts.histograms[column].map(({ dimension: code, low, high, share }) => ({ label: dimension(code), low, high, share })) });
  const body = facts.diagnoses.map((row) => [row.model, row.dimension, { shown: row.n, value: row.n }, { shown: row.nulls, value: row.nulls },
    number(row.confidence_mean), range(row.confidence_5, row.confidence_95), number(row.off_mass_mean, 4), number(row.off_mass_95, 4)]);
  const yard = facts.yardstick;
  return [
    h("h1", {}, "The judge"),
    h("p", { class: "lead" }, "Every number in this report comes from the judge. This page shows its agreement with a reference, its missing scores and its confidence."),
    h("section", {}, h("h2", {}, "Agreement"), yard
      ? [h("p", {}, `Spearman's rho with ${yard.against}.`), table("Agreement of the judge", ["Dimension", "rho", "Answers"], Object.entries(yard.rho).map(([code, rho]) => [dimension(code), number(rho, 2), { shown: yard.n[code], value: yard.n[code] }]))]
      : h("p", {}, "The agreement of this judge with ground truth or human ratings has not been measured. Read differences between models, not absolute scores.")),
    h("section", {}, h("h2", {}, "Missing scores"), facts.nulls.length
      ? [h("p", {}, "A missing score is left out of every mean and every map; it never counts as zero."), table("Missing scores", ["Model", "Reason", "Scores"], facts.nulls.map(({ model: name, reason, n }) => [name, { shown: reason, class: "wrap" }, { shown: n, value: n }]))]
      : h("p", {}, "No score is missing.")),
    h("section", {}, h("h2", {}, "Confidence"), h("p", {}, "C, the probability of the most probable grade."), h("div", { class: "tall" }, chart("confidence", "Confidence of the judge", steps("confidence"), { height: 260 }))),
    h("section", {}, h("h2", {}, "Off-grade mass"), h("p", {}, "Probability outside all grades."), h("div", { class: "tall" }, chart("off_mass", "Off-grade mass of the judge", steps("off_mass"), { height: 260 }))),
    h("section", {}, h("h2", {}, "By model and dimension"), table("Judge", ["Model", "Dimension", "Answers", "Missing", "Confidence", "5 to 95 %", "Off-grade mass", "its 95th percentile"], body)),
    h("section", {}, h("h2", {}, "How it answered"), h("p", {}, "exact: probabilities over the whole vocabulary; top: of the likeliest tokens, off-grade mass is an upper bound; sampled: counted answers."),
      table("Answers", ["Judge", "Engine", "Mode", "Answers"], facts.modes.map(({ judge: name, engine, mode, n }) => [name, { shown: engine, class: "wrap" }, mode, { shown: n, value: n }]))),
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
    h("p", { class: "lead" }, "Each table must meet its expectations before the next stage reads it. The pages of results lie in gates/, beside this one."),
    h("p", {}, "How the prompts were written, checked and refused: ", h("a", { href: "annotation.html" }, "the quality report of the annotation"), "."),
    facts.gates.length ? [h("p", {}, failed ? `${failed} of ${many(facts.gates.length, "gate")} fail.` : `All ${many(facts.gates.length, "gate")} hold.`), table("Gates", ["Table", "Result", "Expectations", ["Page", { "data-skip": true }]], body)] : h("p", {}, "No gate left a result."),
  ];
}

// Methods

const DEFINITIONS = [
  ["S, C and C·S", "The judge gives one grade per dimension. With p the softmax over the grades and s from 0 (worst grade) to 1 (best): S = Σ s·p, the expected score; C = max p, the confidence; C·S, the TRIGScore (arXiv 2507.22100, Eq. 1–3)."],
  ["Sample", "One picture scored on the two dimensions of its pair: a point in the unit square."],
  ["R_S, R_B, R_T", "Regions of the square: both scores high; both low; the rest."],
  ["D_s, D_b", "Densities: shares of a pair's samples in R_S and in R_B."],
  ["N_a, N_b", "Points of R_T strictly above and below the least-squares regression line over R_T."],
  ["Synergy", "D_s reaches synergy_density. Checked first."],
  ["Bottleneck", "D_b reaches bottleneck_density. Checked second."],
  ["Tilt", "The larger of N_a and N_b reaches tilt_ratio times the smaller. It leans to the second dimension when more points lie above."],
  ["Dispersion", "None of these, and the correlation rho over all samples is at most dispersion_corr. Kind, by the interval of rho: conflict below 0, loose above 0, independent when it contains 0."],
  ["Over all tasks", "The map of a model over its tasks, and of all models over all tasks: what more than half of the maps show of a pair."],
  ["None, too few, absent", "None: no rule holds. Too few: samples of fewer prompts than min_points, no verdict. Absent: the model has no samples of the pair."],
  ["Rule reference", "As in the released scripts, with strict inequalities: thresholds of regions are exclusive, the ratio must exceed tilt_ratio, the correlation must be below dispersion_corr."],
  ["Stability", "Share of cluster bootstrap resamples with the same relation (tilts in either direction); a cluster is a root prompt with its copies, edits and seeds."],
  ["Evidence", "Supported: stability reaches supported_stability, there are at least enough_points root prompts, and the test holds at false discovery rate fdr over all pairs (Benjamini and Hochberg). A tilt is tested by a sign test and by a permutation test of independence, a dispersion for rho below 0. Unsupported: stability below one half, or p above fdr. Weak: the rest."],
  ["Moved thresholds", "Relations, stability, runner-up and intervals of densities are counted anew, in the same resamples; means, their intervals and rho do not depend on a threshold. The test of a tilt holds while the regions, the rule and min_points stand, that of a dispersion while the correlation and min_points do; beyond, a relation that needs it has evidence only where it is unstable. A very large map keeps no resamples for all its pairs at once: open a model or a pair."],
  ["Favoured", "The dimension with the higher mean, where the bootstrap interval of the difference excludes 0."],
  ["Mean of a dimension", "Over pictures; one that belongs to several pairs counts once. Null unless scored on every task in which any model was scored."],
  ["Interval of a mean", "95 %, cluster-robust with Student's t; a cluster is a root prompt with its copies, edits and seeds."],
  ["Mean of a model", "Macro-average of its dimension means. Null unless scored on every dimension and task in which any model was scored."],
  ["Figure of a picture", "A number that is computed from the pixels and depends on no model. Pictures with a side over 512 pixels are averaged down first."],
  ["Score and figure", "Pearson's r within a model and task, with a cluster-robust interval of Fisher's z and Benjamini and Hochberg's q over the table. Within prompts: of deviations from the mean of a prompt's pictures."],
  ["Vendi score", "exp of the Shannon entropy of the eigenvalues of K / n, K being the cosine kernel of the features of a prompt's n pictures: the effective number of different ones, 1 to n."],
  ["Distance", "Mean of 1 − cosine over any two pictures of a prompt; null, as the Vendi score, where it has fewer than two."],
  ["Noise", "Root mean square of the standard errors of S over both dimensions, where answers were sampled; null where probabilities were read."],
  ["Kappa", "Cohen's kappa: agreement of two maps beyond chance."],
  ...(facts.fronts.curves.length ? [
    ["Conflict along a knob", "Across settings, not within a cloud: one dimension rises and the other falls. The trend of a sample is the slope of its score over the ranks of the settings; p is the larger of the two-sided p-values of both mean trends, cluster-robust, where these have opposite signs, else 1 (intersection-union); q is adjusted over all pairs and knobs (Benjamini and Hochberg) and at most fdr, with at least min_points root prompts."],
    ["Hypervolume", "Share of the unit square that some setting dominates, with the basic interval of a cluster bootstrap."],
  ] : []),
];
const CAVEATS = [
  "The judge is a model. Its errors are systematic: a dimension can look good or bad for no reason visible in the pictures.",
  "Verdicts on few samples are unstable: read stability and evidence with them.",
  "A tilt compares the numbers of points on either side of the regression line. That measures skewed residuals, not which mean is higher.",
  "By the published definition independent scores are a dispersion. Only a conflict is a trade-off.",
  "C·S is not monotone in quality: low confidence lowers it. S is.",
  "The subsets of a model share prompts; their relations are not independent.",
  "Thresholds chosen after looking at verdicts invalidate the evidence (selection bias).",
];

function methods() {
  const list = (entries) => h("dl", {}, entries.map(([key, value]) => [h("dt", {}, key), h("dd", {}, typeof value === "object" && value !== null ? JSON.stringify(value) : String(value))]));
  return [
    h("h1", {}, "Methods"),
    h("section", {}, h("h2", {}, "What this report does not say"), h("ul", {}, CAVEATS.map((one) => h("li", {}, one)))),
    h("section", {}, h("h2", {}, "What each number is"), list(DEFINITIONS)),
    h("section", {}, h("h2", {}, "Rubrics"), h("p", {}, `What the judge was asked about each picture, after the prompt: ${facts.rubrics.name}.`),
      facts.rubrics.texts.map(({ task, dimension: code, text }) => h("details", folds(`rubric ${task} ${code}`), h("summary", {}, `${dimension(code)}, ${taskNames[task]}`), h("p", { class: "rubric" }, text)))),
    h("div", { class: "columns" },
      h("section", {}, h("h2", {}, "Thresholds of the run"), list(Object.entries(facts.thresholds))),
      h("section", {}, h("h2", {}, "Made from"), list(Object.entries(facts.settings))),
      h("section", {}, h("h2", {}, "Installed when the numbers were gathered"), list(Object.entries(facts.versions))),
      h("section", {}, h("h2", {}, "Dimensions"), list(Object.entries(facts.names).map(([code, name]) => [code, `${name} (${facts.groups[code]}): ${facts.high[code]}`])))),
  ];
}
