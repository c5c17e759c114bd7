// Tables of the page that people take along (CSV, LaTeX) and sort. A table has one row of heads, and no cell that spans several. `data-value` of a
// cell is what it stands for: the exact number of a rounded one, nothing where a value is missing. Columns whose head has `data-skip` are neither
// exported nor sorted.
const tables = (() => {
  "use strict";
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r]/; // spreadsheets run text that begins so
  const MISSING = "–";
  const WORDS = new Intl.Collator("en", { numeric: true });
  const LATEX = {
    ...Object.fromEntries([..."&%$#_{}"].map((sign) => [sign, `\\${sign}`])),
    ...{ "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" },
    ...{ "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}" },
    ...{ "[": "{[}", "*": "{*}" }, // after the end of a row they would be an argument of it
    ...{ "★": "$\\star$", "−": "$-$", "×": "$\\times$", "·": "$\\cdot$", "Σ": "$\\Sigma$", "≤": "$\\le$" },
  };

  const isNumber = (text) => NUMBER.test(text);

  // The text of a cell as it is shown, on one line; a minus sign as computers write it, nothing for a missing value.
  function shown(cell) {
    const copy = cell.cloneNode(true);
    for (const end of copy.querySelectorAll("br")) end.replaceWith(" ");
    const text = copy.textContent.replace(/\s+/g, " ").trim();
    return text === MISSING ? "" : isNumber(text.replace("−", "-")) ? text.replace("−", "-") : text;
  }

  // What a cell stands for.
  const value = (cell) => cell.dataset.value ?? shown(cell);

  // The columns that are not skipped, as places.
  function columns(table) {
    return [...table.tHead.rows[0].cells].flatMap((head, place) => ("skip" in head.dataset ? [] : [place]));
  }

  // The cells of the head's row and of the body's rows.
  function cells(table) {
    const kept = columns(table);
    const rows = [table.tHead.rows[0], ...[...table.tBodies].flatMap((body) => [...body.rows])];
    return rows.map((row) => kept.map((place) => row.cells[place]));
  }

  // RFC 4180. Text that a spreadsheet would run is text again after an apostrophe.
  function csv(table) {
    const safe = (text) => (FORMULA.test(text) && !isNumber(text) ? `'${text}` : text);
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return cells(table).map((row) => `${row.map((cell) => quoted(safe(value(cell)))).join(",")}\r\n`).join("");
  }

  // A tabular for the package booktabs. Numbers stand as the page rounds them; columns of numbers are aligned to the right.
  function latex(table) {
    const rows = cells(table).map((row) => row.map((cell) => (isNumber(shown(cell)) ? shown(cell) : value(cell))));
    const [head, ...body] = rows.map((row) => `${row.map(typeset).join(" & ")} \\\\`);
    const align = rows[0].map((_, place) => (holdsNumbers(rows.slice(1).map((row) => row[place])) ? "r" : "l"));
    return [`\\begin{tabular}{${align.join("")}}`, "\\toprule", head, "\\midrule", ...body, "\\bottomrule", "\\end{tabular}", ""].join("\n");
  }

  function holdsNumbers(texts) {
    const there = texts.filter((text) => text !== "");
    return there.length > 0 && there.every(isNumber);
  }

  function typeset(text) {
    if (isNumber(text)) return text.replace(/^-/, "$-$");
    return text.replace(/[\s\p{Cc}]+/gu, " ").replace(/[\\&%$#_{}~^<>|[*★−×·Σ≤]/g, (sign) => LATEX[sign]);
  }

  // Hands a text or a blob to the person as a file.
  function save(name, content, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Makes a button of each head: the first press sorts upwards, the next one downwards. Numbers come before words, equal rows keep their order, and
  // missing values are last either way. `state` is what was chosen, as { chosen, sign }, and takes what will be. Returns a function that sorts as chosen
  // once more, for after the rows were replaced.
  function sortable(table, state = {}) {
    const heads = table.tHead.rows[0].cells;

    function sort() {
      const { chosen, sign } = state;
      if (chosen === undefined) return;
      for (const body of table.tBodies) body.append(...ordered([...body.rows], chosen, sign));
      for (const head of heads) head.removeAttribute("aria-sort");
      heads[chosen].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    }

    for (const place of columns(table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heads[place].childNodes);
      heads[place].append(button);
      button.addEventListener("click", () => {
        Object.assign(state, { chosen: place, sign: state.chosen === place ? -state.sign : 1 });
        sort();
      });
    }
    sort();
    return sort;
  }

  function ordered(rows, place, sign) {
    const keyed = rows.map((row) => ({ row, key: value(row.cells[place]).trim() }));
    const [there, missing] = [keyed.filter(({ key }) => key !== ""), keyed.filter(({ key }) => key === "")];
    there.sort((a, b) => sign * compared(a.key, b.key));
    return [...there, ...missing].map(({ row }) => row);
  }

  function compared(a, b) {
    if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
    return isNumber(b) - isNumber(a) || WORDS.compare(a, b);
  }

  return { csv, latex, save, sortable };
})();
