// The graph: arguments, constants, and the regions as nested frames. In a frame the cards stand in rows, each row below
// what it needs; then the end of the path, or the switch with a frame for each case.

const graphView = new View("graph");
const CARD_ELEMENT = new Map(); // first op of a card -> its element
const CARD_OF = new Map();
const DEEPEST_OPEN = 3; // frames deeper than this begin closed in a large program
const LARGE = 150;

function drawGraph() {
  const params = OPS.filter((op) => op.kind === "param").map((op) => op.op);
  const arguments_ = { ops: params, rank: 0, outer: true };
  params.forEach((op) => CARD_OF.set(op, arguments_));
  const constants = cardsOf(DATA.graph.prefixes, CARD_OF);
  REGIONS.forEach((region, number) => {
    region.cards = cardsOf(region.body, CARD_OF);
    region.cards.forEach((card) => (card.region = number));
  });
  REGIONS.toReversed().forEach((region) => {
    const inner = region.switch ? region.switch.cases.map((one) => REGIONS[one.region]) : [];
    region.all = [...region.body, ...inner.flatMap((one) => one.all)];
  });
  if (params.length)
    graphView.canvas.append(frame("arguments", counted(params.length, "text"), rowsOf([arguments_]), "quiet"));
  if (constants.length) {
    graphView.canvas.append(
      frame("constants", "the same in every call: prefilled ahead of time", rowsOf(constants), "constants"),
    );
  }
  graphView.canvas.append(drawRegion(0, 0));
  const forks = FORKED.size ? `, ${counted(FORKED.size, "fork")}` : "";
  graphView.says(`${counted(OPS.length, "op")} in ${counted(REGIONS.length, "region")}${forks}`);
}

function frame(title, says, content, className) {
  return element(
    "div",
    { className: `frame ${className}` },
    element("h3", {}, title, " ", element("small", {}, says)),
    content,
  );
}

function rowsOf(cards) {
  const rows = [];
  cards.forEach((card) => (rows[card.rank] ??= []).push(card));
  const made = element("div", { className: "rows" });
  const opsOf = (row) => row.flatMap((card) => card.ops);
  drawList(graphView, made, rows, drawRow, opsOf, { first: 16, last: 4, what: "more rows" });
  return made;
}

function drawRow(cards) {
  const row = element("div", { className: "row" });
  row.style.setProperty("--cards", Math.min(cards.length, 8));
  drawList(graphView, row, cards, drawCard, (card) => card.ops, { first: 7, last: 1, what: "more like these" });
  return row;
}

function drawCard(card) {
  const made = element("div", { className: "card" });
  drawList(graphView, made, card.ops, drawOp, (op) => [op], { first: 8, last: 3, what: "more ops" });
  CARD_ELEMENT.set(card.ops[0], made);
  return made;
}

function drawOp(op) {
  const { kind } = OPS[op];
  const fork = FORKED.has(op) ? element("span", { className: "fork" }, `fork ${FORKED.get(op)}`) : null;
  const said = element("span", { className: "words" }, words(op));
  return node(graphView, op, "line", element("b", {}, kind), said, fork, element("i", {}, DATA.names[op]));
}

function drawRegion(number, depth) {
  const region = REGIONS[number];
  const made = element("div", { className: "region" }, rowsOf(region.cards));
  made.append(region.switch ? drawSwitch(region, depth) : drawEnd(number));
  return made;
}

function drawEnd(number) {
  const made = element("div", { className: "end" }, element("b", {}, "end"));
  const ends = Object.entries(DATA.ends[number]).filter(([name, made]) => name || made.length);
  const value = (made) => (typeof made[0] === "string" ? made : linksTo(made));
  const variable = ([name, made]) => element("div", {}, name ? `${name} = ` : "return ", ...value(made));
  drawList(graphView, made, ends, variable, () => [], { first: 8, last: 2, what: "more variables" });
  return made;
}

function drawSwitch(region, depth) {
  const { subjects, cases, open, why, loc } = region.switch;
  const asked = [...new Set(subjects.map((subject) => subject.op))];
  const where = loc ? `${loc.file}:${loc.line}` : "";
  const pill = element(
    "div",
    { className: cases.length ? "switch" : "switch exit", title: [where, sourceOf(loc)].filter(Boolean).join("  ") },
    element("b", {}, cases.length ? "switch" : "exit"),
    " ",
    why,
    " ",
    ...linksTo(asked),
    " ",
    element("small", {}, where),
  );
  region.pill = pill;
  const frames = element("div", { className: "cases" });
  drawList(
    graphView,
    frames,
    cases,
    (one) => drawCase(one, depth),
    (one) => REGIONS[one.region].all,
    { first: 8, last: 1, what: "more cases" },
  );
  if (open && cases.length)
    frames.append(element("div", { className: "switch exit" }, element("b", {}, "exit"), " any other value"));
  return element("div", {}, pill, frames);
}

function drawCase(one, depth) {
  const region = REGIONS[one.region];
  const steps = region.all.filter(isStep).length;
  const says = `${counted(region.all.length, "op")}${steps ? `, ${counted(steps, "step")}` : ""}`;
  const head = element("summary", {}, `case ${valuesOf(one)} `, element("small", {}, says));
  const made = element("details", { className: "frame case" }, head);
  const open = graphView.later(region.all, () => {
    made.append(drawRegion(one.region, depth + 1));
    made.open = true;
  });
  made.addEventListener("toggle", () => (made.open && made.childElementCount === 1 ? open() : graphView.drawn()));
  if (OPS.length <= LARGE || depth < DEEPEST_OPEN) open();
  return made;
}

// Curves from card to card, and from what a switch asks to the switch.
graphView.curves = () => {
  const seen = new Map();
  for (const op of graphView.nodes.keys()) {
    for (const read of READS[op]) {
      const [from, to] = [CARD_OF.get(read), CARD_OF.get(op)];
      if (from === to) continue;
      if (from.region !== to.region && to.region > 0) continue; // the frames say it: a curve would cross them all
      const key = `${from.ops[0]} ${to.ops[0]}`;
      const state = isState(op) && OPS[op].state && OPS[op].state.op === read;
      const pair = seen.get(key) || {
        from: CARD_ELEMENT.get(from.ops[0]),
        to: CARD_ELEMENT.get(to.ops[0]),
        kind: "text",
      };
      if (state) pair.kind = "state";
      seen.set(key, pair);
    }
  }
  for (const region of REGIONS.filter((one) => one.pill)) {
    for (const { op } of region.switch.subjects.filter((subject) => region.body.includes(subject.op))) {
      seen.set(`${op} ${region.switch.number}`, {
        from: CARD_ELEMENT.get(CARD_OF.get(op).ops[0]),
        to: region.pill,
        kind: "text",
      });
    }
  }
  return drawnOnly([...seen.values()]);
};
