"""Kinds of questions: build the prompt, read the answer, score it."""
