// The samples of a pair as a chart with a frame, and the pictures inside the frame.
const FRAMED = "Drag over the points to see their pictures below, or focus the chart and press an arrow; press beside the frame, or Escape, to see all again.";

function scattered(row, { ids, numbers, x, y }) {
  const { model, task, pair: code } = row;
  const dots = ids.map((id, at) => ({ id: [id, ...seedWords({ number: numbers[at] })].join(", "), x: x[at], y: y[at] })).filter((one) => !Number.isNaN(one.x) && !Number.isNaN(one.y));
  const brush = kept("brush", { frame: null });
  const between = (value, [low, high]) => value >= low && value <= high;
  const inside = (one) => !brush.frame || (between(one.x, brush.frame.x) && between(one.y, brush.frame.y));
  const shown = gallery(() => [[model, task, code]], inside);
  const ends = () => ["x", "y"].map((side) => `${facts.names[row[side]]} ${range(...brush.frame[side])}`).join(", ");
  const held = () => `${many(dots.filter(inside).length, "sample")} inside the frame (${ends()}); those with a picture are below.`;
  const told = h("p", { class: "fine", "aria-live": "polite" }, brush.frame ? held() : FRAMED);
  let drawing = null;
  const brushed = debounced((_, area) => {
    const sides = area && Object.keys(area).length === 2 ? Object.values(area).map((pair) => [...pair].sort((a, b) => a - b)) : null;
    brush.frame = sides && { x: sides[0], y: sides[1] };
    told.textContent = brush.frame ? held() : "All samples.";
    shown.update();
  }, 120);
  const ready = (view) => { (drawing = view).addSignalListener("brush", brushed); };
  const over = frameKeys(titled(code), brush, (frame) => {
    brush.frame = frame;
    if (drawing) drawFrame(drawing, frame);
  });
  const words = { x: dimension(row.x), y: dimension(row.y) };
  return { cloud: h("div", {}, chart("scatter", `${model}: ${code}`, scatterData(row, dots), { square: true, words, frame: brush.frame, over, ready }), told), shown };
}

function scatterData(row, dots) {
  return {
    points: dots.map((one) => ({ ...one, region: rule.region(one.x, one.y, limits) })),
    squares: squares(dots),
    areas: [{ region: "R_B", x: 0, y: 0, x2: limits.bottleneck, y2: limits.bottleneck }, { region: "R_S", x: limits.synergy, y: limits.synergy, x2: 1, y2: 1 }],
    line: segment(row),
    means: row.n ? [{ x: row.mean_x, y: row.mean_y }] : [],
  };
}

// How many points lie in each square of a grid, where there are any.
function squares(dots, side = 20) {
  const found = new Map();
  for (const { x, y } of dots) {
    const [across, up] = [x, y].map((value) => Math.min(side - 1, Math.floor(value * side)));
    const key = across * side + up;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return [...found].map(([key, n]) => {
    const [x, y] = [Math.floor(key / side) / side, (key % side) / side];
    return { x, y, x2: x + 1 / side, y2: y + 1 / side, n };
  });
}

// The part of the regression line inside the unit square.
function segment({ slope, intercept }) {
  if (slope === null) return [];
  const ends = slope ? [0, 1].map((edge) => Math.max(0, Math.min(1, (edge - intercept) / slope))).sort((a, b) => a - b) : [0, 1];
  if (ends[0] === ends[1]) return [];
  return [{ x: ends[0], y: slope * ends[0] + intercept, x2: ends[1], y2: slope * ends[1] + intercept }];
}
