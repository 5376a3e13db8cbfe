"""Runs the unit tests of a journey and reports each case to Bazel, skipped ones with their reason."""

import os
import sys
import unittest
import xml.etree.ElementTree as xml


class _Cases(unittest.TextTestResult):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.cases = []

    def _add(self, test, kind=None, message=""):
        self.cases.append((test, kind, message))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._add(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._add(test, "failure", str(err[1]))

    def addError(self, test, err):
        super().addError(test, err)
        self._add(test, "error", str(err[1]))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._add(test, "skipped", reason)


def main(module):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = unittest.TextTestRunner(resultclass=_Cases, verbosity=2).run(suite)
    root = xml.Element("testsuites")
    report = xml.SubElement(root, "testsuite", name=module)
    for test, kind, message in result.cases:
        case = xml.SubElement(report, "testcase", classname=type(test).__name__,
                              name=getattr(test, "_testMethodName", str(test)))
        if kind is not None:
            xml.SubElement(case, kind, message=message)
    if "XML_OUTPUT_FILE" in os.environ:
        xml.ElementTree(root).write(os.environ["XML_OUTPUT_FILE"])
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
