// Elements and charts. A chart's specification holds tokens such as "$ink", which become properties of the style sheet: a drawn chart follows light,
// dark and print.
const token = (name) => `var(--${name})`;
const coloured = (svg) => svg.replace(/var\((--[\w-]+)\)/g, (_, name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim());

// An element. What is shown is always text: a prompt is never HTML.
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function filled(spec, words) {
  const known = (name) => words[name] ?? token(name);
  return JSON.parse(JSON.stringify(spec), (_, value) => (typeof value === "string" && value[0] === "$" ? known(value.slice(1)) : value));
}

function config() {
  const [ink, muted, line] = ["ink", "muted", "line"].map(token);
  const axis = { labelColor: muted, titleColor: muted, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: 500, labelFontSize: 12, titleFontSize: 12, labelSeparation: 6 };
  const font = getComputedStyle(document.body).fontFamily;
  return { font, background: "transparent", view: { stroke: null }, axis, legend: { labelColor: ink, labelFontSize: 12, symbolStrokeColor: muted } };
}

// The picture of an SVG, twice as large.
async function painted(svg) {
  const picture = h("img", { src: `data:image/svg+xml,${encodeURIComponent(svg)}` });
  await picture.decode();
  const canvas = h("canvas", { width: 2 * picture.naturalWidth, height: 2 * picture.naturalHeight });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((then) => canvas.toBlob(then, "image/png"));
}

// A chart that is drawn when it comes into sight. `data` are the rows of its named data, `words` its other tokens, `frame` where its brush is at first,
// as { x, y }; `over` lies over its plot and takes the keyboard; `ready` is given the drawn view. Below it are buttons that save it as SVG and PNG.
function chart(name, label, data, { words = {}, square = false, height = null, frame = null, over = null, ready = null } = {}) {
  const place = h("div", { class: square ? "chart square" : "chart", role: "img", "aria-label": label });
  let view = null;
  const save = (kind) => async () => {
    if (!view) await draw();
    const svg = coloured(await view.toSVG());
    const file = `${label.replace(/[^\w.-]+/g, "-")}.${kind}`;
    if (kind === "svg") tables.save(file, svg, "image/svg+xml");
    else tables.save(file, await painted(svg), "image/png");
  };
  const buttons = ["svg", "png"].map((kind) => h("button", { type: "button", class: "small", onclick: save(kind), "aria-label": `Save as ${kind.toUpperCase()}: ${label}` }, kind.toUpperCase()));
  const whole = h("figure", { class: "figure" }, place, over, h("figcaption", { class: "tools" }, buttons));

  async function draw() {
    const own = era;
    const spec = { ...filled(facts.specs[name], words), description: label, width: "container", autosize: { type: "fit", contains: "padding" }, config: config(), datasets: data };
    if (square) spec.height = "container";
    if (height) spec.height = height;
    if (frame) spec.params = spec.params.map((one) => ({ ...one, value: frame }));
    const result = await vegaEmbed(place, spec, { actions: false, renderer: "svg" });
    if (own === era) drawn.add(result);
    else result.finalize();
    view = result.view;
    place.dataset.drawn = "yes";
    if (over) lie(over, view);
    if (ready) ready(view);
  }

  if (!square) place.style.minHeight = `${(height ?? facts.specs[name].height ?? 240) + 40}px`;
  seen(whole, () => draw().catch((error) => { place.textContent = `This chart cannot be drawn: ${error.message}`; }));
  return whole;
}

// Calls `then` once, when the element comes near to what is on the screen, or is to be printed.
const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) show(target);
}, { rootMargin: "300px" });
const unseen = new Map();
const drawn = new Set();
let era = 0;

function seen(element, then) {
  unseen.set(element, then);
  watcher.observe(element);
}

function show(element) {
  watcher.unobserve(element);
  const then = unseen.get(element);
  unseen.delete(element);
  if (then) then();
}

// What somebody did on the page that is shown, by name: it outlives the elements while only thresholds change.
const memory = new Map();

function kept(name, first) {
  if (!memory.has(name)) memory.set(name, first);
  return memory.get(name);
}

// Attributes of a <details> that stays as open as it was.
function folds(name) {
  const state = kept(`folds ${name}`, { open: false });
  return { open: state.open, ontoggle: (event) => { state.open = event.target.open; } };
}

const nameOf = (element) => element.id || element.ariaLabel || element.hash?.split("?")[0] || element.textContent;

// Replaces what an element holds; the focus goes to what is called the same, and what was scrolled sideways stays so.
function swap(element, ...children) {
  const focused = document.activeElement;
  const alike = () => [...element.querySelectorAll(focused.localName)].filter((one) => nameOf(one) === nameOf(focused));
  const place = alike().indexOf(focused);
  const scrolled = new Map([...element.querySelectorAll(".scroll")].map((one) => [nameOf(one), one.scrollLeft]));
  element.replaceChildren(...children);
  for (const one of element.querySelectorAll(".scroll")) one.scrollLeft = scrolled.get(nameOf(one)) ?? 0;
  if (place >= 0) (alike()[place] ?? element).focus({ preventScroll: true });
}

// Lets go of the charts of the page before.
function forget() {
  era++;
  for (const result of drawn) result.finalize();
  drawn.clear();
  for (const element of unseen.keys()) watcher.unobserve(element);
  unseen.clear();
}

addEventListener("beforeprint", () => [...unseen.keys()].forEach(show));

// A table. A head is a text or [text, attributes]; a cell is a text, an element, or { shown, value, ...attributes } with the exact `value`.
// It scrolls by itself, sorts by its heads, and is saved as CSV or LaTeX under its caption.
function table(caption, heads, body) {
  const head = (one) => (Array.isArray(one) ? h("th", { scope: "col", ...one[1] }, one[0]) : h("th", { scope: "col" }, one));
  const cell = (one, place) => {
    const { shown, value, ...attributes } = one !== null && typeof one === "object" && "shown" in one ? one : { shown: one };
    const data = value === undefined ? {} : { "data-value": value === null ? "" : String(value) };
    const text = shown === null || shown === undefined || shown === "" ? "–" : shown;
    return place ? h("td", { ...data, ...attributes }, text) : h("th", { scope: "row", ...data, ...attributes }, text);
  };
  const element = h("table", {}, h("thead", {}, h("tr", {}, heads.map(head))), h("tbody", {}, body.map((row) => h("tr", {}, row.map(cell)))));
  tables.sortable(element, kept(`sort ${caption}`, {}));
  const name = caption.replace(/[^\w.-]+/g, "-");
  const tools = h("div", { class: "tools" },
    h("button", { type: "button", class: "small", onclick: () => tables.save(`${name}.csv`, tables.csv(element), "text/csv"), "aria-label": `Save as CSV: ${caption}` }, "CSV"),
    h("button", { type: "button", class: "small", onclick: () => tables.save(`${name}.tex`, tables.latex(element), "application/x-tex"), "aria-label": `Save as LaTeX: ${caption}` }, "LaTeX"));
  return h("div", { class: "tabular" }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, element), tools);
}

const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");
const number = (value, digits = 3) => (value === null || value === undefined || Number.isNaN(value) ? { shown: "–", value: null } : { shown: fixed(value, digits), value });
const percent = (value) => (value === null || value === undefined ? { shown: "–", value: null } : { shown: `${(100 * value).toFixed(0)} %`, value });
const range = (low, high, digits = 2) => (low === null || low === undefined ? null : `${fixed(low, digits)} to ${fixed(high, digits)}`);
const dimension = (code) => `${code} ${facts.names[code]}`;
const titled = (pair) => pair.split("_").map(dimension).join(" × ");
