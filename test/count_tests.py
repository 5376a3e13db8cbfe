#!/usr/bin/env python3
"""Counts test cases from Bazel's XML reports. Usage: count_tests.py TESTLOGS LOG STATUS

Prints each skipped case with its reason, then "N passed, N failed, N skipped". Exits 1 when a case
failed, when Bazel did (a file that does not compile is a failure too), or when nothing ran.
"""

import os
import re
import sys
import xml.etree.ElementTree as xml


def cases(report):
    """Yields (name, outcome, message) of each case in one report."""
    for case in xml.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
        bad = case.find("failure")
        bad = bad if bad is not None else case.find("error")
        skipped = case.find("skipped")
        if bad is not None:
            yield name, "failed", bad.get("message") or ""
        elif skipped is not None or case.get("result") == "skipped":
            message = (skipped.get("message") or skipped.text or "") if skipped is not None else ""
            yield name, "skipped", message
        elif case.get("status") != "notrun":
            yield name, "passed", ""


def main():
    logs, log, status = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    # Only the targets of this run: a report of a test that is gone may still lie about.
    targets = re.findall(r"(?m)^//(\S+)\s+(?:\(cached\)\s+)?(PASSED|FAILED|TIMEOUT|NO STATUS"
                         r"|FLAKY|FAILED TO BUILD)", text)
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for target, outcome in targets:
        folder = os.path.join(logs, target.replace(":", "/"))
        reports = [os.path.join(at, "test.xml") for at, _, names in os.walk(folder, followlinks=True)
                   if "test.xml" in names]
        found = []
        for report in reports:
            try:
                found += list(cases(report))
            except xml.ParseError:
                pass
        if outcome != "PASSED" and not any(kind == "failed" for _, kind, _ in found):
            found.append((target, "failed", outcome))
        for name, kind, message in found:
            count[kind] += 1
            if kind != "passed":
                first = " ".join(message.split())[:160]
                print(f"{kind}: //{target} {name}: {first}")
    if status != 0 and count["failed"] == 0:
        count["failed"] = 1
        print(f"failed: bazel ended with status {status}; see above")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**count))
    sys.exit(1 if count["failed"] or not count["passed"] else 0)


if __name__ == "__main__":
    main()
