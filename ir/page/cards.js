// Cards: the ops of a region that follow each other without a fork stand on one card, so a chain of any length is one
// thing to look at. An op joins the card of what it goes on from, unless it also needs a card that may come later.

// The cards of a region in order, each with its rank: how many cards of the region must stand above it. Cards that are
// known already (`outer`) stand above the whole region.
function cardsOf(ops, cardOf) {
  const inside = new Set(ops);
  const cards = [];
  for (const op of ops) {
    const near = [...new Set(READS[op].map((read) => cardOf.get(read)))].filter((card) => card && !card.outer);
    let card = cardToJoin(op, near, inside, cardOf);
    if (!card) {
      card = { ops: [], rank: 1 + Math.max(-1, ...near.map((other) => other.rank)), outer: false };
      cards.push(card);
    }
    card.ops.push(op);
    cardOf.set(op, card);
  }
  cards.forEach((card) => (card.outer = true));
  return cards;
}

function cardToJoin(op, near, inside, cardOf) {
  if (OPS[op].state && isState(op)) {
    const state = OPS[op].state.op;
    const ways = READERS[state].filter((other) => inside.has(other) && isState(other) && OPS[other].state.op === state);
    const card = inside.has(state) && ways.length === 1 ? cardOf.get(state) : undefined;
    return card && near.every((other) => other === card || other.rank < card.rank) ? card : undefined;
  }
  return near.length === 1 ? near[0] : undefined;
}
