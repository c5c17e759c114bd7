// Where one is, the thresholds that are set, and the wiring. The address holds both: #/pair/tiny/IQ-R_TA-S?task=t2i&synergy=0.7
const SLIDERS = [
  ["synergy", "θ_s, both at least: R_S", 0, 1, 0.01],
  ["bottleneck", "θ_b, both at most: R_B", 0, 1, 0.01],
  ["synergy_density", "δ_s, share in R_S for a synergy", 0.01, 1, 0.01],
  ["bottleneck_density", "δ_b, share in R_B for a bottleneck", 0.01, 1, 0.01],
  ["tilt_ratio", "τ_d, one side of the line to the other", 1, 5, 0.05],
  ["dispersion_corr", "δ_t, correlation at most: dispersion", -1, 1, 0.01],
  ["min_points", "Fewest prompts for a verdict", 1, 100, 1],
  ["supported_stability", "Stability that supports", 0.5, 1, 0.01],
  ["fdr", "False discovery rate", 0.01, 0.5, 0.01],
  ["enough_points", "Fewest prompts that support", 1, 300, 1],
];
const CHOICES = [
  ["rule", "Rule", [["paper", "of the paper"], ["reference", "of the released scripts"]]],
  ["correlation", "Correlation", Object.entries(facts.correlations)],
];
const OF_EVIDENCE = ["supported_stability", "fdr", "enough_points"];
const COUNTABLE = 2e7; // most points of resamples that are counted when a limit moves
const NAMES = [...SLIDERS, ...CHOICES].map(([name]) => name);
const ends = ([name, , least, most]) => [Math.min(least, facts.thresholds[name]), Math.max(most, facts.thresholds[name])];
const limits = { ...facts.thresholds };
const chosen = { task: facts.tasks[0], asked: null }; // the task that is shown, and the one that the address names
const PAGES = [["overview", "Overview"], ["model", "Model"], ["pair", "Pair"], ["compare", "Compare"], ...(facts.fronts.curves.length ? [["front", "Fronts"]] : []), ["pictures", "Pictures"], ["contact", "Contact sheets"], ["judge", "Judge"], ["gates", "Gates"], ["methods", "Methods"]];
const OF_ALL_TASKS = ["judge", "gates", "methods"];
const OVER_TASKS = ["overview"]; // pages that show all tasks together, where there are several, until one is chosen
const LOCAL = ["", "localhost", "127.0.0.1"];
const byId = (id) => document.getElementById(id);

const differs = (name) => limits[name] !== facts.thresholds[name];
const isChanged = () => NAMES.some(differs);
const ruleChanged = () => NAMES.some((name) => differs(name) && !OF_EVIDENCE.includes(name));

function debounced(then, wait) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => then(...given), wait);
  };
}

// Verdicts at the thresholds that are set

let now = byPlace;
const byNow = (model, task, pair) => now.get(at(model, task, pair));

async function classified(task) {
  if (!isChanged()) return byPlace;
  const wanted = tasksOf(task).flatMap((one) => facts.models.map((model) => [model, one]));
  const clouds = new Map(await Promise.all(wanted.map(async ([model, one]) => [`${model}|${one}`, await points(model, one)])));
  const own = rows.filter((row) => tasksOf(task).includes(row.task));
  const draws = ruleChanged() && affordable(own) ? new Map(await Promise.all(wanted.map(async ([model, one]) => [`${model}|${one}`, await redraws(model, one)]))) : new Map();
  const of = (map, row) => map.get(`${row.model}|${row.task}`)?.get(row.pair) ?? null;
  return new Map(own.map((row) => [at(row.model, row.task, row.pair), anew(row, of(clouds, row), of(draws, row))]));
}

// Whether the resamples of all these rows, or of those on the page of a model or a pair, can be counted at once.
function affordable(own) {
  const { page, given } = parsed();
  const read = own.filter((row) => (page !== "model" && page !== "pair") || ((row.model === given[0] || !given[0]) && (page === "model" || row.pair === given[1])));
  const each = ({ n }) => n * (limits.correlation === "kendall" ? n : 1);
  return read.reduce((sum, row) => sum + each(row), 0) * facts.thresholds.bootstraps <= COUNTABLE;
}

