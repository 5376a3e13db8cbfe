"""Debian's Prometheus scrapes a real hub: every query of the Grafana dashboard returns a series, every alert rule is
one that Prometheus takes and asks for metrics that are there.

Skipped, and said, where there is no prometheus.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

import report
from console import as_operator
from fleet import Fleet, eventually, package, repository

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: web}\ndata: {a: b}\n"
DEPLOY = os.path.join(os.environ["CHECKOUT"], "deploy")
ALERTS = os.path.join(DEPLOY, "prometheus", "muster-alerts.yaml")
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{alerts}"]
scrape_configs:
- job_name: muster
  scheme: https
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  tls_config: {{ca_file: "{admin}/root.pem", cert_file: "{admin}/operator.pem", key_file: "{admin}/operator-key.pem",
                server_name: muster-hub}}
"""


def grafana_queries():
    with open(os.path.join(DEPLOY, "grafana", "muster.json"), encoding="utf-8") as file:
        for panel in json.load(file)["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"].replace("$instance", ".*").replace("$__rate_interval", "10s")


def alert_rules():
    with open(ALERTS, encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = cls.enterClassContext(Fleet(os.environ["PROGRAMS"], ["dev-1", "prod-1"]))
        cls.fleet.write({"fleet/fleet.yaml": repository(cls.fleet) + "---\n" + package("web", "web"),
                         "web/settings.yaml": SETTINGS})
        cls.fleet.commit("first")
        cls.fleet.start()
        cls.fleet.converge()

    def test_queries_and_alerts_ask_for_metrics_that_are_there(self):
        text = as_operator(self.fleet).ask("/metrics").body.decode()
        there = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
        asked = [expression for _, expression in grafana_queries()] + [rule["expr"] for rule in alert_rules()]
        self.assertGreater(len(asked), 25)
        for expression in asked:
            names = set(re.findall(r"\b(?:muster|process)_[a-z_]+", expression))
            names = {re.sub(r"_bucket$", "", name) for name in names}
            self.assertEqual(names - there, set(), expression)

    def test_every_alert_says_what_to_do(self):
        for rule in alert_rules():
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"), rule["alert"])
            self.assertTrue(rule["annotations"]["summary"] and rule["annotations"]["description"], rule["alert"])

    def test_debians_prometheus_gets_an_answer_to_every_query(self):
        if shutil.which("prometheus") is None:
            self.skipTest("no prometheus here")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as file:
                file.write(SCRAPE.format(alerts=ALERTS, port=self.fleet.port_of("console"),
                                         admin=os.path.join(self.fleet.data, "admin")))
            with open(f"{folder}/log", "w", encoding="utf-8") as log:
                prometheus = subprocess.Popen(
                    ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                     f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
            self.addCleanup(prometheus.wait)
            self.addCleanup(prometheus.kill)

            def ask(path):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                        return json.load(answer)["data"]
                except (urllib.error.URLError, ConnectionError):
                    return {}

            for title, expression in grafana_queries():
                eventually(f"a series for '{title}': {expression}",
                           lambda asked=expression: ask("/api/v1/query?" + urllib.parse.urlencode({"query": asked})).get("result"))
            rules = ask("/api/v1/rules")["groups"][0]["rules"]
            self.assertEqual(len(rules), len(alert_rules()))
            self.assertEqual([rule["name"] for rule in rules if rule.get("lastError")], [])
            firing = {one["labels"]["alertname"] for one in ask("/api/v1/alerts")["alerts"] if one["state"] == "firing"}
            self.assertEqual(firing, set(), "nothing is wrong with this fleet")


if __name__ == "__main__":
    report.main(__name__)
