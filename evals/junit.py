"""A run as JUnit XML: a testcase for each case, so that any build server can show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from evals.gate import Verdict
from evals.runfile import CaseRun, Run
from evals.tables import answer_of

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold."""


def as_junit(runs: Sequence[Run], verdict: Verdict | None = None) -> str:
    """Return the XML. A case in quarantine and one that was not run are skipped; metrics are properties."""
    excused = {flip.case.id: flip.excuse for flip in verdict.flips if flip.excuse} if verdict else {}
    root = ElementTree.Element("testsuites", name="tearsheet eval")
    for run in runs:
        suite = ElementTree.SubElement(root, "testsuite", name=_plain(run.name))
        properties = ElementTree.SubElement(suite, "properties")
        for name, figure in run.figures.items():
            if figure.value is not None:
                told = f"{figure.value:.4f} ({figure.num}/{figure.den})"
                ElementTree.SubElement(properties, "property", name=name, value=told)
        counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for case in run.cases:
            counts["tests"] += 1
            if kind := _testcase(suite, case, excused.get(case.id, "")):
                counts[kind] += 1
        suite.attrib.update({name: str(number) for name, number in counts.items()})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _testcase(suite: ElementTree.Element, case: CaseRun, excuse: str) -> str:
    """Add the case; return which count it belongs to, empty when it passed."""
    element = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_plain(f"{case.suite}.{case.slice}"),
        name=_plain(case.id),
        time=f"{case.seconds or 0:.3f}",
    )
    if case.passed:
        return ""
    told = _plain("\n".join([f"asked: {case.ask}", f"answered: {answer_of(case)}", *case.missing]))
    if case.label == "not run" or excuse:
        ElementTree.SubElement(element, "skipped", message=_plain(excuse or "; ".join(case.missing)))
        return "skipped"
    kind = "error" if case.label == "error" else "failure"
    message = _plain("; ".join(case.missing) or str(case.label))
    ElementTree.SubElement(element, kind, type=str(case.label), message=message).text = told
    return f"{kind}s"


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