// A row as the thresholds that are set have it. What is found by resampling is counted anew, when it is read, in the draws that Python made; tests hold
// while the limits that decide them stand.
function anew(row, cloud, draws) {
  const own = { ...limits, min_points: limits.min_points * facts.seeds }; // it counts prompts, and the rule points
  const counts = rule.count(...complete(cloud), own);
  const rho = differs("correlation") ? rule.correlation(limits.correlation, ...complete(cloud)) : row.rho;
  const { relation, leaning } = rule.verdict(counts, rho, own);
  const { kind, evidence } = rule.support(row, relation, limits);
  const unknown = differs("correlation") ? { kind: null, ...absentEnds("rho") } : {};
  const found = { __proto__: row, ...counts, rho, relation, kind, evidence, leaning: leaning && row[leaning], ...unknown };
  return ruleChanged() ? resampled(found, row, relation, lazily(() => draws && rule.redrawn(...complete(cloud), draws, relation, own))) : found;
}

const TESTED = { tilt: ["synergy", "bottleneck", "rule", "min_points"], dispersion: ["correlation", "min_points"] }; // the limits that decide each test
const REDRAWN = ["stability", "runner_up", "runner_up_share", ...["density_synergy", "density_bottleneck"].flatMap((name) => [`${name}_low`, `${name}_high`])];

function resampled(found, row, relation, again) {
  for (const name of REDRAWN) Object.defineProperty(found, name, { get: () => again()?.[name] ?? null });
  const untested = Object.keys(TESTED).filter((one) => TESTED[one].some(differs));
  return Object.defineProperty(found, "evidence", { get: () => rule.support(row, relation, limits, again()?.stability ?? null, untested).evidence });
}

function lazily(make) {
  let found;
  return () => (found === undefined ? (found = make()) : found);
}

const absentEnds = (...names) => Object.fromEntries(names.flatMap((name) => [[`${name}_low`, null], [`${name}_high`, null]]));

async function rowsOf(task) {
  const own = turn;
  now = await classified(task);
  const found = [...now.values()].filter((row) => tasksOf(task).includes(row.task));
  const before = found.map((row) => byPlace.get(at(row.model, row.task, row.pair)));
  const flipped = found.filter((row, place) => row.relation !== before[place].relation || row.leaning !== before[place].leaning).length;
  byId("differs").textContent = isChanged() ? `changed: ${flipped} of ${found.length} verdicts differ from the run's` : "as in the run";
  told = own;
  return found;
}

// Where one is

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lonely % stands for itself
  }
}

function parsed() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...given] = path.split("/").map(decoded);
  return { page: page || "overview", given: given.filter(Boolean), query: new URLSearchParams(query) };
}

const address = (page, ...given) => addressIn(chosen.asked, page, ...given);

