// What the report knows: facts at once, samples and pictures when somebody looks at them, from inside the page or from files beside it.
const facts = JSON.parse(document.getElementById("facts").textContent);
const columns = facts.relations;
const inColumns = Object.create(columns, Object.fromEntries(Object.keys(columns).map((name) => [name, { get() { return columns[name][this.place]; } }])));
const rows = columns.pair.map((pair, place) => { // a row reads each column at its place, when it is asked
  const [x, y] = pair.split("_");
  return { __proto__: inColumns, place, x, y };
});
const at = (model, task, pair) => `${model}|${task}|${pair}`;
const byPlace = new Map(rows.map((row) => [at(row.model, row.task, row.pair), row]));

const loaded = new Map();
const waiting = new Map();
window.trigPart = (name, value) => waiting.get(name)?.(value);

function once(key, make) {
  if (!loaded.has(key)) {
    const found = make();
    loaded.set(key, found);
    found.catch(() => loaded.delete(key));
  }
  return loaded.get(key);
}

function part(name) {
  return once(name, async () => {
    if (facts.inside) return JSON.parse(document.getElementById(`part-${name}`).textContent);
    const value = await new Promise((resolve, reject) => {
      waiting.set(name, resolve);
      const script = document.createElement("script");
      script.src = `files/${name}.js`;
      script.onload = () => reject(new Error(`files/${name}.js cannot be read; write the report anew`));
      script.onerror = () => reject(absent(`${name}.js`));
      document.head.append(script);
    });
    return typeof value === "string" ? JSON.parse(new TextDecoder().decode(await inflated(value))) : value;
  });
}

async function inflated(text) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Doubles that were deflated byte by byte of each: all first bytes, then all second ones, and so on.
async function doubles(text) {
  const planes = await inflated(text);
  const [count, found] = [planes.length / 8, new Uint8Array(planes.length)];
  for (let place = 0; place < count; place++) for (let byte = 0; byte < 8; byte++) found[8 * place + byte] = planes[byte * count + place];
  return new Float64Array(found.buffer);
}

const absent = (name) => new Error(`files/${name} is not beside this page; keep the folder files together with index.html`);
const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

// Prompts and seeds of a task's samples, and the texts and source pictures of those that have a picture: { ids: { pair: [id] }, numbers: { pair: [number] },
// prompts: { id: prompt }, sources: { id: hash } }; there are no numbers where each prompt has one seed.
const samples = (task) => part(`samples-${task}`);

// The samples of each pair of a model: a Map of pair to { ids, numbers, x, y }, with NaN for a missing score.
function points(model, task) {
  return once(`points of ${model} ${task}`, async () => {
    const number = facts.models.indexOf(model);
    const [{ ids, numbers }, packed] = await Promise.all([samples(task), part(`points-${number}-${task}`)]);
    const [x, y] = await Promise.all([packed.x, packed.y].map(doubles));
    const found = new Map();
    let start = 0;
    for (const [pair, names] of Object.entries(ids)) {
      const end = start + names.length;
      found.set(pair, { ids: names, numbers: numbers[pair] ?? names.map(() => 0), x: x.subarray(start, end), y: y.subarray(start, end) });
      start = end;
    }
    return found;
  });
}

// The bootstrap weights of each pair of a model: a Map of pair to { labels, clusters, counts }, or null where they are not here.
function redraws(model, task) {
  return once(`draws of ${model} ${task}`, async () => {
    const [{ ids }, { of, sets }] = await Promise.all([samples(task), part(`draws-${task}`)]);
    const opened = (place) => once(`draws ${place} of ${task}`, async () => ({ ...sets[place], counts: await inflated(sets[place].counts) }));
    const own = of[facts.models.indexOf(model)];
    const found = await Promise.all(own.map((place) => (place === null ? null : opened(place))));
    return new Map(Object.keys(ids).map((pair, place) => [pair, found[place]]));
  });
}

// The samples of a pair that have both scores, as the rule takes them.
function complete({ x, y }) {
  const there = Array.from(x.keys()).filter((place) => !Number.isNaN(x[place]) && !Number.isNaN(y[place]));
  return there.length === x.length ? [x, y] : [x, y].map((side) => Float64Array.from(there, (place) => side[place]));
}

// The address of a sheet of pictures, of a pair or of a whole task, and how they lie on it: { url, columns, rows, width, height }.
const sheetName = (model, task, pair) => [facts.models.indexOf(model), task, ...(pair ? [pair] : [])].join("-");
const sheet = (model, task, pair) => laid(`sheet-${sheetName(model, task, pair)}`, facts.sheets[sheetName(model, task, pair)]);
const contactSheet = (model, task) => laid(`contact-${sheetName(model, task)}`, facts.contacts[sheetName(model, task)]);

async function laid(name, { columns, rows, width, height }) {
  return { url: await stored(name), columns, rows, width, height };
}

// The address of a stored picture.
const stored = (name) => once(`url of ${name}`, facts.inside
  ? async () => URL.createObjectURL(new Blob([bytes(await part(name))], { type: "image/webp" }))
  : () => arrived(`${name}.webp`));

// The address of a picture beside the page, once it is there.
function arrived(name) {
  return new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve(picture.src);
    picture.onerror = () => reject(absent(name));
    picture.src = `files/${name}`;
  });
}
