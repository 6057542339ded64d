// The tree of prompts. A prompt that goes on in one way only goes on below itself; where several go on from it, each is
// one step further in, but the last where it is also the largest: so a long program is not a staircase.

const promptView = new View("prompts");
const WAYS = new Map(DATA.prompts.map((prompt) => [prompt.op, []]));
DATA.prompts.forEach((prompt) => prompt.parent >= 0 && WAYS.get(prompt.parent).push(prompt.op));
const MOST_STEPS = Math.max(1, ...DATA.prompts.map((prompt) => prompt.steps));

// The ops of the requests whose prompts begin with a state.
function stepsBelow(state) {
  const found = [];
  const left = [...WAYS.get(state)];
  while (left.length) {
    const op = left.pop();
    if (isRequest(op)) found.push(op);
    left.push(...WAYS.get(op));
  }
  return found.sort((a, b) => a - b);
}

function drawPrompts() {
  const roots = DATA.prompts.filter((prompt) => prompt.parent < 0).map((prompt) => prompt.op);
  const unit = DATA.unit === "tokens" ? "tokens of each literal alone" : "characters of literals";
  promptView.says(`\u00d7 steps that begin with it, + ${unit}, ? values of the run`);
  roots.forEach((root) => drawLine(promptView.canvas, root, 0));
}

// A state and what goes on from it at the same depth.
function drawLine(parent, state, depth) {
  const line = [];
  for (let at = state; at !== undefined;) {
    const ways = WAYS.get(at);
    const onward = goesOn(ways);
    line.push({ op: at, branches: ways.filter((way) => way !== onward) });
    at = onward;
  }
  const draw = ({ op, branches }) => {
    const made = element("div", { className: "stem" }, drawPrompt(op, depth));
    drawList(
      promptView,
      made,
      branches,
      (branch) => {
        const inner = element("div", { className: depth < 24 ? "branch" : "" });
        drawLine(inner, branch, depth + 1);
        return inner;
      },
      (branch) => [branch, ...allBelow(branch)],
      { first: 7, last: 2, what: "more branches" },
    );
    return made;
  };
  drawList(
    promptView,
    parent,
    line,
    draw,
    ({ op, branches }) => [op, ...branches.flatMap((x) => [x, ...allBelow(x)])],
    { first: 12, last: 4, what: "more prompts" },
  );
}

function goesOn(ways) {
  if (ways.length < 2) return ways[0];
  const weight = (op) => PROMPTS.get(op).steps + isRequest(op);
  const last = ways.at(-1);
  return ways.slice(0, -1).every((way) => weight(way) < weight(last)) ? last : undefined;
}

function allBelow(state) {
  const found = [];
  const left = [...WAYS.get(state)];
  while (left.length) {
    const op = left.pop();
    found.push(op);
    left.push(...WAYS.get(op));
  }
  return found;
}

function drawPrompt(op) {
  const prompt = PROMPTS.get(op);
  const bar = element("span", { className: "share" });
  bar.style.setProperty("--share", `${(100 * prompt.steps) / MOST_STEPS}%`);
  const steps = prompt.steps ? `\u00d7${prompt.steps}` : "";
  const values = prompt.values ? ` +${prompt.values > 1 ? prompt.values : ""}?` : "";
  const adds = `${prompt.size ? `+${prompt.size.toLocaleString("en")}` : ""}${values}`;
  const fork = FORKED.has(op) ? element("span", { className: "fork" }, `fork ${FORKED.get(op)}`) : null;
  const batch = PREFIX_OF.get(op)?.scope === "batch" ? element("span", { className: "batch" }, "batch") : null;
  const made = node(
    promptView,
    op,
    "prompt",
    element("b", {}, OPS[op].kind),
    element("span", { className: "words" }, words(op)),
    fork,
    batch,
    element("i", {}, DATA.names[op]),
    bar,
    element("span", { className: "steps" }, steps),
    element("span", { className: "adds" }, adds),
  );
  made.title += `\n${sizeOf(prompt)}; ${counted(prompt.steps, "step")} begin${prompt.steps === 1 ? "s" : ""} with it`;
  return made;
}

promptView.curves = () => []; // it is a tree as it stands

function sizeOf(prompt) {
  const values = prompt.values ? ` and ${counted(prompt.values, "value")} of the run` : "";
  return `adds ${counted(prompt.size, DATA.unit.slice(0, -1))}${values}, begins with ${prompt.begins.toLocaleString("en")}`;
}
