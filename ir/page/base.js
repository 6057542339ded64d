// The data, elements, and what all views have: nodes that stand for ops, and long lists that open where they are needed.

const DATA = JSON.parse(document.getElementById("data").textContent);
const OPS = DATA.graph.ops;
const REGIONS = DATA.graph.regions;
const STEPS = DATA.graph.schedule ? DATA.graph.schedule.steps : [];
const PROMPTS = new Map(DATA.prompts.map((prompt) => [prompt.op, prompt]));
const CONSTANT = new Set(DATA.graph.prefixes);
const PREFIX_OF = new Map((DATA.graph.schedule?.prefixes ?? []).map((prefix) => [prefix.op, prefix]));

// An element; texts among the children stay texts. `props` are properties, and attributes where the name has a dash.
function element(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const counted = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

const READS = DATA.reads;
const READERS = OPS.map(() => []);
READS.forEach((reads, op) => reads.forEach((read) => READERS[read].push(op)));

const STEP_OF = new Map(STEPS.map((step, index) => [step.op, index]));
const FORK_OF = new Map(); // op -> number of the fork that it is a member of
const FORKED = new Map(); // state -> number of the fork that it begins
REGIONS.flatMap((region) => region.forks).forEach((fork, number) => {
  FORKED.set(fork.state, number);
  fork.members.forEach((op) => FORK_OF.set(op, number));
});

// Of the region of a case: the switch it is within, and the case.
REGIONS.forEach((region) =>
  region.switch?.cases.forEach((one) => Object.assign(REGIONS[one.region], { within: region.switch, one })),
);
const valuesOf = (one) => one.values.map((value) => JSON.stringify(value)).join(", ");

const isState = (op) => PROMPTS.has(op);
const isRequest = (op) => OPS[op].kind === "gen" || OPS[op].kind === "select";
const isStep = (op) => isRequest(op) || OPS[op].kind === "call";
const sourceOf = (loc) => (loc ? DATA.sources[`${loc.file}:${loc.line}`] || "" : "");

// What an op says, in a few words: its own part of its line.
function words(op) {
  const { kind, name } = OPS[op];
  const said = DATA.lines[op].slice(DATA.lines[op].indexOf(" = ") + 3);
  if (kind === "gen" || kind === "select") return name ?? "";
  if (kind === "call") return OPS[op].function;
  if (kind === "param") return name;
  if (kind === "append") return said.slice(said.indexOf("[") + 1, -1).replaceAll("\\n", "\u21b5");
  return said.slice(kind.length).trim();
}

function titleOf(op) {
  const source = sourceOf(OPS[op].loc);
  const line = DATA.lines[op];
  const said = line.length > 400 ? `${line.slice(0, 400)}\u2026` : line;
  return source ? `${said}\n${OPS[op].loc.file}:${OPS[op].loc.line}  ${source}` : said;
}

// A button that stands for an op; clicking it marks the op everywhere.
function node(view, op, className, ...children) {
  const made = element(
    "button",
    { type: "button", className: `op ${className}`, title: titleOf(op), tabIndex: -1 },
    ...children,
  );
  made.dataset.op = op;
  made.dataset.kind = OPS[op].kind;
  if (CONSTANT.has(op)) made.dataset.constant = "";
  if (FORK_OF.has(op)) made.dataset.fork = FORK_OF.get(op) % 6;
  view.nodes.set(op, made);
  mark(made, op);
  return made;
}

class View {
  constructor(id) {
    this.section = document.getElementById(id);
    this.scroller = this.section.querySelector(".view");
    this.canvas = this.section.querySelector(".canvas");
    this.nodes = new Map(); // op -> its button, of those that are drawn
    this.hidden = new Map(); // op -> what draws it, where it stands in a closed list
    this.scroller.addEventListener("keydown", (event) => this.walk(event));
    this.scroller.addEventListener("click", (event) => {
      const found = event.target.closest(".op");
      if (found) choose(Number(found.dataset.op), this);
    });
  }

  says(text) {
    document.getElementById(`${this.section.id}-says`).textContent = text;
  }

  // Draws what holds these ops only when one of them is asked for. Gives the function that asks.
  later(ops, draw) {
    const open = () => {
      ops.forEach((op) => this.hidden.get(op) === open && this.hidden.delete(op));
      draw();
      this.drawn();
    };
    ops.forEach((op) => this.hidden.set(op, open));
    return open;
  }

  // Opens what an op stands in; true where the view has the op.
  reveal(op) {
    while (this.hidden.has(op)) this.hidden.get(op)();
    for (let closed = this.nodes.get(op); (closed = closed?.closest("details:not([open])"));) closed.open = true;
    return this.nodes.has(op);
  }

  // Curves are drawn once, after all that is drawn in one go.
  drawn() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      drawCurves(this, [...this.curves(), ...chosenCurves(this)], this === timeView);
    });
  }

  // One stop of the tab key a view; arrows go from node to node.
  walk(event) {
    const at = event.target.closest(".op, .more, summary");
    const ways = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    if (!at || !(event.key in ways || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    const all = [...this.canvas.querySelectorAll(".op, .more, summary")].filter((x) => x.offsetParent);
    const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : all.indexOf(at) + ways[event.key];
    if (all[next]) all[next].focus();
  }

  // Which node the tab key stops at.
  stop(op) {
    this.canvas.querySelectorAll('.op[tabindex="0"]').forEach((x) => (x.tabIndex = -1));
    const found = this.nodes.get(op) || this.canvas.querySelector(".op");
    if (found) found.tabIndex = 0;
  }
}

// Draws items into `parent`; the middle of a long list stays closed behind a button until it is asked for.
function drawList(view, parent, items, draw, opsOf, { first = 6, last = 2, what = "more" } = {}) {
  if (items.length <= first + last + 2) {
    items.forEach((item) => parent.append(draw(item)));
    return;
  }
  items.slice(0, first).forEach((item) => parent.append(draw(item)));
  const middle = items.slice(first, items.length - last);
  const more = element(
    "button",
    { type: "button", className: "more" },
    `\u2026 ${middle.length.toLocaleString("en")} ${what}`,
  );
  const open = view.later(middle.flatMap(opsOf), () => more.replaceWith(...middle.map(draw)));
  more.addEventListener("click", () => {
    open();
    view.nodes.get(opsOf(middle[0])[0])?.focus(); // where the button was
  });
  parent.append(more);
  items.slice(items.length - last).forEach((item) => parent.append(draw(item)));
}

const drawnOnly = (pairs) => pairs.filter(({ from, to }) => from?.isConnected && to?.isConnected);

// Curves behind the nodes: pairs of elements, and how each curve leaves and arrives.
function drawCurves(view, pairs, sideways) {
  const origin = view.canvas.getBoundingClientRect();
  const boxes = new Map();
  const boxOf = (x) => boxes.get(x) || boxes.set(x, x.getBoundingClientRect()).get(x);
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "curves");
  svg.setAttribute("width", view.canvas.scrollWidth);
  svg.setAttribute("height", view.canvas.scrollHeight);
  for (const { from, to, kind } of pairs) {
    const a = boxOf(from),
      b = boxOf(to);
    if (!a.width || !b.width) continue;
    const path = document.createElementNS(ns, "path");
    const [x1, y1, x2, y2] = sideways
      ? [a.right, a.top + a.height / 2, b.left, b.top + b.height / 2]
      : [a.left + Math.min(a.width / 2, 90), a.bottom, b.left + Math.min(b.width / 2, 90), b.top];
    const [left, top] = [origin.left, origin.top];
    const bend = sideways ? Math.max(8, Math.abs(x2 - x1) / 2) : Math.max(10, Math.abs(y2 - y1) / 2);
    const c1 = sideways ? `${x1 - left + bend},${y1 - top}` : `${x1 - left},${y1 - top + bend}`;
    const c2 = sideways ? `${x2 - left - bend},${y2 - top}` : `${x2 - left},${y2 - top - bend}`;
    path.setAttribute("d", `M${x1 - left},${y1 - top} C${c1} ${c2} ${x2 - left},${y2 - top}`);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  for (const child of [...view.canvas.children].filter((x) => x.matches(".curves"))) child.remove();
  view.canvas.prepend(svg);
}