// The address of a page with a task that it names, or none.
function addressIn(task, page, ...given) {
  const query = new URLSearchParams();
  if (task && task !== standardTask(page)) query.set("task", task);
  for (const name of NAMES) if (differs(name)) query.set(name, limits[name]);
  const text = query.toString();
  return `#/${[page, ...given.filter((one) => one !== undefined)].map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

const link = (children, page, ...given) => h("a", { href: address(page, ...given) }, children);
const linkIn = (task, children, page, ...given) => h("a", { href: addressIn(task, page, ...given) }, children);
const standardTask = (page) => (OVER_TASKS.includes(page) && facts.tasks.length > 1 ? ALL : facts.tasks[0]);
const go = (page, ...given) => { location.hash = address(page, ...given); };

function defaults(page, given) {
  const { model, pair } = facts.first;
  const pairs = facts.pairs[tasksOf(chosen.task)[0]];
  const own = pairs.includes(pair) ? pair : pairs[0];
  const couple = facts.tunings[0] ? [facts.tunings[0].base, facts.tunings[0].tuned] : facts.models.slice(0, 2);
  const standard = { model: [model], pair: [model, own], compare: couple }[page] ?? [];
  return standard.map((value, place) => given[place] ?? value).concat(given.slice(standard.length));
}

// Reads the task and the thresholds of an address; what it does not name, or names wrongly, is that of the page or of the run.
function adopt(page, query) {
  chosen.asked = facts.tasks.includes(query.get("task")) ? query.get("task") : null;
  chosen.task = chosen.asked ?? standardTask(page);
  Object.assign(limits, facts.thresholds);
  for (const slider of SLIDERS) {
    const [name, , , , step] = slider;
    const [least, most] = ends(slider);
    const value = Number(query.get(name)?.trim() || "x");
    if (value >= least && value <= most && (step < 1 || Number.isInteger(value))) limits[name] = value;
  }
  for (const [name, , options] of CHOICES) if (options.some(([value]) => value === query.get(name))) limits[name] = query.get(name);
  if (limits.bottleneck >= limits.synergy) Object.assign(limits, { bottleneck: facts.thresholds.bottleneck, synergy: facts.thresholds.synergy });
}

let turn = 0;
let told = 0; // the turn for which the line beside the thresholds was told

let here = null; // the page that is shown, whatever its thresholds

async function render() {
  const own = ++turn;
  const { page, given, query } = parsed();
  adopt(page, query);
  const there = JSON.stringify([chosen.task, page, ...given]);
  if (there !== here) memory.clear();
  panel();
  navigation(page);
  document.documentElement.dataset.ready = "no";
  forget();
  try {
    const found = Object.hasOwn(VIEWS, page) ? await VIEWS[page](...defaults(page, given)) : missing(`There is no page ${page}.`);
    if (told !== own) await rowsOf(chosen.task);
    if (own !== turn) return;
    swap(byId("view"), ...[found].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (own !== turn) return;
    byId("view").replaceChildren(h("h1", {}, "This cannot be shown"), h("p", {}, error.message));
  }
  const title = byId("view").querySelector("h1").textContent;
  document.title = `${title} – Dimension Trade-off Map`;
  if (there !== here) {
    here = there;
    scrollTo(0, 0);
    if (started) byId("view").focus({ preventScroll: true });
    byId("status").textContent = title;
    landed(page);
  }
  document.documentElement.dataset.ready = "yes";
}

let started = false;

function navigation(page) {
  const links = PAGES.map(([name, text]) => h("a", { href: address(name), "aria-current": name === page ? "page" : null }, text));
  const tasks = facts.tasks.length > 1 && !OF_ALL_TASKS.includes(page) && choice("task", "Task", [...(OVER_TASKS.includes(page) ? [ALL] : []), ...facts.tasks].map((task) => [task, task === ALL ? "all tasks" : `${task}: ${taskNames[task]}`]), chosen.task, (task) => { location.hash = addressIn(task, page); });
  swap(byId("nav"), ...links);
  swap(byId("tasks"), ...(tasks ? [tasks] : []));
}

// The panel

const again = debounced(render, 120);

function set(name, value) {
  const before = limits[name];
  limits[name] = value;
  if (limits.bottleneck >= limits.synergy) limits[name] = before; // the regions may not meet
  const { page, given } = parsed();
  history.replaceState(null, "", address(page, ...given));
  panel();
  again();
}

function panel() {
  for (const name of NAMES) {
    const control = byId(`limit-${name}`);
    if (control.value !== String(limits[name])) control.value = limits[name];
    const out = byId(`value-${name}`);
    if (out) out.textContent = limits[name];
  }
  byId("reset").disabled = !isChanged();
}

function build() {
  const sliders = SLIDERS.map((slider) => [slider, ends(slider)]).map(([[name, text, , , step], [least, most]]) => h("label", { for: `limit-${name}` }, h("span", {}, text, " ", h("output", { id: `value-${name}`, for: `limit-${name}` })),
    h("input", { id: `limit-${name}`, type: "range", min: least, max: most, step, title: name, oninput: (event) => set(name, Number(event.target.value)) })));
  const selects = CHOICES.map(([name, text, options]) => choice(`limit-${name}`, text, options, limits[name], (value) => set(name, value)));
  const reset = h("button", { type: "button", id: "reset", onclick: () => { Object.assign(limits, facts.thresholds); set("synergy", limits.synergy); } }, "As in the run");
  const copy = h("button", { type: "button", onclick: async (event) => {
    const button = event.target;
    try {
      const own = LOCAL.includes(location.hostname); // an address that nobody else can open
      await navigator.clipboard.writeText(own ? location.hash : location.href);
      button.textContent = own ? "Copied: put it behind the address of the report" : "Copied";
    } catch {
      button.textContent = "Copy the address above";
    }
  } }, "Copy a link with these");
  byId("limits").addEventListener("submit", (event) => event.preventDefault());
  byId("limits").replaceChildren(...selects, ...sliders, h("div", { class: "buttons" }, reset, copy));
  byId("scheme").addEventListener("change", (event) => {
    const scheme = event.target.value;
    if (scheme) document.documentElement.dataset.scheme = scheme;
    else delete document.documentElement.dataset.scheme;
  });
}

build();
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says where one is
  byId("view").focus();
});
addEventListener("hashchange", render);
addEventListener("keydown", goBack);
render().then(() => { started = true; });
