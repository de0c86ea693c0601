"""Runs every check of a client and names those that fail, so that one failure hides no other."""

import os
import sys
import traceback


def raises(error, run):
    """Runs what must fail with an error of this class, and gives the error."""
    try:
        run()
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


def equal(found, wanted):
    assert found == wanted, f"{found!r}, want {wanted!r}"


def run(checks, clean_up=lambda: None, later=()):
    """Runs the checks in order; each is a function without arguments. Those named in `later` are of
    something that Teatree does not have yet: they are named, and do not fail the run."""
    failed = 0
    for check in checks:
        try:
            check()
        except Exception as error:  # a client's errors have many roots
            is_later = check.__name__ in later
            failed += not is_later
            last = traceback.extract_tb(error.__traceback__)
            own = os.path.basename(sys.argv[0])
            line = next((f for f in reversed(last) if f.filename.endswith(own)), last[-1])
            first = (str(error).strip().splitlines() or [""])[0][:600]
            word = "not yet" if is_later else "FAILED"
            print(f"{word} {check.__name__} (line {line.lineno}): {type(error).__name__}: {first}")
        else:
            named = " (no longer to be named in `later`)" if check.__name__ in later else ""
            print(f"ok {check.__name__}{named}")
    try:
        clean_up()
    except Exception as error:
        failed += 1
        print(f"FAILED clean_up: {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)
