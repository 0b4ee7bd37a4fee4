"""Mutations at random for as long as is asked: `python -m tests.malformed --minutes 10 --seed 1`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.malformed.variants import mutated
from tests.written import WRITERS, predictions, write
from tests.zygote import Zygote


def main() -> None:
    """Mutate a file of each format in turns; every run has to end in a right answer or one sentence."""
    parser = argparse.ArgumentParser(prog="python -m tests.malformed", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("malformed"), help="where files that fail are kept")
    parser.add_argument("--format", action="append", choices=list(WRITERS), help="only these; repeatable")
    asked = parser.parse_args()
    ends, counts, failed, seed = time.monotonic() + 60 * asked.minutes, Counter[str](), 0, asked.seed * 10**9
    with Zygote(everything=True) as zygote, tempfile.TemporaryDirectory() as folder:
        formats = asked.format or list(WRITERS)
        written = {}
        for name in formats:
            (Path(folder) / name).mkdir()
            written[name] = write(name, predictions(200), Path(folder) / name)
        sound = {name: one.path.read_bytes() for name, one in written.items()}
        while time.monotonic() < ends:
            name, seed = formats[seed % len(formats)], seed + 1
            one = written[name]
            one.path.write_bytes(mutated(sound[name], Random(seed)))
            outcome = zygote.run("eval", *one.words, "--loss", "scce", "--on-bad", "drop", "--json")
            complaint = outcome.complaint(str(one.path))
            counts[f"{name}: {('refused' if outcome.code == 2 else 'evaluated') if not complaint else 'FAILED'}"] += 1
            if complaint:
                failed += 1
                asked.keep.mkdir(exist_ok=True)
                (asked.keep / f"{seed}-{one.path.name}").write_bytes(one.path.read_bytes())
                print(f"{name}, seed {seed}: {complaint}", flush=True)
            one.path.write_bytes(sound[name])
    for kind, count in sorted(counts.items()):
        print(f"{kind} {count:,}")
    print(f"{sum(counts.values()):,} mutated files, {failed} failed")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
