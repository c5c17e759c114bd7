(() => {
"use strict";

const facts = JSON.parse(document.getElementById("facts").textContent);
const { items } = facts;
const CONCERNS = ["concerns_x", "concerns_y"];
const QUESTIONS = [...CONCERNS, "quality", "verdict"];
const LABELS = { yes: "Yes", no: "No", accept: "Accept", reject: "Reject" };
const KEYS = { y: "yes", n: "no", a: "accept", r: "reject" };
const FORMULA = /^[=+\-@\t\r]/; // what spreadsheet programs compute
const by = (id) => document.getElementById(id);

// What is kept: in the browser's storage, a value per item, so that two tabs do not overwrite each other.

const memory = new Map();

function keep(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(`trig-review/${facts.review}/${name}`, value);
  } catch {
    by("warning").hidden = false;
  }
}

function kept(name) {
  try {
    return localStorage.getItem(`trig-review/${facts.review}/${name}`) ?? memory.get(name) ?? null;
  } catch {
    by("warning").hidden = false;
    return memory.get(name) ?? null;
  }
}

function forget() {
  for (const name of ["rater", "place", ...items.map((item) => item.id)]) {
    memory.delete(name);
    try {
      localStorage.removeItem(`trig-review/${facts.review}/${name}`);
    } catch {
      by("warning").hidden = false;
    }
  }
}

function given(item) {
  try {
    return JSON.parse(kept(item.id)) ?? {};
  } catch {
    return {};
  }
}

const missing = (item) => QUESTIONS.find((question) => !given(item)[question]);

// One item at a time.

let place = 0;
let answered = new Set();

function legend(question) {
  const dimension = facts.dimensions[items[place].pair[CONCERNS.indexOf(question)]];
  if (dimension) return [`Does it concern ${dimension.name}?`, `${dimension.name} at its best: ${dimension.high}`];
  return question === "quality" ? ["Quality of the prompt", "1 worst, 5 best"] : ["Verdict", "Should the prompt be used?"];
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function field(question) {
  const options = facts.questions[question].map((value) => {
    const input = element("input", { type: "radio", name: question, value, id: `${question}-${value}` });
    input.addEventListener("change", () => answer(question, value));
    return element("label", {}, input, LABELS[value] ?? value);
  });
  const hint = element("p", { className: "hint", id: `hint-${question}` });
  const made = element("fieldset", { id: question }, element("legend", {}), hint, element("div", { className: "options" }, ...options));
  made.setAttribute("aria-describedby", hint.id);
  return made;
}

function show() {
  const item = items[place];
  const answers = given(item);
  by("place").textContent = `Item ${place + 1} of ${items.length}: ${item.task}`;
  by("prompt").textContent = item.prompt;
  by("subject").hidden = !item.item;
  by("item").textContent = item.item ?? "";
  by("picture").hidden = !item.picture;
  if (item.picture) by("picture").src = facts.pictures[item.picture];
  else by("picture").removeAttribute("src");
  for (const question of QUESTIONS) {
    const [asked, hint] = legend(question);
    by(question).querySelector("legend").textContent = asked;
    by(question).querySelector(".hint").textContent = hint;
    for (const input of by(question).querySelectorAll("input")) input.checked = answers[question] === input.value;
  }
  by("remark").value = answers.remark ?? "";
  by("back").disabled = place === 0;
  by("next").disabled = place === items.length - 1;
  count();
}

function count() {
  const item = items[place];
  if (missing(item)) answered.delete(item.id);
  else answered.add(item.id);
  by("bar").max = items.length;
  by("bar").value = answered.size;
  by("count").textContent = `${answered.size} of ${items.length} answered`;
  by("done").hidden = answered.size < items.length;
  by("open").disabled = answered.size === items.length;
}

function answer(question, value) {
  keep(items[place].id, JSON.stringify({ ...given(items[place]), [question]: value }));
  count();
}

function go(to) {
  if (to < 0 || to >= items.length) return;
  place = to;
  keep("place", String(place));
  show();
  scrollTo(0, by("place").offsetTop - 12);
  by("place").focus({ preventScroll: true });
}

function nextOpen() {
  const order = [...items.keys()].map((step) => (place + 1 + step) % items.length);
  const found = order.find((each) => !answered.has(items[each].id));
  if (found !== undefined) go(found);
}

// Keys.

function questionOf(key, focused) {
  if (facts.questions.quality.includes(key)) return "quality";
  if (key === "a" || key === "r") return "verdict";
  if (key !== "y" && key !== "n") return null;
  const open = CONCERNS.find((question) => !given(items[place])[question]);
  return CONCERNS.find((question) => focused.name === question) ?? open ?? null;
}

function pressed(event) {
  const typing = event.target.matches("textarea, input:not([type=radio])");
  const pushes = event.target.matches("button, summary, a");
  if (event.key === "Enter" && !pushes && !event.altKey && !event.isComposing && (!typing || event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    go(place + (event.shiftKey ? -1 : 1));
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const question = questionOf(key, event.target);
  if (!question) return;
  event.preventDefault();
  const value = KEYS[key] ?? key;
  by(`${question}-${value}`).checked = true;
  answer(question, value);
  const next = missing(items[place]);
  (next ? by(`${next}-${facts.questions[next][0]}`) : by(by("next").disabled ? "save" : "next")).focus();
}

// The file.

function cell(text) {
  const inert = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function save() {
  const rater = by("rater").value.trim();
  if (!rater) {
    by("status").textContent = "Write your name or initials first.";
    by("rater").focus();
    return;
  }
  const columns = ["id", "rater", ...QUESTIONS, "remark"];
  const rows = items.map((item) => {
    const row = { ...given(item), id: item.id, rater };
    return columns.map((column) => cell(row[column] ?? ""));
  });
  const text = ["\ufeff" + columns.join(","), ...rows.map((row) => row.join(","))].join("\r\n") + "\r\n";
  const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href, download: `review-${rater.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
  const left = items.length - answered.size;
  by("status").textContent = left ? `Saved; ${left} items are still open.` : "Saved: all items are answered.";
}

function load() {
  place = Math.min(Math.max(Number.parseInt(kept("place"), 10) || 0, 0), items.length - 1);
  answered = new Set(items.filter((item) => !missing(item)).map((item) => item.id));
  by("rater").value = kept("rater") ?? "";
  show();
}

by("form").append(...QUESTIONS.map(field));
by("form").addEventListener("submit", (event) => event.preventDefault());
by("remark").addEventListener("input", () => answer("remark", by("remark").value));
by("rater").addEventListener("input", () => keep("rater", by("rater").value));
by("back").addEventListener("click", () => go(place - 1));
by("next").addEventListener("click", () => go(place + 1));
by("open").addEventListener("click", nextOpen);
by("save").addEventListener("click", save);
by("clear").addEventListener("click", () => {
  if (!confirm("Delete all answers in this browser?")) return;
  forget();
  load();
});
addEventListener("keydown", pressed);
addEventListener("storage", () => { // another tab answered
  answered = new Set(items.filter((item) => !missing(item)).map((item) => item.id));
  if (document.activeElement !== by("remark")) show();
});
by("guide").open = !kept("rater") && !kept("place");
load();
document.documentElement.dataset.ready = "yes";
})();
