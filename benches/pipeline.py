"""The Python pipeline that `otklik classify` is compared with: JSON in and out, \\w+, lemmas by
pymorphy3 with a cache, a dictionary of lemmas, rules hung on their rarest lemma.

Run by benches/process: pipeline.py RULES.tsv < messages.jsonl > out.jsonl
Prints the seconds of its loop to the error output; loading is not counted.
"""

import functools
import json
import re
import sys
import time

import pymorphy3

WORD = re.compile(r"\w+")
MORPH = pymorphy3.MorphAnalyzer()


@functools.lru_cache(maxsize=1_000_000)
def lemma(word):
    return MORPH.parse(word)[0].normal_form.replace("ё", "е")


def load(path):
    uses, rules = {}, []
    for line in open(path, encoding="utf-8"):
        kind, *words = line.rstrip("\n").split("\t")
        a, b, c = (lemma(word) for word in words)
        rules.append((kind, a, b, c))
        uses[a] = uses.get(a, 0) + 1
        if kind != "Word":
            uses[b] = uses.get(b, 0) + 1
    hung = {}
    for number, (kind, a, b, _) in enumerate(rules):
        anchor = a if kind == "Word" or uses[a] <= uses[b] else b
        hung.setdefault(anchor, []).append(number)
    vocabulary = set(uses) | {c for _, _, _, c in rules}
    return rules, hung, vocabulary


def matches(rule, hits):
    kind, a, b, c = rule
    if kind == "Word":
        return True
    near = (lambda x, y: y == x + 1) if kind == "Phrase" else (lambda x, y: 0 < abs(x - y) < 5)
    if not any(near(x, y) for x in hits.get(a, ()) for y in hits.get(b, ())):
        return False
    return kind != "Unless" or c not in hits


def main():
    rules, hung, vocabulary = load(sys.argv[1])
    began = time.process_time()
    out = sys.stdout
    for line in sys.stdin:
        message = json.loads(line)
        hits = {}
        for at, word in enumerate(WORD.findall(message["text"].lower())):
            found = lemma(word)
            if found in vocabulary:
                hits.setdefault(found, []).append(at)
        topics = [
            number
            for found in hits
            for number in hung.get(found, ())
            if matches(rules[number], hits)
        ]
        out.write(json.dumps({"id": message["id"], "topics": topics}, ensure_ascii=False) + "\n")
    print(f"{time.process_time() - began:.2f}", file=sys.stderr)


main()
