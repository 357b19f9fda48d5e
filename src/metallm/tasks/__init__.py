"""Kinds of questions: build the prompt, read the answer, score it.

A reader prefers silence to a guess: an answer that names no label, or several, is None, which
counts as wrong and is kept in the log as such.
"""
