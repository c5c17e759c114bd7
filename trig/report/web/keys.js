// Charts by keyboard: what lies over a drawn chart and takes the focus. The mouse goes through it to the chart.
const STEP = 0.05;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Lays an element over the plot of a drawn view, and keeps it there.
function lie(element, view) {
  const place = () => {
    const [[left, top], padding] = [view.origin(), view.padding()];
    Object.assign(element.style, { left: `${left + padding.left}px`, top: `${top + padding.top}px`, width: `${view.width()}px`, height: `${view.height()}px` });
  };
  place();
  for (const side of ["width", "height"]) view.addSignalListener(side, () => requestAnimationFrame(place));
}

// The cells of a map as a grid with one tab stop: arrows, Home and End go from cell to cell, Enter opens a pair.
function mapGrid(label, { relations, means }, open) {
  const codes = Object.keys(facts.names);
  const state = kept(`grid ${label}`, { row: 0, column: 1 });
  const byPair = new Map(relations.map((one) => [one.pair, one]));
  const levels = new Map(means.map(({ code, mean }) => [code, mean]));
  const pairAt = (row, column) => byPair.get(`${codes[Math.min(row, column)]}_${codes[Math.max(row, column)]}`);

  function told(row, column) {
    if (row === column) return `${facts.names[codes[row]]}: ${levels.has(codes[row]) ? `mean score ${fixed(levels.get(codes[row]), 2)}` : "no mean score"}`;
    const [name, found] = [`${facts.names[codes[row]]} × ${facts.names[codes[column]]}`, pairAt(row, column)];
    if (!found) return `${name}: nothing here`;
    if (row > column) return `${name}: ${found.rho === null ? "no correlation" : `correlation ${fixed(found.rho, 2)}`}`;
    return `${name}: ${[towards(found), found.evidence].filter(Boolean).join(", ")}`;
  }

  const cell = (row, column) => h("div", { role: "gridcell", id: `${label}, ${row}, ${column}`, "aria-label": told(row, column), tabindex: row === state.row && column === state.column ? "0" : "-1" });
  const cells = codes.map((_, row) => codes.map((__, column) => cell(row, column)));

  function go(row, column) {
    const within = (place) => Math.max(0, Math.min(codes.length - 1, place));
    cells[state.row][state.column].tabIndex = -1;
    Object.assign(state, { row: within(row), column: within(column) });
    cells[state.row][state.column].tabIndex = 0;
    cells[state.row][state.column].focus();
  }

  function pressed(event) {
    const last = codes.length - 1;
    const arrow = ARROWS[event.key];
    const found = pairAt(state.row, state.column);
    if (arrow) go(state.row + arrow[1], state.column + arrow[0]);
    else if (event.key === "Home") go(event.ctrlKey ? 0 : state.row, 0);
    else if (event.key === "End") go(event.ctrlKey ? last : state.row, last);
    else if ((event.key === "Enter" || event.key === " ") && open && found) leave(found.pair);
    else return;
    event.preventDefault();
  }

  function leave(pair) {
    back.from = { hash: location.hash, id: cells[state.row][state.column].id };
    open(pair);
  }

  const said = open ? "Arrows go from cell to cell, Enter opens a pair." : "Arrows go from cell to cell.";
  return h("div", { class: "over cells", role: "grid", "aria-label": `${label}. ${said}`, "aria-rowcount": codes.length, "aria-colcount": codes.length, onkeydown: pressed },
    cells.map((row) => h("div", { role: "row" }, row)));
}

// Where Escape on the page of a pair goes back to: the cell that opened it, by its page and its id. `focus` is the id on the way back.
const back = { from: null, focus: null };

function goBack(event) {
  if (event.key !== "Escape" || event.defaultPrevented || !back.from || event.target.closest("select, input, dialog")) return;
  back.focus = back.from.id;
  location.hash = back.from.hash;
}

function landed(page) {
  if (page === "pair") return;
  if (back.focus) byId(back.focus)?.focus();
  Object.assign(back, { from: null, focus: null });
}

// A frame over the samples of a scatter chart, in their scores: { x: [low, high], y: [low, high] } or null. Arrows move it, with Shift they size it, Escape
// removes it; each change is given to `moved`.
function frameKeys(label, brush, moved) {
  const snapped = (value) => Math.round(value / STEP) * STEP;
  const held = (low, size) => {
    const start = Math.max(0, Math.min(1 - size, snapped(low)));
    return [start, start + size];
  };

  function pressed(event) {
    const arrow = ARROWS[event.key];
    if (event.key === "Escape" && brush.frame) moved(null);
    else if (arrow && !brush.frame) moved({ x: [0.25, 0.75], y: [0.25, 0.75] });
    else if (arrow) moved(turned(arrow, event.shiftKey));
    else return;
    event.preventDefault();
  }

  function turned([across, down], sized) {
    const by = { x: across * STEP, y: -down * STEP };
    const side = (name) => {
      const [low, high] = brush.frame[name];
      if (!sized) return held(low + by[name], high - low);
      return [low, Math.max(low + STEP, Math.min(1, high + by[name]))];
    };
    return { x: side("x"), y: side("y") };
  }

  return h("div", { class: "over", id: "frame", role: "application", tabindex: "0", onkeydown: pressed,
    "aria-label": `Frame over the samples of ${label}. Arrows move it, Shift and arrows size it, Escape removes it.` });
}

// Draws the brush of a scatter chart where the frame is.
function drawFrame(view, frame) {
  const [x, y] = ["x", "y"].map((side) => (frame ? frame[side].map(view.scale(side)) : []));
  view.signal("brush_x_1", x).signal("brush_y_1", frame ? y.reverse() : y).runAsync();
}
