"""Runs unittest stories and writes what Bazel counts: one entry a case, skipped ones with their reason."""

import os
import sys
import time
import traceback
import unittest
import xml.etree.ElementTree as xml


class Report(unittest.TextTestResult):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.cases = []
        self._begun = 0.0

    def startTest(self, test):
        self._begun = time.monotonic()
        super().startTest(test)

    def _note(self, test, kind="", message=""):
        seconds = time.monotonic() - self._begun if self._begun else 0.0
        self.cases.append((test, kind, message, seconds))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "error", "".join(traceback.format_exception(*err)))


def write_xml(result, path):
    suite = xml.Element("testsuite", name=os.path.basename(sys.argv[0]))
    for test, kind, message, seconds in result.cases:
        case = xml.SubElement(suite, "testcase", name=test.id().split(".")[-1],
                              classname=type(test).__name__, time=f"{seconds:.3f}")
        if kind:
            xml.SubElement(case, kind, message=message[-2000:])
    xml.ElementTree(suite).write(path, encoding="unicode")


def main():
    """Instead of unittest.main()."""
    names = sys.argv[1:]
    loader = unittest.TestLoader()
    module = sys.modules["__main__"]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Report).run(suite)
    if "XML_OUTPUT_FILE" in os.environ:
        write_xml(result, os.environ["XML_OUTPUT_FILE"])
    sys.exit(0 if result.wasSuccessful() else 1)
