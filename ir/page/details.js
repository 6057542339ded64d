// What is known of the chosen op: its text, its line of the program, what it reads and who reads it.

const PLANS = DATA.graph.schedule?.forks ?? [];
const details = document.querySelector("#details .view");

function linksTo(ops) {
  const shown = ops.slice(0, 12).map((op) => {
    const link = element("button", { type: "button", className: "link" }, DATA.names[op]);
    link.title = titleOf(op);
    link.addEventListener("click", () => choose(op, null));
    return link;
  });
  return ops.length > 12 ? [...shown, ` and ${ops.length - 12} more`] : shown;
}

function saidOfPrefix({ scope, params }) {
  if (scope === "program") return "of the program: computed before the first call";
  if (scope === "call") return "of the call: several of its prompts go on from here";
  return `of the batch: rows share it that have the same ${params.map((index) => OPS[index].name).join(", ")}`;
}

function showDetails(op) {
  if (op === null) {
    details.replaceChildren(
      element(
        "p",
        { className: "nothing" },
        "Choose a node: it is marked in all views. Arrow keys go from node to node, / searches, Escape lets go.",
      ),
    );
    return;
  }
  const { loc, note } = OPS[op];
  const rows = [];
  const row = (name, ...said) => rows.push(element("dt", {}, name), element("dd", {}, ...said));
  if (loc)
    row(
      "line",
      element("code", { className: "source" }, sourceOf(loc) || "(the file cannot be read here)"),
      element("small", {}, ` ${loc.file}:${loc.line}`),
    );
  row("op", element("code", { className: "whole" }, DATA.lines[op]));
  if (note) row("note", note);
  if (READS[op].length) row("reads", ...linksTo(READS[op]));
  if (READERS[op].length) row("read by", ...linksTo(READERS[op]));
  if (isState(op)) {
    const prompt = PROMPTS.get(op);
    row("prompt", `${sizeOf(prompt)}${prompt.constant ? "; constant" : ""}`);
    const below = stepsBelow(op);
    if (below.length)
      row(below.length > 1 ? "shared by" : "begins", `${counted(below.length, "step")}: `, ...linksTo(below));
  }
  if (PREFIX_OF.has(op)) row("prefix", saidOfPrefix(PREFIX_OF.get(op)));
  const groups = PLANS.map((plan, number) => ({ ...plan, number })).filter((plan) => plan.state === op);
  for (const { number, members, within } of groups)
    row(
      `fork ${number}`,
      "these steps run at once on its KV",
      within >= 0 ? `, with those of fork ${within} on what theirs begins with: ` : ": ",
      ...linksTo(members.map((index) => STEPS[index].op)),
    );
  if (STEP_OF.has(op)) {
    row("step", saidOfStep(op));
    const { after } = STEPS[STEP_OF.get(op)];
    if (after.length) row("waits for", ...linksTo(after.map((index) => STEPS[index].op)));
  }
  const life = (DATA.graph.schedule?.lifetimes || []).find((one) => one.state === op);
  if (life)
    row(
      "KV",
      ...(life.last.length
        ? [
            "dies after ",
            ...linksTo(life.last.map((index) => STEPS[index].op)),
            `; at most ${counted(life.tokens, "token")} decoded behind it`,
          ]
        : ["is never read"]),
    );
  details.replaceChildren(element("dl", {}, ...rows));
}
