// The classification rule of trig/classify, to the last bit: the same operations on the same doubles in the same order. A number that does not
// exist is null. `limits` are the thresholds of params.yaml as trig/params.py checks them: bottleneck below synergy, min_points at least 1.
const rule = (() => {
  "use strict";
  const ON_THE_LINE = 1e-9; // a point this near the regression line lies on it
  const ONE_PLACE = 1e-11; // a variance of x, where x reaches from -1 to 1, below which the points have one x
  const GRAIN = 2 ** 40; // numbers in [-1, 1] are summed as multiples of 1 / GRAIN: sums of 8,192 of them are exact, in any order
  const HALF_EVEN = 1.5 * 2 ** 52; // adding it leaves no bits below 1, and rounds as np.rint does
  const DECIMALS = 1e12; // of a correlation: one of exactly 0.7 must meet a limit of 0.7
  const grain = (value) => (value * GRAIN + HALF_EVEN - HALF_EVEN) / GRAIN;

  // Where a point lies: R_S, both dimensions high; R_B, both low; R_T, the rest. `paper` counts the limits in, `reference` leaves them out.
  function region(x, y, limits) {
    const { synergy, bottleneck } = limits;
    if (limits.rule === "paper") return x >= synergy && y >= synergy ? "R_S" : x <= bottleneck && y <= bottleneck ? "R_B" : "R_T";
    return x > synergy && y > synergy ? "R_S" : x < bottleneck && y < bottleneck ? "R_B" : "R_T";
  }

  // The middle of the values at the places inside, and half their range: 0 where they are one value.
  function extent(values, inside) {
    let [low, high] = [1, 0];
    for (const place of inside) {
      if (values[place] < low) low = values[place];
      if (values[place] > high) high = values[place];
    }
    return { middle: (low + high) / 2, half: high - low > 2 * ON_THE_LINE ? (high - low) / 2 : 0 };
  }

  function scaled(values, inside, { middle, half }) {
    const found = new Float64Array(inside.length);
    if (half > 0) for (let place = 0; place < inside.length; place++) found[place] = (values[inside[place]] - middle) / half;
    return found;
  }

  // Least squares of v on u; null with too few points or with one u only.
  function fit(u, v, atLeast) {
    const count = u.length;
    if (count < Math.max(atLeast, 2)) return null;
    let [sumU, sumV, sumUU, sumUV] = [0, 0, 0, 0];
    for (let place = 0; place < count; place++) {
      sumU += grain(u[place]);
      sumV += grain(v[place]);
      sumUU += grain(u[place] * u[place]);
      sumUV += grain(u[place] * v[place]);
    }
    const [meanU, meanV] = [sumU / count, sumV / count];
    const variance = sumUU / count - meanU * meanU;
    if (!(variance > ONE_PLACE)) return null;
    const slope = (sumUV / count - meanU * meanV) / variance;
    return { slope, intercept: meanV - slope * meanU };
  }

  // What the rule counts in a cloud: x and y are Float64Arrays of the samples that have both scores.
  function count(x, y, limits) {
    const n = x.length;
    let [high, low, rest] = [0, 0, 0];
    const places = new Int32Array(n);
    for (let place = 0; place < n; place++) {
      const where = region(x[place], y[place], limits);
      if (where === "R_S") high++;
      else if (where === "R_B") low++;
      else places[rest++] = place;
    }
    const shares = { density_synergy: n ? high / n : null, density_bottleneck: n ? low / n : null };
    return { n, n_synergy: high, n_bottleneck: low, n_tradeoff: rest, ...shares, ...sides(x, y, places.subarray(0, rest), limits) };
  }

  // The regression line of the points inside, and how many of them lie on either side.
  function sides(x, y, inside, limits) {
    const [across, up] = [extent(x, inside), extent(y, inside)];
    const [u, v] = [scaled(x, inside, across), scaled(y, inside, up)];
    const line = fit(u, v, limits.min_points);
    if (line === null) return { n_above: 0, n_below: 0, slope: null, intercept: null };
    const [steep, start] = [line.slope * up.half, line.intercept * up.half];
    let [above, below] = [0, 0];
    for (let place = 0; place < u.length; place++) {
      const over = v[place] * up.half - (u[place] * steep + start);
      if (over > ON_THE_LINE) above++;
      else if (over < -ON_THE_LINE) below++;
    }
    const slope = line.slope * (up.half / across.half);
    return { n_above: above, n_below: below, slope, intercept: up.middle + up.half * line.intercept - slope * across.middle };
  }

  // A correlation of all points, -1..1; null with fewer than three points or when one side is constant. Ranks and signs are counted in whole numbers,
  // so Spearman's and Kendall's are Python's to the last bit; Pearson's is, but for sums that differ past its twelfth decimal.
  function correlation(kind, x, y) {
    const [both, one, other] = { spearman, pearson, kendall }[kind](x, y);
    if (x.length < 3 || !(one > 0) || !(other > 0)) return null;
    const rounded = ((both / (Math.sqrt(one) * Math.sqrt(other))) * DECIMALS + HALF_EVEN - HALF_EVEN) / DECIMALS;
    return Math.min(1, Math.max(-1, rounded));
  }

  // Twice the rank of each value less the mean of all ranks; equal values share their mean rank.
  function ranks(values) {
    const order = Float64Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
    const found = new Float64Array(values.length);
    for (let first = 0, last; first < order.length; first = last) {
      for (last = first + 1; last < order.length && values[order[last]] === values[order[first]]; ) last++;
      for (let place = first; place < last; place++) found[order[place]] = first + last + 1 - (values.length + 1);
    }
    return found;
  }

  const dot = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);
  const sums = (a, b) => [dot(a, b), dot(a, a), dot(b, b)];
  const spearman = (x, y) => sums(ranks(x), ranks(y));

  function pearson(x, y) {
    const centred = (values) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.every((value) => value === values[0]) ? values.map(() => 0) : values.map((value) => value - mean);
    };
    return sums(centred(x), centred(y));
  }

  // tau-b, which corrects for ties: pairs in the same order less pairs in opposite order, and the pairs that are no tie in x and in y.
  function kendall(x, y) {
    let [both, one, other] = [0, 0, 0];
    for (let a = 0; a < x.length; a++) {
      for (let b = 0; b < a; b++) {
        const [across, up] = [Math.sign(x[a] - x[b]), Math.sign(y[a] - y[b])];
        both += across * up;
        one += across * across;
        other += up * up;
      }
    }
    return [2 * both, 2 * one, 2 * other];
  }

  // The relation: the first rule that holds, in the order of the paper. `leaning` is the side a tilt leans to, x or y, else null. `rho` is the
  // correlation that the thresholds name, over all points; it depends on no limit.
  function verdict(counts, rho, limits) {
    const { n, n_above: above, n_below: below } = counts;
    const paper = limits.rule === "paper";
    const [many, few] = [Math.max(above, below), Math.min(above, below)];
    const ratio = few > 0 ? many / few : Infinity;
    if (n < limits.min_points) return { relation: "too few", leaning: null };
    if (counts.density_synergy >= limits.synergy_density) return { relation: "synergy", leaning: null };
    if (counts.density_bottleneck >= limits.bottleneck_density) return { relation: "bottleneck", leaning: null };
    if (many > few && (paper ? ratio >= limits.tilt_ratio : ratio > limits.tilt_ratio)) return { relation: "tilt", leaning: above > below ? "y" : "x" };
    const apart = rho !== null && (paper ? rho <= limits.dispersion_corr : rho < limits.dispersion_corr);
    return { relation: apart ? "dispersion" : "none", leaning: null };
  }

  // What a dispersion is, and how far a relation can be believed, from what Python found by resampling: `row` is the pair's row of the table.
  // rho and its interval depend on no limit, so a dispersion has its kind whenever anything was resampled. Stability, and the test of a tilt, were
  // found for the verdict in the row: another relation has no evidence. They are those of the row's own regions and limits of the rule, and are
  // exact only while these stand; changed `fdr`, `supported_stability` and `enough_points` are followed exactly.
  function support(row, relation, limits) {
    const kind = relation === "dispersion" ? kindOf(row) : null;
    if (relation !== row.relation || row.stability === null) return { kind, evidence: null };
    const tests = { tilt: { p: row.tilt_p, q: row.tilt_q }, dispersion: { p: row.conflict_p, q: row.conflict_q } };
    const { p, q } = tests[relation] ?? { p: 0, q: 0 };
    if (row.stability < 0.5 || (p !== null && p > limits.fdr)) return { kind, evidence: "unsupported" };
    const tested = q !== null && q <= limits.fdr && (relation !== "dispersion" || kind === "conflict");
    const holds = row.stability >= limits.supported_stability && tested && row.clusters >= limits.enough_points;
    return { kind, evidence: holds ? "supported" : "weak" };
  }

  function kindOf(row) {
    if (row.rho_low === null) return null;
    return row.rho_high < 0 ? "conflict" : row.rho_low > 0 ? "loose" : "independent";
  }

  // The majority vote on a pair, as in trig/classify/map.py, and its evidence: `rows` are the pair's, one of each model. Null where no verdict has more
  // than half of the votes; too few samples are no vote.
  function vote(rows) {
    const votes = rows.filter((row) => row.relation !== "too few");
    const alike = (one) => votes.filter((row) => row.relation === one.relation && row.leaning === one.leaning);
    const most = votes.find((row) => 2 * alike(row).length > votes.length);
    return most ? { relation: most.relation, leaning: most.leaning, evidence: evidenceOf(alike(most), votes.length) } : null;
  }

  // Supported: more than half of all votes are supported ones for the verdict; unsupported: all for it are; null: one for it has no evidence.
  function evidenceOf(alike, count) {
    const having = (word) => alike.filter((row) => row.evidence === word).length;
    if (having(null) > 0) return null;
    if (2 * having("supported") > count) return "supported";
    return having("unsupported") === alike.length ? "unsupported" : "weak";
  }

  return { count, correlation, region, verdict, support, vote };
})();
