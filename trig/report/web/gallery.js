// Pictures with their prompts and scores, sorted and filtered.
const PAGE = 24;
const REGIONS = [["", "all"], ["R_S", "R_S: both high"], ["R_B", "R_B: both low"], ["R_T", "R_T: the rest"], ["null", "score missing"]];
const SORTS = {
  spread: ["worst to best", () => 0],
  low: ["lowest score first", (one) => Math.min(one.x, one.y)],
  high: ["highest score first", (one) => -Math.max(one.x, one.y)],
  apart: ["furthest apart first", (one) => -Math.abs(one.x - one.y)],
  x: ["first dimension", (one) => one.x],
  y: ["second dimension", (one) => one.y],
};

// A prompt's seed by name, and what is told of it: nothing where each prompt has one.
const seedOf = ({ id, number }) => `${id} ${number}`;
const seedWords = ({ number }) => (facts.seeds > 1 ? [`seed ${number}`] : []);

// The pictured samples of a model's pair: { model, task, pair, id, number, prompt, source, x, y, region, slot }; x and y NaN and region null where one is
// missing, source null where the picture was made from words alone.
async function pictured(model, task, pair) {
  const names = facts.sheets[sheetName(model, task, pair)]?.names ?? [];
  const [{ prompts, sources }, clouds] = await Promise.all([samples(task), points(model, task)]);
  const { ids, numbers, x, y } = clouds.get(pair) ?? { ids: [] };
  const places = new Map(ids.map((id, place) => [seedOf({ id, number: numbers[place] }), place]));
  return names.map(([id, number], slot) => {
    const [place, prompt] = [places.get(seedOf({ id, number })), prompts[id]];
    const whole = !Number.isNaN(x[place]) && !Number.isNaN(y[place]);
    return { model, task, pair, id, number, prompt, source: sources[id] ?? null, slot, x: x[place], y: y[place], region: whole ? rule.region(x[place], y[place], limits) : null };
  });
}

// A picture cut out of a sheet, of its pair if none is named, loaded when it comes into sight.
function thumbnail(one, from = () => sheet(one.model, one.task, one.pair)) {
  const element = h("div", { class: "thumb", role: "img", "aria-label": `${one.model}: ${one.prompt}` });
  const draw = async () => {
    const found = await from();
    const [across, down] = [one.slot % found.columns, Math.floor(one.slot / found.columns)];
    const share = (place, count) => (count > 1 ? (100 * place) / (count - 1) : 0);
    element.style.aspectRatio = `${found.width} / ${found.height}`;
    element.style.backgroundSize = `${100 * found.columns}% ${100 * found.rows}%`;
    element.style.backgroundPosition = `${share(across, found.columns)}% ${share(down, found.rows)}%`;
    element.style.backgroundImage = `url("${found.url}")`;
  };
  seen(element, () => draw().catch((error) => { element.textContent = error.message; }));
  return element;
}

// The source of an edit or a subject.
function original(one) {
  const element = h("div", { class: "thumb original", role: "img", "aria-label": `source of: ${one.prompt}` });
  const draw = async () => { element.style.backgroundImage = `url("${await stored(`source-${one.source}`)}")`; };
  seen(element, () => draw().catch((error) => { element.textContent = error.message; }));
  return element;
}

// What a sample shows: its picture, and before it the source, if there is one.
function shownOf(one) {
  if (!one.source) return thumbnail(one);
  const side = (words, element) => h("span", {}, element, h("span", { class: "side" }, words));
  return h("span", { class: "sides" }, side("source", original(one)), side("result", thumbnail(one)));
}

function scores(one) {
  const sides = one.pair.split("_").map((code, side) => [code, side ? one.y : one.x]);
  return h("p", { class: "scores" }, sides.map(([code, value]) => [h("span", {}, dimension(code)), h("b", {}, Number.isNaN(value) ? "missing" : value.toFixed(2))]));
}

function card(one) {
  const where = [one.model, ...(facts.tasks.length > 1 ? [one.task] : []), ...seedWords(one), one.region ?? "score missing"].join(" · ");
  const open = h("button", { type: "button", class: "picture", "aria-label": `Enlarge: ${one.prompt}`, onclick: () => enlarge(one) }, shownOf(one));
  return h("li", { class: one.source ? "card broad" : "card" }, open, h("div", {}, h("p", { class: "prompt" }, one.prompt), scores(one), h("p", { class: "where" }, where)));
}

function enlarge(one) {
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const about = h("dl", {}, h("dt", {}, "sample"), h("dd", {}, [one.id, ...seedWords(one)].join(", ")), h("dt", {}, "pair"), h("dd", {}, titled(one.pair)), h("dt", {}, "model"), h("dd", {}, one.model));
  const dialog = h("dialog", { class: "large", "aria-label": "Picture", onclose: () => dialog.remove() }, shownOf(one), h("p", {}, one.prompt), scores(one), about, close);
  document.body.append(dialog);
  dialog.showModal();
}

function choice(id, label, options, chosen, then) {
  const select = h("select", { id, onchange: (event) => then(event.target.value) }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return h("label", {}, label, select);
}

// A gallery of the pairs that `wanted()` names as [model, task, pair]. `within(one)` may narrow it further, as a brush does; it is drawn anew by `update`.
function gallery(wanted, within = () => true) {
  const state = kept("gallery", { region: "", sort: "spread", limit: PAGE });
  const count = h("p", { class: "fine gallery-count", "aria-live": "polite" });
  const cards = h("ul", { class: "cards" });
  const more = h("button", { type: "button", class: "more", onclick: () => { state.limit += PAGE; update(true); } }, "Show more");
  const set = (name) => (value) => { state[name] = value; update(); };
  const controls = h("form", { class: "controls", "aria-label": "Filter and sort the pictures", onsubmit: (event) => event.preventDefault() },
    choice("gallery-region", "Region", REGIONS, state.region, set("region")),
    choice("gallery-sort", "Sort by", Object.entries(SORTS).map(([name, [text]]) => [name, text]), state.sort, set("sort")));

  async function update(keep = false) {
    if (!keep) state.limit = PAGE;
    const all = (await Promise.all(wanted().map((place) => pictured(...place)))).flat();
    const key = SORTS[state.sort][1];
    const worth = (one) => (one.region === null && state.sort !== "spread" ? Infinity : key(one));
    const fits = all.filter((one) => (!state.region || String(one.region) === state.region) && within(one));
    const ordered = fits.map((one) => [worth(one), one]).sort(([a], [b]) => (a === b ? 0 : a - b)).map(([, one]) => one);
    cards.replaceChildren(...ordered.slice(0, state.limit).map(card));
    count.textContent = ordered.length ? `${Math.min(state.limit, ordered.length)} of ${ordered.length} pictures` : "No picture fits this choice.";
    more.hidden = ordered.length <= state.limit;
  }

  return { element: h("div", { class: "gallery" }, controls, count, cards, more), update };
}
