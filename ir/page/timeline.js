// The schedule: each step in the round in which it can run at the earliest, as long as the tokens that it may decode.
// A step takes the lane of one that it waits for, so a branch of a fork stays on one line; a region has lanes of its own.

const timeView = new View("timeline");
const BARS = new Map(DATA.bars.map((bar) => [bar.op, bar]));
const NARROWEST = 22; // pixels of a round
const READABLE = 90; // pixels of the longest
const MANY_CURVES = 400; // more of them say nothing
const widestIn = []; // tokens of the longest step of each round
const roundAt = [0]; // pixels

function drawTimeline() {
  if (!STEPS.length) {
    timeView.says("");
    timeView.canvas.append(
      element(
        "p",
        { className: "nothing" },
        DATA.graph.schedule ? "The program has no steps." : "The graph of this stage is not scheduled yet.",
      ),
    );
    return;
  }
  DATA.bars.forEach(({ round, bound }) => (widestIn[round] = Math.max(widestIn[round] ?? 1, bound)));
  const total = widestIn.reduce((sum, width) => sum + width, 0);
  const room = timeView.scroller.clientWidth - 40 - NARROWEST * widestIn.length;
  const scale = Math.max(room / total, READABLE / Math.max(...widestIn)); // all in the pane, or as wide as names need
  widestIn.forEach((width) => roundAt.push(roundAt.at(-1) + NARROWEST + width * scale));
  const longest = DATA.bars.reduce((most, bar) => Math.max(most, bar.start + bar.bound), 0);
  timeView.says(
    `${counted(STEPS.length, "step")} in ${counted(widestIn.length, "round")}; bold: the longest chain, at most ${counted(longest, "token")}`,
  );
  timeView.canvas.style.minWidth = `${roundAt.at(-1) + 12}px`;
  const rounds = element("div", { className: "rounds" });
  widestIn.forEach((_, round) => {
    const head = element("span", {}, `${round}`);
    head.style.left = `${roundAt[round]}px`;
    head.style.width = `${roundAt[round + 1] - roundAt[round]}px`;
    rounds.append(head);
  });
  timeView.canvas.append(rounds);
  const stepsOf = new Map(); // region -> its steps
  STEPS.forEach((step) =>
    stepsOf
      .set(step.region, stepsOf.get(step.region) ?? [])
      .get(step.region)
      .push(step),
  );
  const lanes = ([number, steps]) => drawLanes(REGIONS[number], steps);
  const opsOf = ([, steps]) => steps.map((step) => step.op);
  drawList(timeView, timeView.canvas, [...stepsOf], lanes, opsOf, { first: 20, last: 3, what: "more regions" });
}

// As wide as its pane is now.
function redrawTimeline() {
  timeView.canvas.replaceChildren();
  timeView.nodes.clear();
  timeView.hidden.clear();
  roundAt.splice(1);
  drawTimeline();
  if (chosen !== null) nearest(chosen, timeView);
  timeView.stop(chosen);
}

function drawLanes(region, steps) {
  const made = element("div", { className: "lanes" });
  if (region.within) made.append(element("h3", {}, element("small", {}, labelOf(region))));
  drawList(timeView, made, lanesOf(steps), drawLane, (lane) => lane.map((step) => step.op), {
    first: 9,
    last: 2,
    what: "more lanes",
  });
  return made;
}

function lanesOf(steps) {
  const lanes = [];
  const laneOf = new Map();
  for (const step of steps.toSorted(
    (a, b) => BARS.get(a.op).round - BARS.get(b.op).round || STEP_OF.get(a.op) - STEP_OF.get(b.op),
  )) {
    const { round } = BARS.get(step.op);
    const before = step.after
      .map((index) => laneOf.get(STEPS[index].op))
      .filter((lane) => lane && BARS.get(lane.at(-1).op).round < round);
    const lane = before[0] ?? lanes.find((one) => BARS.get(one.at(-1).op).round < round) ?? [];
    if (!lane.length) lanes.push(lane);
    lane.push(step);
    laneOf.set(step.op, lane);
  }
  return lanes;
}

function labelOf(region) {
  const { why, loc } = region.within;
  return `case ${valuesOf(region.one)} of ${why || "a switch"}${loc ? `, line ${loc.line}` : ""}`;
}

function drawLane(lane) {
  const made = element("div", { className: "lane" });
  for (const step of lane) {
    const bar = BARS.get(step.op);
    const room = roundAt[bar.round + 1] - roundAt[bar.round] - 6;
    const width = Math.max(12, (room * bar.bound) / widestIn[bar.round]);
    const name = element("span", { className: "words" }, width < 28 ? "" : nameOf(step.op));
    const button = node(
      timeView,
      step.op,
      bar.critical ? "bar critical" : "bar",
      name,
      width < 110 ? null : element("small", {}, `${step.priority}`),
    );
    button.style.left = `${roundAt[bar.round] + 2}px`;
    button.style.width = `${width}px`;
    button.setAttribute("aria-label", `${nameOf(step.op)}, ${saidOfStep(step.op)}`);
    button.title += `\n${saidOfStep(step.op)}`;
    made.append(button);
  }
  return made;
}

function nameOf(op) {
  const { kind, name, function: called } = OPS[op];
  return kind === "call" ? called.split(".").at(-1) : (name ?? kind);
}

function saidOfStep(op) {
  const step = STEPS[STEP_OF.get(op)];
  const bar = BARS.get(op);
  const bound =
    OPS[op].kind === "gen"
      ? `at most ${counted(bar.bound, "token")}`
      : OPS[op].kind === "call"
        ? "a host function"
        : "scores choices";
  const fork = step.fork >= 0 ? `, fork ${step.fork}` : "";
  const gate = bar.gate >= 0 ? `, if the program gets to its case` : "";
  return `step ${STEP_OF.get(op)}: ${bound}, round ${bar.round}, priority ${step.priority}${fork}${gate}`;
}

timeView.curves = () => {
  const pairs = STEPS.flatMap((step) =>
    step.after.map((index) => ({
      from: timeView.nodes.get(STEPS[index].op),
      to: timeView.nodes.get(step.op),
      kind: "text",
    })),
  );
  return pairs.length > MANY_CURVES ? [] : drawnOnly(pairs);
};
