// A contact sheet per model: the same prompts at the same places, so that failures and style show at a glance.
async function contact() {
  const task = chosen.task;
  const shown = facts.models.filter((name) => facts.contacts[sheetName(name, task)]);
  const { prompts } = await samples(task);
  return [
    h("h1", {}, "Contact sheets"),
    shown.length
      ? h("p", { class: "lead" }, "The same prompts in the same places, drawn by lot from all pairs. A crossed-out square is a picture that the model refused or failed to make. What is counted below each sheet is counted over all pictures of the model.")
      : h("p", {}, "No picture was kept (report.pictures_per_pair is 0)."),
    shown.map((name) => h("section", {}, h("h2", {}, link(name, "model", name)), contactOf(name, task, prompts), noted(name))),
  ];
}

function contactOf(model, task, prompts) {
  const { names, pairs } = facts.contacts[sheetName(model, task)];
  const cells = names.map(([id, number], slot) => {
    const one = { model, task, pair: pairs[slot], id, number, prompt: prompts[id], slot };
    const open = async () => enlarge((await pictured(model, task, one.pair)).find((other) => other.id === id && other.number === number));
    const picture = thumbnail(one, () => contactSheet(model, task));
    return h("li", {}, h("button", { type: "button", class: "picture", title: titled(one.pair), "aria-label": `Enlarge: ${one.prompt}`, onclick: open }, picture));
  });
  return h("ul", { class: "contact", "aria-label": `Contact sheet of ${model}` }, cells);
}

// What the gate of a model's pictures found: missing ones, those of one colour, truncated prompts.
function noted(model) {
  const gate = facts.gates.find((one) => one.table === `images/${model}`);
  if (!gate) return null;
  const told = [...gate.failures, ...gate.notes];
  return told.length ? told.map((line) => h("p", { class: "fine" }, line)) : h("p", { class: "fine" }, "No picture is missing, and none is of one colour.");
}
