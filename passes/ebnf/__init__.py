"""Grammars in EBNF: to trees of regular operations where they are regular, to the Lark syntax of llguidance otherwise."""
