// The classification rule of trig/classify, to the last bit: the same operations on the same doubles in the same order. A number that does not
// exist is null. `limits` are the thresholds of params.yaml as trig/params checks them: bottleneck below synergy, min_points at least 1.
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

  // Least squares of v on u, each point so often as its weight says; null with too few points or with one u only.
  function fit({ u, moments, places: { R_T } }, weights, atLeast) {
    let [count, sumU, sumV, sumUU, sumUV] = [0, 0, 0, 0, 0];
    for (let place = 0; place < u.length; place++) {
      const weight = weights[R_T[place]];
      count += weight;
      sumU += weight * moments.u[place];
      sumV += weight * moments.v[place];
      sumUU += weight * moments.uu[place];
      sumUV += weight * moments.uv[place];
    }
    if (count < Math.max(atLeast, 2)) return null;
    const [meanU, meanV] = [sumU / count, sumV / count];
    const variance = sumUU / count - meanU * meanU;
    if (!(variance > ONE_PLACE)) return null;
    const slope = (sumUV / count - meanU * meanV) / variance;
    return { slope, intercept: meanV - slope * meanU };
  }

  // What the rule counts in a cloud: x and y are Float64Arrays of the samples that have both scores.
  const count = (x, y, limits) => counted(partition(x, y, limits), new Uint8Array(x.length).fill(1), limits);

  // A cloud by regions: the places of R_S, R_B and R_T, and of the latter what the line is fitted to.
  function partition(x, y, limits) {
    const found = { R_S: [], R_B: [], R_T: [] };
    for (let place = 0; place < x.length; place++) found[region(x[place], y[place], limits)].push(place);
    const places = Object.fromEntries(Object.entries(found).map(([name, own]) => [name, Int32Array.from(own)]));
    const [across, up] = [extent(x, places.R_T), extent(y, places.R_T)];
    const [u, v] = [scaled(x, places.R_T, across), scaled(y, places.R_T, up)];
    const moments = { u: u.map(grain), v: v.map(grain), uu: u.map((one) => grain(one * one)), uv: u.map((one, place) => grain(one * v[place])) };
    return { places, across, up, u, v, moments };
  }

  // What the rule counts where each sample of a cloud stands so often as its weight says.
  function counted(cloud, weights, limits) {
    return { ...spread(cloud.places, weights), ...sides(cloud, weights, limits) };
  }

  function spread({ R_S, R_B, R_T }, weights) {
    const [high, low, rest] = [total(R_S, weights), total(R_B, weights), total(R_T, weights)];
    const n = high + low + rest;
    return { n, n_synergy: high, n_bottleneck: low, n_tradeoff: rest, density_synergy: n ? high / n : null, density_bottleneck: n ? low / n : null };
  }

  function total(places, weights) {
    let sum = 0;
    for (let at = 0; at < places.length; at++) sum += weights[places[at]];
    return sum;
  }

  // The regression line of R_T, and how many of its points lie on either side.
  function sides(cloud, weights, limits) {
    const { u, v, across, up, places: { R_T } } = cloud;
    const line = fit(cloud, weights, limits.min_points);
    if (line === null) return { n_above: 0, n_below: 0, slope: null, intercept: null };
    const [steep, start] = [line.slope * up.half, line.intercept * up.half];
    let [above, below] = [0, 0];
    for (let place = 0; place < u.length; place++) {
      const over = v[place] * up.half - (u[place] * steep + start);
      if (over > ON_THE_LINE) above += weights[R_T[place]];
      else if (over < -ON_THE_LINE) below += weights[R_T[place]];
    }
    const slope = line.slope * (up.half / across.half);
    return { n_above: above, n_below: below, slope, intercept: up.middle + up.half * line.intercept - slope * across.middle };
  }

  // What bootstrap resamples make of a relation, as in trig/classify/evidence.py: the share that shows it, the runner-up, and intervals of densities.
  // `draws` are those of Python: { labels, clusters, counts }. Null for too few samples.
  function redrawn(x, y, { labels, clusters, counts }, relation, limits) {
    if (relation === "too few") return null;
    const cloud = partition(x, y, limits);
    const [seen, densities] = [new Map(), { density_synergy: [], density_bottleneck: [] }];
    for (let start = 0; start < counts.length; start += clusters) {
      const times = counts.subarray(start, start + clusters);
      const weights = labels ? Uint8Array.from(labels, (label) => times[label]) : times;
      const found = spread(cloud.places, weights);
      densities.density_synergy.push(found.density_synergy);
      densities.density_bottleneck.push(found.density_bottleneck);
      const own = shownBy(cloud, x, y, found, weights, limits);
      seen.set(own, (seen.get(own) ?? 0) + 1);
    }
    const [all, others] = [counts.length / clusters, RELATIONS.filter((one) => one !== relation && seen.has(one)).sort((a, b) => seen.get(b) - seen.get(a))];
    const second = others.length ? { runner_up: others[0], runner_up_share: seen.get(others[0]) / all } : { runner_up: null, runner_up_share: null };
    const ends = Object.entries(densities).flatMap(([name, values]) => [[`${name}_low`, quantile(values, 0.025)], [`${name}_high`, quantile(values, 0.975)]]);
    return { stability: (seen.get(relation) ?? 0) / all, ...second, ...Object.fromEntries(ends) };
  }

  // The relation of a resample; the line and the correlation are found only where they decide it.
  function shownBy(cloud, x, y, found, weights, limits) {
    const dense = verdict({ ...found, n_above: 0, n_below: 0 }, null, limits).relation;
    if (dense !== "none") return dense;
    const lined = { ...found, ...sides(cloud, weights, limits) };
    if (verdict(lined, null, limits).relation === "tilt") return "tilt";
    return verdict(lined, correlation(limits.correlation, repeated(x, weights, found.n), repeated(y, weights, found.n)), limits).relation;
  }

  const RELATIONS = ["synergy", "bottleneck", "tilt", "dispersion", "none", "too few"];

  function repeated(values, weights, n) {
    const found = new Float64Array(n);
    let end = 0;
    for (let place = 0; place < values.length; place++) for (let times = weights[place]; times > 0; times--) found[end++] = values[place];
    return found;
  }

  function quantile(values, level) {
    if (!values.length) return null;
    const ordered = Float64Array.from(values).sort();
    const place = (ordered.length - 1) * level;
    const [low, high] = [Math.floor(place), Math.min(Math.floor(place) + 1, ordered.length - 1)].map((at) => ordered[at]);
    return low + (high - low) * (place - Math.floor(place));
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
  // rho and its interval depend on no limit, so a dispersion has its kind whenever anything was resampled. Stability is the row's for the row's own
  // relation, or `again`, found anew; `untested` are relations whose test the row no longer holds, since limits moved that decide it: without it
  // only an unstable relation has evidence. Changed `fdr`, `supported_stability` and `enough_points` are followed exactly.
  function support(row, relation, limits, again = relation === row.relation ? row.stability : null, untested = []) {
    const kind = relation === "dispersion" ? kindOf(row) : null;
    if (again === null) return { kind, evidence: null };
    const tests = { tilt: { p: row.tilt_p, q: row.tilt_q }, dispersion: { p: row.conflict_p, q: row.conflict_q } };
    const { p, q } = tests[relation] ?? { p: 0, q: 0 };
    if (again < 0.5) return { kind, evidence: "unsupported" };
    if (untested.includes(relation)) return { kind, evidence: null };
    if (p !== null && p > limits.fdr) return { kind, evidence: "unsupported" };
    const tested = q !== null && q <= limits.fdr && (relation !== "dispersion" || kind === "conflict");
    const holds = again >= limits.supported_stability && tested && row.clusters >= limits.enough_points;
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

  return { count, correlation, redrawn, region, verdict, support, vote };
})();
