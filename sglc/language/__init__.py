"""The words of a program and what they become: expressions, states, primitives, symbolic text."""
