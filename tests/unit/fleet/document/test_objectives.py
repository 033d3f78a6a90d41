"""Files of OpenSLO documents: what is no YAML does not hide the faults of the others."""

from __future__ import annotations

from fleet.document.objectives import objectives

SERVICE = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\n"
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: up}
spec:
  service: a
  indicator:
    spec:
      ratioMetric:
        bad: {metricSource: {type: driftwarden, spec: {sli: availability}}}
        total: {metricSource: {type: driftwarden, spec: {sli: availability}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
"""


def test_files_are_read_together() -> None:
    found = objectives([("a.yaml", SLO), ("b.yaml", SERVICE)])
    assert ([slo.where for slo in found.slos], found.problems) == (["a.yaml:1"], ())


def test_every_file_at_fault_is_told_with_its_lines() -> None:
    found = objectives(
        [
            ("a.yaml", SLO.replace("0.99", "1")),
            ("b.yaml", SERVICE + "kind: Service\n"),
            ("c.yaml", "a: [\n"),
            ("d.yaml", ""),
        ]
    )
    assert [str(problem) for problem in found.errors] == [
        "a.yaml:13: SLO up: spec.objectives[0].target: 1 is not from 0 to below 1",
        "b.yaml:4: kind: duplicate key; first on line 2",
        "c.yaml:2: not YAML: expected the node content, but found '<stream end>'",
        "d.yaml:1: empty; OpenSLO documents are needed, or leave the file out",
    ]


def test_a_service_may_be_known_without_a_document() -> None:
    assert [problem.line for problem in objectives([("a.yaml", SLO)]).problems] == [5]
    assert objectives([("a.yaml", SLO)], services=("a",)).problems == ()
