// The chosen op, the search, the theme; and the page is drawn.

const VIEWS = [graphView, promptView, timeView];
let chosen = null;
let around = new Map(); // op -> what it is to the chosen one
let matches = null; // ops that the search has found
let match = -1;

function mark(button, op) {
  button.classList.toggle("on", op === chosen);
  for (const name of ["source", "reader", "below"]) button.classList.toggle(name, around.get(op) === name);
  button.classList.toggle("found", matches !== null && matches.has(op));
  button.setAttribute("aria-pressed", op === chosen);
}

function markAll() {
  VIEWS.forEach((view) => view.nodes.forEach(mark));
  document.body.classList.toggle("searching", matches !== null);
}

// What stands for an op in a view: itself, or for a text the prompt that it comes from or goes into.
function nearest(op, view) {
  if (view.reveal(op)) return op;
  const near = [
    OPS[op].state?.op,
    ...READERS[op].filter(isState),
    ...READERS[op],
    ...READS[op],
    ...(isState(op) ? stepsBelow(op) : []),
  ];
  return near.find((other) => other !== undefined && view.reveal(other));
}

function choose(op, from) {
  chosen = op;
  around = new Map();
  if (op !== null) {
    READS[op].forEach((read) => around.set(read, "source"));
    READERS[op].forEach((reader) => around.set(reader, "reader"));
    if (isState(op)) stepsBelow(op).forEach((step) => around.set(step, "below"));
    for (const view of VIEWS) {
      const shown = nearest(op, view);
      if (shown === undefined) continue;
      if (shown !== op && !around.has(shown)) around.set(shown, "reader");
      view.stop(shown);
      if (view !== from) scrollTo(view, view.nodes.get(shown));
    }
  }
  markAll();
  VIEWS.forEach((view) => view.drawn());
  showDetails(op);
}

// In its own pane only: the page itself stays where it is.
function scrollTo(view, target) {
  const [pane, box] = [view.scroller.getBoundingClientRect(), target.getBoundingClientRect()];
  if (box.top < pane.top + 30 || box.bottom > pane.bottom - 10)
    view.scroller.scrollTop += box.top - pane.top - pane.height / 3;
  if (box.left < pane.left || box.right > pane.right) view.scroller.scrollLeft += box.left - pane.left - 30;
}

// From what the chosen op reads, and to who reads it.
function chosenCurves(view) {
  const at = view.nodes.get(chosen);
  if (!at || view === promptView) return [];
  const [sources, readers] =
    view === timeView
      ? [
          STEPS[STEP_OF.get(chosen)].after.map((index) => STEPS[index].op),
          STEPS.filter((one) => one.after.includes(STEP_OF.get(chosen))).map((one) => one.op),
        ]
      : [READS[chosen], READERS[chosen]];
  const to = sources.map((op) => [view.nodes.get(op), at]);
  const from = readers.map((op) => [at, view.nodes.get(op)]);
  return drawnOnly([...to, ...from].map(([one, other]) => ({ from: one, to: other, kind: "chosen" })));
}

const search = document.getElementById("search");
const found = document.getElementById("found");
const SEARCHED = OPS.map((op) =>
  `${DATA.lines[op.op]} ${op.loc ? `${op.loc.file}:${op.loc.line} ${sourceOf(op.loc)}` : ""}`.toLowerCase(),
);

search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  matches = wanted ? new Set(OPS.map((op) => op.op).filter((op) => SEARCHED[op].includes(wanted))) : null;
  match = -1;
  found.textContent =
    matches === null ? "" : `${matches.size.toLocaleString("en")} of ${OPS.length.toLocaleString("en")}`;
  markAll();
});

search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !matches?.size) return;
  const all = [...matches];
  match = (match + (event.shiftKey ? all.length - 1 : 1)) % all.length;
  choose(all[match], null);
  found.textContent = `${match + 1} of ${all.length.toLocaleString("en")}`;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape") {
    search.value = "";
    search.dispatchEvent(new Event("input"));
    choose(null, null);
  }
});

const THEMES = { "light dark": "auto", light: "light", dark: "dark" };
const theme = document.getElementById("theme");
function setTheme(scheme) {
  document.documentElement.style.colorScheme = scheme;
  theme.textContent = THEMES[scheme];
  theme.dataset.scheme = scheme;
}
theme.addEventListener("click", () => {
  const all = Object.keys(THEMES);
  setTheme(all[(all.indexOf(theme.dataset.scheme) + 1) % all.length]);
});

document.querySelectorAll(".widen").forEach((button) =>
  button.addEventListener("click", () => {
    const section = button.closest("section");
    const wide = section.classList.toggle("wide");
    button.textContent = wide ? "back" : "full";
    document.body.classList.toggle("widened", wide);
    redrawTimeline();
    VIEWS.forEach((view) => view.drawn());
  }),
);

setTheme("light dark");
document.title = `${DATA.graph.program} \u2013 sglc`;
document.getElementById("program").textContent = DATA.graph.program;
document.getElementById("summary").textContent = DATA.summary;
document.getElementById("summary").title = DATA.summary;
drawGraph();
drawPrompts();
drawTimeline();
VIEWS.forEach((view) => view.stop(-1));
showDetails(null);
VIEWS.forEach((view) => view.drawn());
new ResizeObserver(() => VIEWS.forEach((view) => view.drawn())).observe(document.querySelector("main"));
